"""Events over verified TLS with a SCRAM login, as MSK has it."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from uuid import UUID, uuid4

import pytest

from local.stack import Stack
from streaming.config import rotating_secrets as secrets
from streaming.events.event import Message
from tests.conftest import Rows, set_subscription
from tests.support.functions import Viewer, current_environment, forget_environment, new_viewer
from tests.support.kafka import TOPICS, events_of
from tests.support.kafka_cluster import REAUTHENTICATION_SECONDS, USER, KafkaCluster
from tests.support.outbox import play_through, play_until_direct, waiting
from tests.support.secret_store import SecretStore, secret_store
from tests.support.tls import Authority
from tests.support.waiting import eventually

Senders = Callable[[], list[threading.Thread]]


@pytest.fixture
def secure(
    environment: dict[str, str],
    cluster: KafkaCluster,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An environment that logs in over TLS."""
    variables = {
        "KAFKA_BOOTSTRAP_SERVERS": cluster.secure_servers,
        "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
        "KAFKA_USERNAME": USER,
        "KAFKA_PASSWORD": cluster.password,
        "SSL_CERT_FILE": str(authority.file),
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    forget_environment()


@pytest.fixture
def store(cluster: KafkaCluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[SecretStore]:
    """A secret store with the login; the secret is read again immediately after a failure."""
    monkeypatch.setattr(secrets, "RENEWAL_PAUSE_SECONDS", 0.0)
    with secret_store(login(cluster)) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", server.url)
        yield server


@pytest.fixture
def senders() -> Senders:
    """Returns the producers' threads that were started during a test."""
    earlier = threading.enumerate()

    def begun() -> list[threading.Thread]:
        here = [each for each in threading.enumerate() if each not in earlier]
        return [each for each in here if each.name.endswith("network-thread")]

    return begun


def login(cluster: KafkaCluster) -> str:
    """Return the text of the secret."""
    return json.dumps({"username": USER, "password": cluster.password})


def test_scram_over_tls(
    cluster: KafkaCluster, secure: None, viewer: Viewer, movie_id: UUID, rows: Rows
) -> None:
    """Events are sent over TLS, also after the brokers have required another login."""
    plays = play_until_direct(viewer, movie_id, rows)
    time.sleep(2 * REAUTHENTICATION_SECONDS)
    plays += play_until_direct(viewer, movie_id, rows)

    found = events_of(cluster.bootstrap_servers, viewer.user_id)
    distinct = {topic: len({each["event_id"] for each in found[topic]}) for topic in TOPICS}
    assert distinct == dict.fromkeys(TOPICS, plays)


def test_cold_environments_send(secure: None, viewer: Viewer, movie_id: UUID, rows: Rows) -> None:
    """Connecting, TLS, login and the first message together stay within a request's time budget."""
    play_until_direct(viewer, movie_id, rows)
    seconds = []
    for _ in range(11):
        forget_environment()
        message = Message(uuid4(), TOPICS[1], "cold", "{}")
        began = time.monotonic()
        assert current_environment().event_producer.begin(message)()
        seconds.append(time.monotonic() - began)
    seconds.sort()
    print(
        f"first message of an environment: median {seconds[5]:.3f} s, longest {seconds[10]:.3f} s"
    )

    assert seconds[5] < 1


@pytest.mark.parametrize(
    "wrong", ["password", "user", "authority", "host name", "no login", "plaintext"]
)
def test_refusals(
    cluster: KafkaCluster,
    secure: None,
    viewer: Viewer,
    movie_id: UUID,
    rows: Rows,
    wrong: str,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    senders: Senders,
) -> None:
    """Whichever side refuses, every call completes in time and its event waits in the outbox."""
    stranger = Authority(tmp_path_factory.mktemp("tls"), "stranger")
    changes = {
        "password": {"KAFKA_PASSWORD": "wrong"},
        "user": {"KAFKA_USERNAME": "nobody"},
        "authority": {"SSL_CERT_FILE": str(stranger.file)},
        "host name": {
            "KAFKA_BOOTSTRAP_SERVERS": cluster.secure_servers.replace("127.0.0.1", "localhost")
        },
        "no login": {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SASL_MECHANISM": ""},
        "plaintext": {"KAFKA_SECURITY_PROTOCOL": "PLAINTEXT", "KAFKA_SASL_MECHANISM": ""},
    }
    for name, value in changes[wrong].items():
        monkeypatch.setenv(name, value)
    forget_environment()

    play_through(viewer, movie_id)

    assert waiting(rows, viewer) == list(TOPICS)
    expect_rest(senders)


def test_rotated_password(
    cluster: KafkaCluster,
    secure: None,
    store: SecretStore,
    viewer: Viewer,
    movie_id: UUID,
    rows: Rows,
    monkeypatch: pytest.MonkeyPatch,
    senders: Senders,
) -> None:
    """A running environment switches to the new password automatically; no event is lost."""
    monkeypatch.setenv("KAFKA_SECRET_ARN", store.arn)
    forget_environment()
    play_until_direct(viewer, movie_id, rows)

    cluster.set_password("tomorrow's")
    store.put(login(cluster))
    time.sleep(2 * REAUTHENTICATION_SECONDS)

    play_until_direct(viewer, movie_id, rows)
    expect_rest(senders)


def test_login_that_is_refused_for_a_while(
    stack: Stack,
    cluster: KafkaCluster,
    secure: None,
    viewer: Viewer,
    movie_id: UUID,
    rows: Rows,
    senders: Senders,
) -> None:
    """An environment sends again without a restart after a refused login is corrected."""
    play_until_direct(viewer, movie_id, rows)
    right = cluster.password
    cluster.set_password("somebody's mistake")
    time.sleep(2 * REAUTHENTICATION_SECONDS)

    def has_given_up() -> bool:
        # A new user each time: events of a user with events in the outbox are queued there.
        somebody = new_viewer(stack.token)
        set_subscription(stack, somebody.user_id, is_active=True)
        play_through(somebody, movie_id)
        return not senders()

    eventually(has_given_up, seconds=30)
    expect_rest(senders)

    cluster.set_password(right)

    play_until_direct(viewer, movie_id, rows)


def expect_rest(senders: Senders) -> None:
    """Failed logins neither consume CPU nor accumulate in the background."""
    before = time.process_time()
    time.sleep(1)
    assert time.process_time() - before < 0.5
    assert len(senders()) <= 1
