"""The sample of calls that are logged."""

from streaming.observability.sampling import is_sampled

CALLS = [f"call-{number}" for number in range(10_000)]


def test_no_sample() -> None:
    """Without a sample no call is logged; a sample of one in one has every call."""
    assert not any(is_sampled(each, 0) for each in CALLS)
    assert all(is_sampled(each, 1) for each in CALLS)


def test_share() -> None:
    """A sample of one in a hundred has about that many calls, and always the same ones."""
    sample = [each for each in CALLS if is_sampled(each, 100)]
    assert 60 < len(sample) < 140
    assert sample == [each for each in CALLS if is_sampled(each, 100)]
