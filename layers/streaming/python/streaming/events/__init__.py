"""Kafka: sends events about watched films to other services, and reads records of theirs."""
