"""In-memory adapters that behave like the real ones, for tests without servers."""
