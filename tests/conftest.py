"""The real servers for the tests: one stack for all tests of a process."""

import gc
import os
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast
from uuid import UUID

import pytest
from hypothesis import settings
from redis import Redis

from local import demo
from local.isolation import leave_aws_alone, reach_loopback_directly
from local.stack import Stack
from streaming.composition.environment import Environment
from streaming.config.database import DatabaseSettings
from streaming.repository.database import Database
from streaming.repository.transaction import Row
from streaming.resilience.deadline import stretch
from tests.support import coverage_scope, other_servers, plain_http, redis_of_stack
from tests.support.functions import ExecutionEnvironment, Viewer, forget_environment, new_viewer
from tests.support.other_servers import StackWithOthers

Rows = Callable[..., list[Row]]

# How much longer than in production calls may take where time limits are not what is tested.
_FACTOR = 5
_WITH_SERVERS = ("contracts", "deploy", "e2e", "histories", "integration", "rie", "sam")

# Memory for one of the processes that run tests, and its servers.
_WORKER_BYTES = 2 * 2**30

leave_aws_alone(os.environ)
reach_loopback_directly(os.environ)
os.environ.setdefault("LOCAL_TIME_FACTOR", str(_FACTOR))


# How long an example takes is the machine's matter; and CI tries other examples each time, too.
settings.register_profile("any machine", deadline=None, derandomize=False)
settings.load_profile("any machine")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return how many tests run at a time, each with a stack.

    One more than there are processors, because many tests wait, if there is memory for it. With
    ``-n logical`` as many as there are processors.
    """
    waiting = 0 if config.option.numprocesses == "logical" else 1
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(4, (os.cpu_count() or 1) + waiting, memory // _WORKER_BYTES))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Limit the measurement of coverage, which has started by now in every process."""
    coverage_scope.register(session.config)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Give tests with servers more time than production has, because the machine may be busy.

    Their fixtures of every scope have it, too. Tests that are marked ``time_limits`` have not.
    """
    is_limited = item.get_closest_marker("time_limits") is not None
    has_servers = item.path.relative_to(Path(__file__).parent).parts[0] in _WITH_SERVERS
    stretch(_FACTOR if has_servers and not is_limited else 1)
    try:
        return (yield)
    finally:
        stretch(1)


@pytest.fixture(scope="module")
def stack(request: pytest.FixtureRequest) -> Stack:
    """S3, Kafka, PostgreSQL, Redis, the user service and the gateway, with the demo films.

    Modules that are marked ``own_servers`` have a stack beside the one of all others.
    """
    is_apart = request.node.get_closest_marker("own_servers")
    running: Stack = request.getfixturevalue("stack_apart" if is_apart else "shared_stack")
    return running


@pytest.fixture(scope="session")
def shared_stack(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[Stack]:
    """The stack whose servers nobody stops."""
    measuring = coverage_scope.variables_for_functions(pytestconfig)
    with _running(tmp_path_factory.mktemp("stack"), functions=measuring) as running:
        yield running


@pytest.fixture(scope="session")
def stack_apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack for tests that stop servers or count rows; no gateway runs housekeeping there."""
    with _running(tmp_path_factory.mktemp("stack-apart"), gateway=False) as running:
        yield running


@contextmanager
def _running(
    folder: Path, *, gateway: bool = True, functions: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Stack]:
    own = other_servers.own_s3(os.environ)
    stack = Stack.temporary(folder, gateway=gateway, own=own)
    redis_of_stack.use_where_wanted(stack, os.environ)
    others = other_servers.named_by(os.environ)
    stack.environment.update({**others, **functions})
    with stack:
        for name in functions:
            del stack.environment[name]
        if "DATABASE_URL" in others:
            other_servers.migrate(others["DATABASE_URL"])
        is_alone = not others and "s3" not in own
        yield stack if is_alone else cast(Stack, StackWithOthers(stack, others))


@pytest.fixture
def environment(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """A new execution environment, with the variables that point to the stack."""
    for name, value in stack.environment.items():
        monkeypatch.setenv(name, value)
    forget_environment()
    yield stack.environment
    forget_environment()


@pytest.fixture
def parts(environment: dict[str, str]) -> Iterator[Environment]:
    """The adapters of an execution environment beside that of the functions."""
    beside = ExecutionEnvironment(environment)
    yield beside.parts
    beside.close()


@pytest.fixture
def stranger(stack: Stack, environment: dict[str, str]) -> Viewer:
    """A user without a subscription."""
    return new_viewer(stack.token)


@pytest.fixture
def viewer(stack: Stack, environment: dict[str, str]) -> Viewer:
    """A new subscriber."""
    subscriber = new_viewer(stack.token)
    set_subscription(stack, subscriber.user_id, is_active=True)
    return subscriber


@pytest.fixture
def leftovers_collected() -> Iterator[None]:
    """Closes here the sockets that kafka-python leaves to the garbage collector after failures.

    Otherwise Python warns of them in the test that runs when they are collected.
    """
    yield
    gc.collect()


@pytest.fixture(scope="session")
def movie_id() -> UUID:
    """The demo film, in HLS and DASH over fMP4."""
    return UUID(demo.DEMO_MOVIE_ID)


@pytest.fixture
def rows(stack: Stack) -> Iterator[Rows]:
    """Runs a statement against the stack's PostgreSQL and returns the rows."""
    database = Database(DatabaseSettings(stack.environment["DATABASE_URL"]))
    yield lambda statement, **values: database.run(
        lambda transaction: transaction.rows(statement, **values)
    )
    database.close()


@pytest.fixture
def database(environment: dict[str, str]) -> Iterator[Database]:
    """A connection to PostgreSQL, as in an execution environment."""
    opened = Database(DatabaseSettings.from_environment(environment))
    yield opened
    opened.close()


@pytest.fixture
def redis(stack: Stack) -> Iterator[Redis]:
    """A connection to the stack's Redis."""
    with redis_of_stack.client_of(stack) as connection:
        yield connection


def set_subscription(stack: Stack, user_id: UUID, **subscription: Any) -> None:
    """Set the user service's response for a user."""
    url = f"{stack.environment['USER_SERVICE_URL']}/local/subscriptions/{user_id}"
    answer = {"is_active": True, "plan_id": "premium", "expires_at": None, **subscription}
    plain_http.put(url, json=answer).raise_for_status()
