#!/bin/sh
# Creates the missing topics.
set -eu

for topic in "$TOPIC_PREFIX.start" "$TOPIC_PREFIX.progress" "$TOPIC_PREFIX.stop" \
    subscription.changed; do
    "${KAFKA_HOME:-/opt/kafka}/bin/kafka-topics.sh" --bootstrap-server "$BOOTSTRAP_SERVER" \
        --create --if-not-exists --topic "$topic" \
        --partitions 3 --replication-factor 1
done
