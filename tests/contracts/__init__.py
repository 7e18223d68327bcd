"""Contract tests of adapters, which both the real adapter and its fake pass."""
