"""Redis: data that may be lost without any request failing."""
