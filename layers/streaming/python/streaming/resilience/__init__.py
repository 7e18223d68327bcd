"""Deadlines, bounded sockets and HTTP clients, and the circuit breaker."""
