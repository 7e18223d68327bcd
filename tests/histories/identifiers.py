"""Short forms of identifiers for output."""


def short(identifier: object) -> str:
    """Return the end of a UUID, where concurrently created ones differ; otherwise all of it."""
    text = str(identifier)
    return text[-8:] if len(text) == 36 else text
