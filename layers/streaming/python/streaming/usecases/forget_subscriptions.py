"""Seeing at once that subscriptions have changed."""

from collections.abc import Iterable
from uuid import UUID

from aws_lambda_powertools.logging import Logger

from streaming.cache import subscriptions as subscription_cache
from streaming.cache.client import Cache
from streaming.domain.errors import CacheUnavailable
from streaming.domain.identifiers import parse_uuid
from streaming.events.records import InvalidRecord, KafkaRecord
from streaming.observability.metrics import emit

logger = Logger(child=True)


class ForgetSubscriptions:
    """Forgets what is cached of the users that records ``{"user_id": …}`` name."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def __call__(self, records: Iterable[KafkaRecord]) -> int:
        """Forget them and return how many users that were; skip what names none.

        Raises ``CacheUnavailable``; the same records may come again.
        """
        users = {user_id for record in records if (user_id := _user_of(record)) is not None}
        for user_id in users:
            if not subscription_cache.forget(self._cache, user_id):
                raise CacheUnavailable("Redis does not answer")
        return len(users)


def _user_of(record: KafkaRecord) -> UUID | None:
    try:
        user_id = parse_uuid(record.json().get("user_id"))
        reason = "user_id is not a UUID"
    except InvalidRecord as error:
        user_id, reason = None, str(error)
    if user_id is None:
        place = f"{record.topic}-{record.partition} at {record.offset}"
        emit(SkippedRecords=1)
        logger.warning("a record is skipped", record=place, reason=reason)
    return user_id
