"""The promises of adapters, as tests that both the real adapter and its fake pass."""
