"""The one error of publishing: something that whoever publishes can act on, told in one line."""


class PublishError(Exception):
    """Say in one line why the film is not published, or does not play."""
