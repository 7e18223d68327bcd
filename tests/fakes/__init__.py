"""The service's adapters in memory: they keep the rules of the real ones, and need no server."""
