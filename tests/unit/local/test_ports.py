"""The ports of the local stack."""

import contextlib
import re
import socket
import subprocess
import sys

import pytest

from local.errors import LocalError
from local.ports import Ports, claim, free_ports

CHOOSES_A_PORT = "from local.ports import free_ports; print(*free_ports(1), flush=True); input()"


def test_the_proposed_command_line_is_whole() -> None:
    """The proposed line replaces every port in use and keeps every port that the user has set."""
    api, s3, redis, kafka = free_ports(4)
    given = {"API_PORT": str(api), "S3_PORT": str(s3), "REDIS_PORT": str(redis)}
    given["KAFKA_PORT"] = str(kafka)
    with contextlib.ExitStack() as others:
        for port in (s3, kafka):
            listener = others.enter_context(socket.socket())
            listener.bind(("127.0.0.1", port))
            listener.listen()
        with pytest.raises(LocalError) as refused:
            Ports.from_environment(given).claim(but=("postgres", "user_service"))

        line = dict(re.findall(r"(\w+)=(\d+)", str(refused.value)))
        assert str(refused.value).endswith(" make run")
        assert {"API_PORT": str(api), "REDIS_PORT": str(redis)}.items() <= line.items()
        assert line.keys() == given.keys()
        proposed = Ports.from_environment(line)
        assert not {s3, kafka} & {proposed.s3_port, proposed.kafka_port}
        proposed.claim(but=("postgres", "user_service"))


def test_ports_that_nobody_has_set_are_not_named() -> None:
    """If one default port is in use, the proposed line names only its variable."""
    (taken,) = free_ports(1)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", taken))
        listener.listen()
        with pytest.raises(LocalError) as refused:
            Ports(kafka_port=taken).claim(but=("api", "s3", "postgres", "redis", "user_service"))
    assert re.findall(r"(\w+)=\d+", str(refused.value)) == ["KAFKA_PORT"]


def test_two_processes_never_choose_the_same_port() -> None:
    """A port is another process's until that ends, although no server listens on it yet."""
    other = subprocess.Popen(
        [sys.executable, "-c", CHOOSES_A_PORT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout is not None
    port = int(other.stdout.readline())
    (own,) = free_ports(1)

    assert not claim([port])
    assert not claim([port, own + 1])
    other.communicate("")
    assert claim([port])
