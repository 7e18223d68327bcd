-- Reads the topics. It is created last, because reading begins at once. Kafka's offsets are committed after
-- the insert, so records may be read again, which changes nothing.
--
-- RawBLOB reads any bytes, so that no record stops a partition. A new group begins at the start of the topics. A
-- login belongs in the server's <kafka> configuration.

CREATE TABLE viewing.kafka (message String)
ENGINE = Kafka
SETTINGS
    kafka_broker_list = 'localhost:9092',
    kafka_topic_list = 'stream.start,stream.progress,stream.stop',
    kafka_group_name = 'clickhouse-viewing',
    kafka_format = 'RawBLOB';

CREATE MATERIALIZED VIEW viewing.read_kafka TO viewing.records AS
SELECT
    message,
    _topic AS topic,
    _partition AS kafka_partition,
    _offset AS kafka_offset,
    toUnixTimestamp64Milli(ifNull(_timestamp_ms, now64(3))) AS sent_ms
FROM viewing.kafka;
