"""Background work that runs every minute, independently of requests."""
