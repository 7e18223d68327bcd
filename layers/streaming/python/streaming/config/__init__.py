"""Settings, read from environment variables and secrets."""
