"""What can go wrong with an object of the bucket, apart from the bucket not answering."""


class ObjectNotFound(Exception):
    """The bucket holds no object under the key."""


class ObjectTooLarge(Exception):
    """The object is larger than the caller accepts."""


class ObjectUnreadable(Exception):
    """The object is compressed in a way that is not understood, or broken."""


class ObjectNameRefused(Exception):
    """The store has no objects of such a name, and never will."""
