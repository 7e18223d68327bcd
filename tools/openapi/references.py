"""References to the schemas in the same document."""

ADDRESS = "#/components/schemas/{model}"


def reference(model: type) -> dict[str, str]:
    """Return a reference to the schema of ``model``."""
    return {"$ref": ADDRESS.format(model=model.__name__)}
