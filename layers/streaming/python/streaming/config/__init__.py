"""Settings, from environment variables and secrets."""
