"""docker-compose.yml and .env.example contain all that the service needs, and expose nothing."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from streaming.config.tokens import TokenSettings
from streaming.config.variables import ConfigurationError
from tools import sam_environment

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "infrastructure" / "compose"
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
EXAMPLE = (ROOT / ".env.example").read_text()
VARIABLES = sam_environment.read(EXAMPLE, {})
ONE_SHOT = [name for name, service in SERVICES.items() if service.get("restart") == "no"]
# Variables that functions do not read: the functions read all others.
FOR_COMPOSE = EXAMPLE.partition("# --- Functions ---")[0]


class CloudFormationLoader(yaml.SafeLoader):
    """Reads a template; the values of its short intrinsic functions are ignored."""


CloudFormationLoader.add_multi_constructor("!", lambda *_: None)


def test_every_image_is_pinned() -> None:
    """Images are pinned."""
    dockerfile = (FOLDER / "user_service" / "Dockerfile").read_text()
    images = [service["image"] for service in SERVICES.values() if "build" not in service]
    images += re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)

    assert len(images) == 8
    for image in images:
        tag = image.rpartition(":")[2]
        assert re.match(r"RELEASE\.\d{4}-\d\d-\d\dT|\d+\.\d+", tag), image


def test_every_server_has_a_health_check() -> None:
    """`up --wait` waits for every service; only services that end have no health check."""
    assert ONE_SHOT == ["minio-init", "migrate", "kafka-init"]
    for name, service in SERVICES.items():
        assert ("healthcheck" in service) != (name in ONE_SHOT), name


def test_set_ups_wait_for_their_server() -> None:
    """A set-up service waits until its server is healthy."""
    for name in ONE_SHOT:
        (condition,) = SERVICES[name]["depends_on"].values()
        assert condition == {"condition": "service_healthy"}


def test_ports_are_open_to_this_machine_only() -> None:
    """A server with an example password cannot be reached from the network."""
    ports = [port for service in SERVICES.values() for port in service.get("ports", ())]

    assert len(ports) == 6
    assert all(port.startswith("127.0.0.1:${") for port in ports)


def test_each_part_starts_alone() -> None:
    """A profile contains a server with its set-up, and the example starts all of them."""
    profiles: dict[str, set[str]] = {}
    for name, service in SERVICES.items():
        (profile,) = service["profiles"]
        profiles.setdefault(profile, set()).add(name)

    assert list(profiles) == VARIABLES["COMPOSE_PROFILES"].split(",")
    for name in ONE_SHOT:
        (server,) = SERVICES[name]["depends_on"]
        assert any({name, server} <= members for members in profiles.values())


def test_compose_asks_for_nothing_that_the_example_lacks() -> None:
    """Copying .env.example is the whole configuration."""
    asked = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text()))

    assert asked <= set(VARIABLES)


def test_defaults_of_ports_are_those_of_the_example() -> None:
    """A port has one default."""
    text = (ROOT / "docker-compose.yml").read_text()

    for name, default in re.findall(r"\$\{(\w+_PORT):-(\d+)\}", text):
        assert VARIABLES[name] == default


def test_variables_of_the_example_are_those_of_the_functions() -> None:
    """A variable of the functions is in .env.example and in template.yaml, or in neither.

    Excepted are references to secrets, which replace a value that .env sets directly, and settings
    without a choice: the folder of the migrations in a deployment, and name resolution.
    """
    template = yaml.load((ROOT / "template.yaml").read_text(), Loader=CloudFormationLoader)
    holders = [template["Globals"]["Function"]]
    holders += [
        resource["Properties"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Serverless::Function"
    ]
    named = {
        name
        for holder in holders
        for name in holder.get("Environment", {}).get("Variables", {})
        if not name.endswith("_ARN")
        and name not in ("MIGRATIONS_DIRECTORY", "RES_OPTIONS", "SSL_CERT_FILE")
    }
    compose_only = set(sam_environment.read(FOR_COMPOSE, {}))

    assert set(VARIABLES) - compose_only == named


def test_nothing_opens_the_bucket() -> None:
    """No set-up grants rights to unsigned requests."""
    script = (FOLDER / "minio" / "init.sh").read_text()

    assert re.findall(r"^mc anonymous (.*)", script, re.MULTILINE) == [
        'set private "local/$bucket"'
    ]


@pytest.mark.parametrize(
    ("user", "rights"),
    [
        (
            "signer",
            {
                ("s3:GetObject", "vod/movies/*"),
                ("s3:GetObject", "vod/playback/*"),
            },
        ),
        (
            "service",
            {
                ("s3:GetObject", "vod/movies/*"),
                ("s3:GetObject", "vod/playback/*"),
                ("s3:PutObject", "vod/playback/*"),
                ("s3:ListBucket", "vod"),
            },
        ),
    ],
)
def test_users_may_do_their_part_and_no_more(user: str, rights: set[tuple[str, str]]) -> None:
    """A URL signed for a player can only read films; only the functions write signed copies."""
    policy = json.loads((FOLDER / "minio" / f"{user}.json").read_text())

    assert set(policy) == {"Version", "Statement"}
    assert all(
        set(statement) == {"Effect", "Action", "Resource"} for statement in policy["Statement"]
    )
    assert {statement["Effect"] for statement in policy["Statement"]} == {"Allow"}
    assert rights == {
        (action, resource.removeprefix("arn:aws:s3:::"))
        for statement in policy["Statement"]
        for action in _list(statement["Action"])
        for resource in _list(statement["Resource"])
    }


def test_signed_copies_expire_as_in_aws() -> None:
    """Expired copies are deleted from the bucket."""
    lifecycle = json.loads((FOLDER / "minio" / "lifecycle.json").read_text())

    assert lifecycle["Rules"] == [
        {
            "ID": "ExpireSignedCopies",
            "Status": "Enabled",
            "Filter": {"Prefix": "playback/"},
            "Expiration": {"Days": 1},
        }
    ]


def test_the_user_service_has_the_functions_packages() -> None:
    """The substitute verifies tokens with the functions' version of the library."""
    pinned = [
        re.findall(r"^pyjwt(?:\[.*\])?==(\S+)", (ROOT / path).read_text(), re.MULTILINE)
        for path in (
            "infrastructure/compose/user_service/requirements.txt",
            "layers/dependencies/requirements.txt",
        )
    ]

    assert pinned[0] == pinned[1] != []


def test_the_example_secret_does_not_pass_outside_local_runs() -> None:
    """Deploying .env.example fails immediately."""
    assert TokenSettings.from_environment(VARIABLES).secrets

    with pytest.raises(ConfigurationError):
        TokenSettings.from_environment({**VARIABLES, "ENVIRONMENT": "prod"})


def _list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
