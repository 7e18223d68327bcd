"""HTTP: events of API Gateway, models of requests and responses, error responses."""
