"""How PostgreSQL executes each query of the service on large tables: ``make explain``."""
