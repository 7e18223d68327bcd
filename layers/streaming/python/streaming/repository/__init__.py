"""PostgreSQL: the record of what was watched."""
