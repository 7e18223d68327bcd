"""The functions' containers reach the same services by names that are valid in containers."""

import json
import re
from pathlib import Path

import pytest

from tools import sam_environment
from tools.sam_environment import EnvironmentFileError, for_containers, read

EXAMPLE_FILE = Path(__file__).parents[3] / ".env.example"
EXAMPLE = EXAMPLE_FILE.read_text()


def test_addresses_of_this_machine_become_those_of_the_services() -> None:
    """No function looks for a server in its own container."""
    translated = for_containers(read(EXAMPLE, {}))

    assert translated["S3_ENDPOINT_URL"] == "http://minio:9000"
    assert translated["USER_SERVICE_URL"] == "http://user-service:8002"
    assert translated["KAFKA_BOOTSTRAP_SERVERS"] == "kafka:19092"
    assert (translated["REDIS_HOST"], translated["REDIS_PORT"]) == ("redis", "6379")
    assert "@postgres:5432/streaming_db" in translated["DATABASE_URL"]


def test_players_keep_their_address() -> None:
    """The URLs for the player are this machine's S3, wherever the function finds it."""
    translated = for_containers(read(EXAMPLE, {}))

    assert translated["S3_PUBLIC_ENDPOINT_URL"] == "http://localhost:9000"


def test_addresses_elsewhere_stay() -> None:
    """A developer may move any of the services."""
    elsewhere = {
        "S3_ENDPOINT_URL": "https://s3.example.com",
        "USER_SERVICE_URL": "http://users.localhost.example",
        "DATABASE_URL": "postgresql://localhost:secret@db.example/streaming_db",
        "REDIS_HOST": "cache.example",
        "REDIS_PORT": "6380",
    }

    translated = for_containers(elsewhere)

    assert elsewhere == translated


def test_a_key_set_on_this_machine_is_reached() -> None:
    """Other addresses are resolved to the containers' host."""
    translated = for_containers({"JWT_JWKS_URL": "http://localhost:8001/jwks.json"})

    assert translated == {"JWT_JWKS_URL": "http://host.docker.internal:8001/jwks.json"}


def test_values_refer_to_earlier_ones() -> None:
    """A port is defined once."""
    assert read("P=9100\nU=http://localhost:${P}", {})["U"] == "http://localhost:9100"


def test_the_shell_wins() -> None:
    """Quoting is as in Docker Compose, so that servers and functions agree."""
    assert read("P=9100\nU=x:${P}", {"P": "1", "OTHER": "2"}) == {"P": "1", "U": "x:1"}


@pytest.mark.parametrize("line", ["export A=1", "A", "A=${B}", "A=${"])
def test_lines_that_are_none_are_told(line: str) -> None:
    """An error in the file is reported with its line."""
    with pytest.raises(EnvironmentFileError, match="line 2"):
        read(f"# comment\n{line}", {})


def test_the_file_is_for_sam_and_nobody_else(tmp_path: Path) -> None:
    """Every function gets the values, and no other user of the machine can read them."""
    target = tmp_path / "new" / "sam-env.json"

    sam_environment.write({"LOG_LEVEL": "INFO"}, target)

    assert json.loads(target.read_text())["Parameters"]["LOG_LEVEL"] == "INFO"
    assert target.stat().st_mode & 0o777 == 0o600


def test_no_function_asks_aws_for_a_secret(tmp_path: Path) -> None:
    """Every reference to a secret in template.yaml is emptied."""
    template = (EXAMPLE_FILE.parent / "template.yaml").read_text()
    references = set(re.findall(r"^ +(\w+_SECRET_ARN):", template, re.MULTILINE))

    sam_environment.write({}, tmp_path / "sam-env.json")

    parameters = json.loads((tmp_path / "sam-env.json").read_text())["Parameters"]
    assert references <= set(parameters)
    assert set(parameters.values()) == {""}
