"""The changes of a deployment: the resources of a stack before and after it, compared."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Resource:
    """A resource in its last state, with the time of its last change."""

    physical_id: str
    changed: str


def lines(before: Mapping[str, Resource], after: Mapping[str, Resource]) -> list[str]:
    """Return a line for each kind of change, with the logical ids of the resources."""
    both = before.keys() & after.keys()
    replaced = {name for name in both if before[name].physical_id != after[name].physical_id}
    kinds = {
        "Created": after.keys() - both,
        "Updated": {name for name in both - replaced if before[name] != after[name]},
        "Replaced": replaced,
        "Deleted": before.keys() - both,
    }
    found = [f"{kind}: {', '.join(sorted(names))}" for kind, names in kinds.items() if names]
    return found or ["Nothing changed"]
