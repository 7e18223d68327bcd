"""The base URLs against which the relative references of an MPD resolve, level by level.

The ``BaseURL`` of a level resolves against that of the level above. A level may have several as
alternatives; the first alternative inside the film is the one that is signed.
"""

from dataclasses import dataclass

from streaming.manifests.dash.document import Element
from streaming.manifests.dash.limits import check_url_length
from streaming.manifests.errors import OutsideFilm
from streaming.manifests.references import FilmLocation, Reference


@dataclass(frozen=True, slots=True)
class Base:
    """A URL against which references resolve; ``directory`` is set if it is in the film."""

    film: FilmLocation
    url: str
    directory: str | None
    element: Element | None = None

    @classmethod
    def at(cls, film: FilmLocation, url: str, element: Element | None = None) -> "Base":
        """Return the base for the absolute ``url``, which comes from the BaseURL ``element``.

        Raises ``ManifestTooLarge`` if the URL is too long.
        """
        try:
            here = film.locate(check_url_length(url))
        except OutsideFilm:  # not an error here: the references below it are checked themselves
            here = None
        directory = None if here is None else here.path[: here.path.rfind("/") + 1]
        return cls(film, url, directory, element)

    @property
    def is_in_film(self) -> bool:
        """Whether the base itself is in the film."""
        return self.directory is not None

    @property
    def is_foreign(self) -> bool:
        """Whether the base is on another host; a URL that leaves the film is not foreign."""
        try:
            return self.film.locate(self.url) is None
        except OutsideFilm:
            return False

    def below(self, level: Element) -> "Base":
        """Return the base of ``level``: first BaseURL in the film, else first, else self."""
        alternatives = self.alternatives(level)
        return next((base for base in alternatives if base.is_in_film), (*alternatives, self)[0])

    def alternatives(self, level: Element) -> list["Base"]:
        """Return one base for each BaseURL child of ``level``."""
        return [
            Base.at(self.film, self.film.join(self.url, element.text.strip()), element)
            for element in level.all("BaseURL")
        ]

    def locate(self, reference: str) -> Reference | None:
        """Return the film's object that ``reference`` names, or None for a foreign URL.

        Raises ``OutsideFilm`` if it leaves the film.
        """
        reference = reference.strip()
        if self.directory is not None and reference and reference[0] not in "/?#":
            return self.film.resolve(self.directory, reference)
        return self.film.locate(self.film.join(self.url, reference))
