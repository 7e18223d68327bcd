"""PostgreSQL: the authoritative data of sessions and positions, and the outbox of events."""
