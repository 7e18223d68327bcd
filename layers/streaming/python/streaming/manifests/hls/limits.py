"""Limits on the size of one playlist and of its signed copy.

A signed URL is some hundred bytes longer than the reference that it replaces, and a variable can
expand a short line into a long one. Therefore the limits apply to the output as well as the input.
"""

MAX_BYTES = 16 * 1024 * 1024
MAX_REFERENCES = 100_000
"""Ten times a five-hour rendition of two-second segments."""
MAX_ATTRIBUTES = 1_000_000
"""Of all tags whose attributes are read: ten for each reference."""
MAX_LINE_ATTRIBUTES = 1_000
MAX_NESTED = 1_000
MAX_VARIABLES = 1_000
MAX_KEY_LENGTH = 1_024
"""The longest key that S3 allows."""
MAX_SUBSTITUTED_LENGTH = 4_096
"""Longer than the URL of any S3 key, every byte of it percent-encoded."""
