"""HTTP: from events of API Gateway to use cases, and back to responses."""
