"""The keys of Redis. No other module defines keys."""

from uuid import UUID


def progress(user_id: UUID, movie_id: UUID) -> str:
    """Return the key of a user's position in a film."""
    return f"progress:{user_id}:{movie_id}"


def subscription(user_id: UUID) -> str:
    """Return the key of the last answer of the user service."""
    return f"subscription:{user_id}"


def subscription_for_grace(user_id: UUID) -> str:
    """Return the key of the last positive answer, which is kept longer."""
    return f"subscription:grace:{user_id}"


def subscription_changed(user_id: UUID) -> str:
    """Return the key of the mark of a subscription that has just changed."""
    return f"subscription:changed:{user_id}"


def streams(user_id: UUID) -> str:
    """Return the key of a user's running streams."""
    return f"streams:{user_id}"


def signed_copy(movie_id: UUID, manifest_type: str, window: str, signing_id: str) -> str:
    """Return the key of the registry's entry of a signed copy."""
    return f"copy:{movie_id}:{manifest_type}:{window}:{signing_id}"


def publication_lock(signed_copy_key: str) -> str:
    """Return the key of the lock of a copy's publication."""
    return f"{signed_copy_key}:publishing"


def failed_publication(signed_copy_key: str) -> str:
    """Return the key of the mark of a copy whose publication has failed."""
    return f"{signed_copy_key}:failed"
