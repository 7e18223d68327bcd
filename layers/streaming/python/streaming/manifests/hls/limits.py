"""How much one playlist may ask of us.

A signed URL is some hundred bytes longer than the reference in whose place it stands, and a
variable can make a short line a long one, so what is counted is what a playlist makes us write.
"""

MAX_BYTES = 16 * 1024 * 1024
MAX_REFERENCES = 100_000
"""Ten times a five-hour rendition of two-second segments."""
MAX_NESTED = 1_000
MAX_VARIABLES = 1_000
MAX_KEY_LENGTH = 1_024
"""The longest key that S3 has."""
MAX_SUBSTITUTED_LENGTH = 4_096
"""Longer than the URL of any S3 key, every byte of it percent-encoded."""
