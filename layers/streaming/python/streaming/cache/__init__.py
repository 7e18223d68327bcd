"""Redis: what may be lost without any request failing."""
