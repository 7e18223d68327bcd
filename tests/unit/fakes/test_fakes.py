"""The fakes themselves, as far as no contract tries them."""

import inspect
from uuid import uuid4

import pytest

from streaming.domain.errors import DatabaseUnavailable
from tests.fakes.cache import MemoryCache
from tests.fakes.films import MemoryFilms
from tests.fakes.idempotency import MemoryIdempotencyKeys
from tests.fakes.outbox import MemoryOutbox
from tests.fakes.personal_data import MemoryPersonalData
from tests.fakes.playback import MemoryPlayback
from tests.fakes.progress import MemoryProgressRecord
from tests.fakes.record import MemoryRecord
from tests.fakes.stream_slots import MemoryStreamSlots

FAKES: list[type] = [
    MemoryCache,
    MemoryFilms,
    MemoryIdempotencyKeys,
    MemoryOutbox,
    MemoryPersonalData,
    MemoryPlayback,
    MemoryProgressRecord,
    MemoryStreamSlots,
]


@pytest.mark.parametrize("fake", FAKES)
def test_nothing_of_the_real_adapter_is_left(fake: type) -> None:
    """A fake replaces every public member, so that none of them looks for a server."""
    (real,) = fake.__bases__
    promised = {name for name, _ in inspect.getmembers(real) if not name.startswith("_")}
    assert promised <= set(vars(fake))


def test_a_record_that_is_down() -> None:
    """Every adapter of it raises, as the real ones do."""
    record = MemoryRecord()
    record.is_down = True
    user_id, movie_id = uuid4(), uuid4()
    with pytest.raises(DatabaseUnavailable):
        MemoryProgressRecord(record).find(user_id, movie_id)
    with pytest.raises(DatabaseUnavailable):
        MemoryPlayback(record).find_sessions(user_id, [])
    with pytest.raises(DatabaseUnavailable):
        MemoryOutbox(record).measure()
