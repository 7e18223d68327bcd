"""PostgreSQL: the record of sessions and positions, the outbox of events, figures for reports."""
