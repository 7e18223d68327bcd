"""The limits of one film."""

import pytest

from streaming.delivery.film_budget import FilmBudget
from streaming.manifests.errors import ManifestTooLarge


def test_bytes_of_all_manifests_count() -> None:
    """Two manifests that are within the limit may exceed it together, and then stay above it."""
    budget = FilmBudget(largest=10)

    budget.spend(10)
    with pytest.raises(ManifestTooLarge):
        budget.spend(1)
    with pytest.raises(ManifestTooLarge):
        budget.check()


def test_processor_time_counts() -> None:
    """A film that takes too long to read is refused as too large, not as an outage of S3."""
    budget = FilmBudget(longest_seconds=0)
    sum(range(100_000))

    with pytest.raises(ManifestTooLarge):
        budget.check()
