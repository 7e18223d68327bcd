"""The composition root: builds the objects of an execution environment from its variables."""
