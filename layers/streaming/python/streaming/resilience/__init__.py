"""Time-outs, deadlines, and dependencies that fail."""
