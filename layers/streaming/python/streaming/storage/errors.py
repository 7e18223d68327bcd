"""Errors of the bucket and its objects, besides ``StorageUnavailable``."""


class ObjectNotFound(Exception):
    """The bucket has no object under the key."""


class ObjectTooLarge(Exception):
    """The object is larger than the caller accepts."""


class ObjectUnreadable(Exception):
    """The object is archived, its compression is not supported, or its data is invalid."""


class ObjectNameRefused(Exception):
    """The storage does not accept the name of the object."""


class BucketElsewhere(Exception):
    """The bucket is not in the configured region. ``told`` is its region if S3 reports it."""

    def __init__(self, region: str, told: str | None) -> None:
        super().__init__(f"the bucket is not in {region} but in {told or 'another region'}")
