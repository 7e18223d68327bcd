"""Tests that a Kafka message about a changed subscription reaches its function."""

import json
from uuid import uuid4

from kafka import KafkaProducer

from local.stack import Stack
from tests.support.redis_of_stack import client_of
from tests.support.waiting import eventually


def test_topic_is_read(stack: Stack) -> None:
    """The local product reads the topic: a message deletes the cached subscription of its user."""
    redis = client_of(stack)
    key = f"subscription:{uuid4()}"
    redis.set(key, "{}", ex=600)
    producer = KafkaProducer(bootstrap_servers=stack.kafka.bootstrap_servers)
    value = json.dumps({"user_id": key.partition(":")[2]}).encode()

    def forgotten() -> bool:
        # The gateway reads only messages sent after its consumer has connected.
        producer.send("subscription.changed", value).get(10)
        return not redis.exists(key)

    try:
        eventually(forgotten, seconds=60)
    finally:
        producer.close()
