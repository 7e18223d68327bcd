"""Injects every fault into every dependency under every call, and records the responses."""
