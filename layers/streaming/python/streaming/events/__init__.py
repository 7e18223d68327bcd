"""Kafka: sends events about watched films, and reads them and the changes of subscriptions."""
