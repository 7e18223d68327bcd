"""The service's adapters in memory: they follow the rules of the real ones, without servers."""
