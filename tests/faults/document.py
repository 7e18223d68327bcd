"""docs/faults.md around its tables."""

from tests.faults.faults import FAULTS
from tests.faults.table import Tables, render

_INTRODUCTION = """\
# What viewers get while something is broken

Written by `make faults`, which breaks each dependency in each way under each call and fails when a
promise is not kept. So this page says what the service does, not what it should do.
"""

_PROMISES = """\
## What is promised

- Every call is answered within 3 s, a progress report within 1.5 s, whatever is broken. Only a
  start that has to ask the user service may wait for that as long as `USER_SERVICE_TIMEOUT` says,
  5 s, and what only an admin may call (erase, invalidate) 25 s.
- A failure is 503 with a `code` that names what is missing and `Retry-After`; players try again.
- What was acknowledged is in PostgreSQL, and its event in Kafka or in the outbox. A position
  that was acknowledged is the one that is found afterwards, whatever Redis held. A user who was
  erased is erased in Redis, too, and a film that was invalidated plays as it is in the bucket.
- Calls succeed as usual within 5 s of the end of a fault, without a restart.
- Once an environment knows that Kafka is away, a call loses 0.05 s to it at most.

## What each failure means to viewers

- **PostgreSQL**: nobody can start, report or stop. Players that are playing go on, since films come
  from S3 directly, and keep their reports. Looking up a position works as long as it is in Redis.
- **Redis**: nothing that they would notice. Nobody can be erased, because Redis would keep their
  positions for a day.
- **Kafka**: nothing. Events wait in the outbox, and housekeeping sends them.
- **S3**: players cannot load segments, which no API can help. Films that somebody has started in
  this hour still start; the others answer `storage_unavailable`, and so does `invalidate`.
- **User service**: who has started a film in the last five minutes goes on, and for 15 minutes the
  known subscription is honoured. Others get `entitlement_unavailable`, never a film for free.
"""

_HOW = """\
## How it is measured

The real functions run in processes of their own, as execution environments, against real servers; a
TCP proxy before each server breaks the connection. *Warm* environments have served the same call
before, and get two calls during the fault, the second after the breakers' pause; *cold* ones have
just started, and get their first call. Times are the worst of these, in classes, and include the
loading of clients. *Back after* is the longest that any call took from the end of the fault until
it succeeded as before: for Redis until positions were cached again, for Kafka until events went
there directly. *Later calls lose* is how much longer a start, a report or a stop took in an
environment that had met the fault before than it takes without any.

*start* is of a film that somebody has started before, by a viewer whose subscription is known;
*first start* needs both the user service and a new signed copy. *remove* takes a film out of
continue watching, *erase* forgets a user, *invalidate* has a replaced film published anew.

The faults:
"""


def render_document(tables: Tables) -> str:
    """Return the page."""
    faults = "\n".join(f"- **{fault.title}**: {fault.explanation}." for fault in FAULTS)
    sections = [f"### {title}\n\n{render(table)}\n" for title, table in tables.items()]
    return "\n".join([_INTRODUCTION, _PROMISES, _HOW, faults + "\n", "## The tables\n", *sections])
