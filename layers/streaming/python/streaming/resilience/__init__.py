"""Deadlines, bounded sockets and HTTP clients, the circuit breaker, trust in what Redis has."""
