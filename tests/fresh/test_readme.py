"""The README's commands work on minimal systems, for every user and in every folder."""

import pytest

from local.ports import Ports
from tests.fresh.machine import USER, Machine, why_not
from tests.fresh.readme import command

pytestmark = [
    pytest.mark.skipif(bool(why_not()), reason=why_not()),
    pytest.mark.timeout(5400),
]
RELEASES = ("bookworm", "trixie", "testing")


@pytest.fixture(scope="session", params=RELEASES)
def machine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A minimal system of each release."""
    return Machine.of(request.param, tmp_path_factory.mktemp("machines") / request.param)


def visit(machine: Machine, user: str, checkout: str, *steps: str, umask: str = "022") -> str:
    """Execute these steps in a checkout, on free ports."""
    ports = Ports.free()
    environment = {
        name: str(getattr(ports, name.lower()))
        for name in ("API_PORT", "S3_PORT", "POSTGRES_PORT", "REDIS_PORT", "KAFKA_PORT")
    }
    environment |= {
        "USER_SERVICE_PORT": str(ports.user_service_port),
        "TEST_COMMAND": command("make test"),
    }
    words = ["python3", "/visitor.py", checkout, command("make run"), *steps]
    script = f'umask {umask}; exec "$@"'
    told = machine.run(user, "sh", "-c", script, "sh", *words, **environment)
    assert told.endswith("visitor: all is well\n"), told[-3000:]
    return told


def test_root_in_its_closed_home(machine: Machine) -> None:
    """As root in /root, a first run and a second one play the film; Ctrl-C ends both quietly."""
    machine.run("root", "chmod", "700", "/root")

    visit(machine, "root", "/root/streaming", "run", "run")


def test_root_in_an_open_folder(machine: Machine) -> None:
    """As root in a folder that every user may read, two runs play the film."""
    machine.run("root", "mkdir", "--mode=755", "--parents", "/srv/films")

    visit(machine, "root", "/srv/films/streaming", "run", "run")


def test_a_closed_umask_and_a_path_with_a_space(machine: Machine) -> None:
    """A user with a restrictive umask, in a folder whose name has a space, plays the film."""
    visit(machine, USER, f"/home/{USER}/my films", "set up", "run with a proxy", umask="077")


def test_a_set_up_that_was_killed(machine: Machine) -> None:
    """After a kill during the installation the next run repeats it."""
    visit(machine, USER, f"/home/{USER}/killed", "killed set-up", "run")


def test_the_tests_pass(machine: Machine) -> None:
    """The README's command for the tests passes, for an ordinary user and for root."""
    for user, home in (("root", "/root"), (USER, f"/home/{USER}")):
        told = visit(machine, user, f"{home}/tests", "test")
        assert " passed" in told
