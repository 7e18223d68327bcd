"""The errors of publishing, whose messages are one line for the user."""


class PublishError(Exception):
    """The reason, in one line, why the film is not published or does not play."""


class DoesNotPlay(PublishError):
    """The film in the bucket cannot be read or decoded to its end."""
