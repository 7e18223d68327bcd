"""Keeps a developer's own proxies and AWS account away from what runs on this machine."""

import os
from collections.abc import MutableMapping

_LOOPBACK = "127.0.0.1,localhost,::1"


def leave_aws_alone(environment: MutableMapping[str, str]) -> None:
    """Have no AWS client read the developer's profile, configuration or keys."""
    for name in [name for name in environment if name.startswith("AWS_")]:
        del environment[name]
    environment["AWS_CONFIG_FILE"] = environment["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
    environment["AWS_EC2_METADATA_DISABLED"] = "true"


def reach_loopback_directly(environment: MutableMapping[str, str]) -> None:
    """Let no proxy stand between programs of this machine; what is further away may have one."""
    for name in ("NO_PROXY", "no_proxy"):
        given = environment.get(name)
        environment[name] = f"{given},{_LOOPBACK}" if given else _LOOPBACK


def forget_proxies(environment: MutableMapping[str, str]) -> None:
    """Remove all proxies, for programs that ask nobody beyond this machine.

    Some clients refuse the address of a proxy of a kind that they do not know, needed or not.
    """
    for name in [name for name in environment if name.lower().endswith("_proxy")]:
        del environment[name]
