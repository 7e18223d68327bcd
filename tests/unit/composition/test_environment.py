"""Tests that an environment builds its parts from the given variables on first use."""

from collections.abc import Iterator, Mapping

import pytest

from streaming.composition.environment import Environment
from streaming.config.variables import ConfigurationError
from streaming.usecases.event_sink import NoEvents
from tests.support.no_servers import NO_SERVERS


class Unreadable(Mapping[str, str]):
    """Variables that must not be read."""

    def __getitem__(self, name: str) -> str:
        raise AssertionError(f"{name} is read")

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("all variables are read")

    def __len__(self) -> int:
        raise AssertionError("the variables are counted")


def test_nothing_is_read_before_it_is_used() -> None:
    """Creating an environment reads no variable, although it may import modules in advance."""
    Environment(Unreadable(), preload=["start_stream", "relay_outbox", "token_verifier"])


def test_wrong_settings() -> None:
    """An invalid value raises an error each time a part that needs it is used; other parts work."""
    environment = Environment({**NO_SERVERS, "DATABASE_URL": ""})

    for _ in range(2):
        with pytest.raises(ConfigurationError, match="DATABASE_URL"):
            _ = environment.find_progress
    _ = environment.forget_subscriptions


def test_parts_are_shared() -> None:
    """Use cases of one environment share its adapters; another environment has its own."""
    one, another = Environment(NO_SERVERS), Environment(NO_SERVERS)

    assert one.stop_stream is one.stop_stream
    assert one.database is one.database
    assert one.database is not another.database


def test_the_process_has_no_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables missing in the dictionary are not read from the process's environment."""
    monkeypatch.setenv("ENABLE_KAFKA", "true")
    monkeypatch.setenv("DATABASE_URL", NO_SERVERS["DATABASE_URL"])

    assert isinstance(Environment({"ENABLE_KAFKA": "false"}).event_sink, NoEvents)
    with pytest.raises(ConfigurationError, match="DATABASE_URL"):
        _ = Environment({}).database


def test_unknown_part() -> None:
    """An unknown name in ``preload`` raises an error when the environment is created."""
    with pytest.raises(AttributeError, match="strat_stream"):
        Environment({}, preload=["strat_stream"])
