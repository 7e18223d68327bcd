"""How identifiers are shown to people."""


def short(identifier: object) -> str:
    """Return the end of a UUID, where those that are made at once differ; else all of it."""
    text = str(identifier)
    return text[-8:] if len(text) == 36 else text
