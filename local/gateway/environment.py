"""The environment variables of one function, exactly those that Lambda would set.

A variable that the template lacks must also be missing here; otherwise the error would appear only
after a deployment. Therefore a function inherits from the gateway only what Lambda sets itself.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.gateway.intrinsics import REMOVED, Resolver, TemplateError, UnresolvedError, text_of

_INHERITED = (
    *("PATH", "HOME", "TMPDIR", "TEMP", "TMP", "LD_LIBRARY_PATH"),
    # The certificate authorities of the developer's own servers.
    "SSL_CERT_FILE",
    # With it, calls may take longer on a busy machine.
    "LOCAL_TIME_FACTOR",
)
_GIVEN = (
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
    # With it, coverage.py measures the functions.
    "COVERAGE_PROCESS_CONFIG",
)


def parameters_from(template: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters whose value follows from a variable that is a plain ``!Ref`` to them.

    Thus conditions and the API's settings (for example its CORS origin) have the same values as the
    functions.
    """
    sections = [
        template.get("Globals", {}).get("Function", {}),
        *(
            resource.get("Properties", {})
            for resource in template.get("Resources", {}).values()
            if resource.get("Type") == "AWS::Serverless::Function"
        ),
    ]
    parameters: dict[str, str] = {}
    for section in sections:
        for name, value in section.get("Environment", {}).get("Variables", {}).items():
            reference = value.get("Ref") if isinstance(value, Mapping) else None
            if name in given and isinstance(reference, str):
                parameters.setdefault(reference, given[name])
    return parameters


def declared(
    where: str, variables: Mapping[str, Any], given: Mapping[str, str], resolver: Resolver
) -> dict[str, str]:
    """Return the declared variables with their values: the given one, else the template's.

    Raises `TemplateError` for a variable without a value.
    """
    values: dict[str, str] = {}
    for name, value in variables.items():
        if name in given:
            values[name] = given[name]
            continue
        try:
            resolved = resolver.resolve(value)
        except UnresolvedError as problem:
            raise TemplateError(
                f"{where}.Environment.Variables.{name}: {problem} has no value on this machine; "
                f"give {name} in the environment file"
            ) from None
        if resolved is not REMOVED:
            values[name] = text_of(resolved)
    return values


def runtime(
    name: str,
    properties: Mapping[str, Any],
    directories: tuple[Path, ...],
    given: Mapping[str, str],
    region: str,
) -> dict[str, str]:
    """Return the variables that the Lambda runtime itself sets."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    logging = properties.get("LoggingConfig", {})
    values = {
        **{key: os.environ[key] for key in _INHERITED if key in os.environ},
        **{key: given[key] for key in _GIVEN if key in given},
        "AWS_DEFAULT_REGION": region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{version}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(properties.get("MemorySize", 128)),
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_FORMAT": str(logging.get("LogFormat", "Text")),
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "local",
        "AWS_REGION": region,
        "LAMBDA_RUNTIME_DIR": str(Path(__file__).parent),
        "LAMBDA_TASK_ROOT": str(directories[0]),
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "_HANDLER": str(properties["Handler"]),
    }
    if "ApplicationLogLevel" in logging:
        values["AWS_LAMBDA_LOG_LEVEL"] = str(logging["ApplicationLogLevel"])
    return values
