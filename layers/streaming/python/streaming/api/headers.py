"""The headers of requests."""

from collections.abc import Mapping


def lower_case_names(headers: Mapping[str, str] | None) -> dict[str, str]:
    """Return ``headers`` with lower-case names: ``sam local`` sends them in Title-Case."""
    return {name.lower(): value for name, value in (headers or {}).items()}
