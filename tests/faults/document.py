"""The text of docs/faults.md around its tables."""

from tests.faults.faults import FAULTS
from tests.faults.table import Tables, render

_INTRODUCTION = """\
# Behaviour during failures

Written by `make faults`, which injects each fault into each dependency under each call and fails
if a promise is not kept. So this page describes measured behaviour.
"""

_PROMISES = """\
## What is promised

- Every call gets a response within 3 s, a progress report within 1.5 s, during any fault. A start
  that has to query the user service may take `USER_SERVICE_TIMEOUT` (5 s) and half a second if no
  other dependency fails. The calls for admins only may take longer: *erase* and *invalidate* 25 s,
  the reports of what was watched 7.5 s.
- A failure is a 503 with a `code` that names the unavailable dependency and `Retry-After`;
  players retry.
- Acknowledged changes are in PostgreSQL, and their events in Kafka or in the outbox. An
  acknowledged position is the one that is returned afterwards; if Redis was disturbed, after 5 s at
  the latest, regardless of its contents. The data of an erased user are also erased in Redis, and
  an invalidated film plays in the bucket's current version.
- Within 5 s of the end of a fault calls succeed normally again, without a restart.
- After an environment has detected that Kafka is unavailable, a call takes at most 0.05 s longer
  because of it.

## What each failure means to viewers

- **PostgreSQL**: nobody can start, report or stop. Active players continue, because they load
  films directly from S3, and keep their reports. Positions in Redis can still be looked up.
- **Redis**: no visible effect, except that a position may be hidden behind an older one for 5 s.
  Users cannot be erased, because Redis would keep their positions for a day.
- **Kafka**: none. Events wait in the outbox, and housekeeping sends them.
- **S3**: players cannot load segments, which the API cannot prevent. Films that any viewer has
  started in the current hour still start; other films get `storage_unavailable`, and so does
  `invalidate`.
- **User service**: users who have started a film in the last five minutes are not affected, and
  for 15 minutes the last known subscription is accepted. Others get `entitlement_unavailable`; no
  film starts without a verified subscription.
"""

_HOW = """\
## How it is measured

The real functions run in separate processes, as execution environments, against real servers; a
TCP proxy in front of each server injects the fault. *Warm* environments have processed the same
call before, and get two calls during the fault, the second after the circuit breaker's pause;
*cold* ones have just started, and get their first call. Times are the maximum of these, in
classes, and include the loading of clients. *Back after* is the longest time of any call from the
end of the fault until it succeeded as before: for Redis until positions were cached again, for
Kafka until events were sent directly. *Later calls lose* is the additional duration of a start, a
report or a stop in an environment that had encountered the fault before, compared with one
without a fault.

*start* is the start of a film that was started before, by a viewer whose subscription is cached;
*first start* needs both the user service and a new signed copy. *remove* removes a film from
continue watching, *erase* erases a user, *invalidate* publishes a replaced film again.

The faults:
"""


def render_document(tables: Tables) -> str:
    """Return the page."""
    faults = "\n".join(f"- **{fault.title}**: {fault.explanation}." for fault in FAULTS)
    sections = [f"### {title}\n\n{render(table)}\n" for title, table in tables.items()]
    return "\n".join([_INTRODUCTION, _PROMISES, _HOW, faults + "\n", "## Results\n", *sections])
