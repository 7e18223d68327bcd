"""Isolates the local processes from the developer's proxies and AWS account."""

import os
from collections.abc import MutableMapping

_LOOPBACK = "127.0.0.1,localhost,::1"


def leave_aws_alone(environment: MutableMapping[str, str]) -> None:
    """Prevent AWS clients from reading the developer's profile, configuration and keys."""
    for name in [name for name in environment if name.startswith("AWS_")]:
        del environment[name]
    environment["AWS_CONFIG_FILE"] = environment["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
    environment["AWS_EC2_METADATA_DISABLED"] = "true"


def reach_loopback_directly(environment: MutableMapping[str, str]) -> None:
    """Exclude loopback addresses from the use of a proxy; other addresses keep theirs."""
    for name in ("NO_PROXY", "no_proxy"):
        given = environment.get(name)
        environment[name] = f"{given},{_LOOPBACK}" if given else _LOOPBACK


def forget_proxies(environment: MutableMapping[str, str]) -> None:
    """Remove all proxy variables, for programs that connect to this machine only.

    Some clients fail on a proxy URL of an unsupported type even if they do not need the proxy.
    """
    for name in [name for name in environment if name.lower().endswith("_proxy")]:
        del environment[name]
