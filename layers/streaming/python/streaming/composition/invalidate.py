"""Builds what invalidating a film needs."""

from functools import cache

from streaming.composition.delivery import delivery
from streaming.composition.record import films
from streaming.usecases.invalidate_film import InvalidateFilm


@cache
def invalidate_film() -> InvalidateFilm:
    """Build the use case."""
    return InvalidateFilm(delivery(), films())
