"""What the service does for a viewer: one module a use case."""
