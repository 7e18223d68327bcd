"""What an adapter promises, as tests which the real adapter and its fake both pass."""
