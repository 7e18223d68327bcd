"""Kafka: the events that tell other services what is being watched."""
