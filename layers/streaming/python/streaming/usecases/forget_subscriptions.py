"""Invalidates cached subscriptions that have changed."""

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
    """Deletes the cached subscriptions of the users in records ``{"user_id": …}``."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def __call__(self, records: Iterable[KafkaRecord]) -> int:
        """Delete them and return the number of users; skip records without a valid id.

        Raises ``CacheUnavailable``; the same records can then be processed again.
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
