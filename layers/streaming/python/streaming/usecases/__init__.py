"""The use cases, one module each, and background work."""
