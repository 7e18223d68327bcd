"""A change of a subscription, from the message in Kafka to the function that reads it."""

import json
from uuid import uuid4

from kafka import KafkaProducer
from redis import Redis

from local.stack import Stack
from tests.support.waiting import eventually


def test_topic_is_read(stack: Stack) -> None:
    """Who runs the whole product has the topic read: a message to it forgets a subscription."""
    redis = Redis(port=stack.ports.redis_port, decode_responses=True)
    key = f"subscription:{uuid4()}"
    redis.set(key, "{}", ex=600)
    producer = KafkaProducer(bootstrap_servers=stack.kafka.bootstrap_servers)
    value = json.dumps({"user_id": key.partition(":")[2]}).encode()

    def forgotten() -> bool:
        # The gateway may still be looking for the brokers; it begins with what comes after.
        producer.send("subscription.changed", value).get(10)
        return not redis.exists(key)

    try:
        eventually(forgotten, seconds=60)
    finally:
        producer.close()
