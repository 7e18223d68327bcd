"""The committed OpenAPI document, the models and the template are consistent."""

import json
from pathlib import Path
from typing import Any

import pytest

from local.gateway.template import read
from local.ports import Ports
from streaming.domain import errors
from tools.openapi.document import document

ROOT = Path(__file__).parents[3]
COMMITTED: dict[str, Any] = json.loads((ROOT / "functions/docs/openapi.json").read_text("utf-8"))
UNDOCUMENTED = {("GET", "/docs"), ("GET", "/openapi.json")}


def test_no_drift() -> None:
    """The committed document is the one generated from the models by `make openapi`."""
    assert document() == COMMITTED


def test_routes_equal_the_template() -> None:
    """Every route of the template is documented, and no other."""
    variables = {"DATABASE_URL": "postgresql://localhost/x", "JWT_SECRET_KEY": "x"}
    service = read(ROOT / "template.yaml", variables)
    routed = {(route.method, route.path) for route in service.routes} - UNDOCUMENTED

    documented = {
        (method.upper(), path) for path, item in COMMITTED["paths"].items() for method in item
    }

    assert documented == routed


def all_errors(parent: type[errors.StreamingError]) -> set[type[errors.StreamingError]]:
    """Return the errors that callers can get."""
    children = {child for child in parent.__subclasses__() if child.__module__ == errors.__name__}
    return children.union(*map(all_errors, children)) if children else set()


@pytest.mark.parametrize(
    "error",
    [each for each in sorted(all_errors(errors.StreamingError), key=str) if "code" in vars(each)],
    ids=lambda each: each.code,
)
def test_every_code_is_documented(error: type[errors.StreamingError]) -> None:
    """Every code that a response can have is in the document."""
    assert f"`{error.code}`" in json.dumps(COMMITTED)


def test_ports_are_the_documented_ones() -> None:
    """Without overrides the local servers listen where the documentation says."""
    ports = Ports.from_environment({})
    assert (ports.api_port, ports.s3_port, ports.postgres_port) == (8005, 9000, 5435)
    assert (ports.redis_port, ports.kafka_port, ports.user_service_port) == (6379, 9092, 8002)
