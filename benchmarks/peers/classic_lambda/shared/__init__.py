"""What the functions share: every client is connected when the module is imported."""
