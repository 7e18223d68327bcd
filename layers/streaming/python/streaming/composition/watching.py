"""Builds what looking up progress needs."""

import os
from functools import cache

from streaming.composition.record import progress_cache, progress_record
from streaming.config.viewing import WatchingSettings
from streaming.usecases.find_progress import FindFilmsToContinue, FindProgress, RemoveProgress


@cache
def find_progress() -> FindProgress:
    """Build the use case of one film."""
    return FindProgress(progress_record(), progress_cache())


@cache
def find_films_to_continue() -> FindFilmsToContinue:
    """Build the use case of all films."""
    settings = WatchingSettings.from_environment(os.environ)
    return FindFilmsToContinue(progress_record(), settings.min_seconds, settings.min_percent / 100)


@cache
def remove_progress() -> RemoveProgress:
    """Build the use case of removing a film."""
    return RemoveProgress(progress_record(), progress_cache())
