"""A subscriber who watches films in an in-memory environment."""

from dataclasses import dataclass, field
from uuid import UUID, uuid4

from streaming.domain.films import ManifestType
from streaming.domain.idempotency import IdempotencyKey
from streaming.domain.progress import RecordedReport, Report
from streaming.domain.sessions import EndedSession, StartedStream
from streaming.domain.subscriptions import Subscription
from streaming.usecases.start_stream import Viewer
from tests.fakes.delivery import StoredFilm
from tests.fakes.environment import MemoryEnvironment


@dataclass(frozen=True)
class MemoryViewer:
    """Has a subscription for ``max_streams`` concurrent streams; None uses the configured limit."""

    environment: MemoryEnvironment
    max_streams: int | None = None
    user_id: UUID = field(default_factory=uuid4)

    def __post_init__(self) -> None:
        self.subscribe(
            Subscription(
                is_active=True, plan_id="premium", expires_at=None, max_streams=self.max_streams
            )
        )

    @property
    def authorization(self) -> str:
        """The value of the user's ``Authorization`` header."""
        return f"Bearer {self.user_id}"

    def subscribe(self, subscription: Subscription) -> None:
        """Replace the user's subscription."""
        self.environment.users.subscriptions[self.authorization] = subscription

    def start(
        self,
        movie_id: UUID,
        form: ManifestType = "hls",
        key: str | None = None,
        *,
        take_over: bool = False,
    ) -> StartedStream:
        """Start a film."""
        viewer = Viewer(self.user_id, self.authorization, "a player", "192.0.2.77")
        return self.environment.start_stream(
            viewer,
            movie_id,
            form,
            self.environment.now,
            IdempotencyKey.of(key, movie_id=movie_id, form=form),
            take_over=take_over,
        )

    def report(
        self,
        movie_id: UUID,
        position_seconds: int,
        session_id: UUID | None = None,
        sequence: int | None = None,
        age_seconds: float = 0,
    ) -> RecordedReport:
        """Report a position that is ``age_seconds`` old."""
        return self.environment.report_progress(
            Report(
                self.user_id,
                movie_id,
                position_seconds,
                session_id,
                sequence,
                self.environment.now,
                age_seconds,
            )
        )

    def stop(
        self, movie_id: UUID, position_seconds: int, session_id: UUID | None = None
    ) -> EndedSession:
        """Stop a film."""
        now = self.environment.now
        return self.environment.stop_stream(
            Report(self.user_id, movie_id, position_seconds, session_id, None, now)
        )


def add_film(environment: MemoryEnvironment, film: StoredFilm | None = None) -> UUID:
    """Put a film into the bucket; return its id."""
    movie_id = uuid4()
    environment.bucket.films[movie_id] = film or StoredFilm()
    return movie_id
