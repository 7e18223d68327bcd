"""Thousands of simulated viewers against the local stack: ``make load``.

The viewers call the real local gateway, which runs the functions of the template, with the stack's
own PostgreSQL, Redis, Kafka, S3 and user service. Everything listens on 127.0.0.1.
"""
