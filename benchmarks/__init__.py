"""Benchmarks of this service against the usual alternatives, measured in the same run."""
