"""What can go wrong with an object of the bucket, apart from the bucket not answering."""


class ObjectNotFound(Exception):
    """The bucket holds no object under the key."""


class ObjectTooLarge(Exception):
    """The object is larger than the caller accepts."""
