"""The one error of publishing: something that whoever publishes can act on, told in one line."""


class PublishError(Exception):
    """Say in one line why the film is not published, or does not play."""


class DoesNotPlay(PublishError):
    """What is in the bucket is not the film: it cannot be read or decoded to its end."""
