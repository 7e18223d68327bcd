"""Erases the personal data of one user."""

from collections.abc import Sequence
from uuid import UUID

from streaming.cache import subscriptions as subscription_cache
from streaming.cache.client import Cache
from streaming.cache.progress import ProgressCache
from streaming.cache.stream_slots import forget_streams
from streaming.domain.errors import CacheUnavailable
from streaming.repository.cache_trust import CacheTrustRecord
from streaming.repository.personal_data import ErasedRows, PersonalData


class EraseUser:
    """Deletes a user's data from PostgreSQL and Redis."""

    def __init__(
        self,
        personal_data: PersonalData,
        progress_cache: ProgressCache,
        cache: Cache,
        trust: CacheTrustRecord,
    ) -> None:
        self._personal_data = personal_data
        self._progress_cache = progress_cache
        self._cache = cache
        self._trust = trust

    def __call__(self, user_id: UUID) -> ErasedRows:
        """Erase the user's data completely or not at all; a repeat deletes nothing.

        Raises ``DatabaseUnavailable``, and ``CacheUnavailable``, because otherwise positions would
        remain in Redis for a day.
        """

        def forget_copies(movie_ids: Sequence[UUID]) -> None:
            if not (
                self._progress_cache.forget(user_id, movie_ids)
                and subscription_cache.forget(self._cache, user_id)
                and forget_streams(self._cache, user_id)
            ):
                raise CacheUnavailable("Redis does not answer; nothing was erased")

        erased = self._personal_data.erase(user_id, forget_copies)
        # A server of Redis that other environments read may still have them.
        self._trust.distrust()
        return erased
