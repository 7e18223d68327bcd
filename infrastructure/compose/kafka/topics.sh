#!/bin/sh
# Creates the topics that are not there.
set -eu

for action in start progress stop; do
    "${KAFKA_HOME:-/opt/kafka}/bin/kafka-topics.sh" --bootstrap-server "$BOOTSTRAP_SERVER" \
        --create --if-not-exists --topic "$TOPIC_PREFIX.$action" \
        --partitions 3 --replication-factor 1
done
