"""How `sam local start-api` interprets the template, before it runs any container."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SAM_PYTHON = ROOT / f".venv/sam-{sys.version_info.major}.{sys.version_info.minor}/bin/python"
OPEN_PATHS = {"/docs", "/openapi.json", "/health"}

# Runs in SAM's environment, and uses SAM's own interpretation of the template.
ROUTES = """
import json, sys
from samcli.lib.providers.api_provider import ApiProvider
from samcli.lib.providers.sam_function_provider import SamFunctionProvider
from samcli.lib.providers.sam_stack_provider import SamLocalStackProvider

stacks, _ = SamLocalStackProvider.get_stacks(sys.argv[1], parameter_overrides={})
functions = SamFunctionProvider(stacks)
routes = []
for route in ApiProvider(stacks).api.routes:
    authorizer = route.authorizer_object
    function = functions.get(authorizer.lambda_name) if authorizer else None
    routes.append((route.path, function and function.name, functions.get(route.function_name).name))
print(json.dumps(routes))
"""


def test_sam_local_asks_the_authorizer() -> None:
    """SAM finds the function of every route, and the authorizer of all but the three open ones."""
    completed = subprocess.run(
        [SAM_PYTHON, "-c", ROUTES, ROOT / "template.yaml"],
        env={**os.environ, "AWS_DEFAULT_REGION": "eu-central-1"},
        capture_output=True,
        text=True,
        check=True,
    )

    routes = json.loads(completed.stdout.splitlines()[-1])
    assert {path for path, _, _ in routes} > OPEN_PATHS
    for path, authorizer, function in routes:
        assert authorizer == (None if path in OPEN_PATHS else "AuthorizerFunction"), path
        assert function.endswith("Function")
