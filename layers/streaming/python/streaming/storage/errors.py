"""What can go wrong with an object of the bucket, apart from the bucket not answering."""


class ObjectNotFound(Exception):
    """The bucket holds no object under the key."""


class ObjectTooLarge(Exception):
    """The object is larger than the caller accepts."""


class ObjectUnreadable(Exception):
    """The object is compressed in a way that is not understood, or broken."""


class ObjectNameRefused(Exception):
    """The store has no objects of such a name, and never will."""


class BucketElsewhere(Exception):
    """The bucket is not in the region that the settings name. ``told`` is where S3 says it is."""

    def __init__(self, region: str, told: str | None) -> None:
        super().__init__(f"the bucket is not in {region} but in {told or 'another region'}")
