"""Builds what erasing a user needs."""

import os
from functools import cache

from streaming.composition.cache import redis_cache
from streaming.composition.record import progress_cache
from streaming.composition.secret import rotating
from streaming.config.database import DatabaseSettings
from streaming.repository.database import Database
from streaming.repository.personal_data import PersonalData
from streaming.usecases.erase_user import EraseUser

# It waits for whoever relays the user's events just now.
_STATEMENT_SECONDS = 10.0


@cache
def erase_user() -> EraseUser:
    """Build the use case."""
    source = rotating(DatabaseSettings.from_environment, "DATABASE_SECRET_ARN")
    settings = source or DatabaseSettings.from_environment(os.environ)
    personal_data = PersonalData(Database(settings, _STATEMENT_SECONDS))
    return EraseUser(personal_data, progress_cache(), redis_cache())
