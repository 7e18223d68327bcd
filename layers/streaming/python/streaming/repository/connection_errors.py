"""Why a transaction was not carried out, for the code that decides whether to repeat it."""

from typing import Any

from streaming.repository.commits import TransactionIdentity


class Lost(Exception):
    """The connection cannot be used any more; the same work may succeed on another one."""

    def __init__(self, operation: str) -> None:
        super().__init__(operation)
        self.operation = operation


class CommitUnanswered(Lost):
    """The connection was lost during COMMIT, so the transaction may be committed.

    ``result`` is what the work returned.
    """

    def __init__(self, result: Any, identity: TransactionIdentity) -> None:
        super().__init__("query")
        self.result = result
        self.identity = identity


class GaveWay(Exception):
    """The server rolled the transaction back in favour of another one; a retry may succeed."""


class PlansNotKept(Exception):
    """The session does not have the prepared statements, or has outdated plans for them."""
