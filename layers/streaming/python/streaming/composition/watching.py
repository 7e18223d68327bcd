"""Builds what looking up progress needs."""

from functools import cache

from streaming.composition.record import progress_cache, repository
from streaming.service.watching import FindFilmsToContinue, FindProgress


@cache
def find_progress() -> FindProgress:
    """Build the use case of one film."""
    return FindProgress(repository(), progress_cache())


@cache
def find_films_to_continue() -> FindFilmsToContinue:
    """Build the use case of all films."""
    return FindFilmsToContinue(repository())
