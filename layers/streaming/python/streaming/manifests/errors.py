"""The errors of a film's manifest."""


class ManifestError(ValueError):
    """A manifest of which no signed copy can be made."""


class NotAManifest(ManifestError):
    """The bytes are not a manifest of the expected kind, or violate its grammar."""


class OutsideFilm(ManifestError):
    """A reference leaves the film's own prefix; signing it would expose another object."""


class NotUtf8(OutsideFilm):
    """A reference is not UTF-8, so that no object can have its name."""


class ManifestTooLarge(ManifestError):
    """The manifest exceeds a limit on bytes, depth, renditions or segments."""
