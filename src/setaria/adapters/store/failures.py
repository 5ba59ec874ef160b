"""Failures: what can go wrong with a database, in the words of both engines' stores.

Callers hear only that the database is away: paths, hosts and statements stay in the error's cause, for the log.
"""

from setaria.core.errors import Unavailable

PATIENCE_S = 2.0
_RETRY_AFTER_S = 2


class RowRefused(Exception):
    """The database is there, but does not take one of the rows; the reason holds none of the row's values."""


def database_away() -> Unavailable:
    """Make the error for a database that does not answer within `PATIENCE_S`, or not at all."""
    return Unavailable("the database is not available now; try again", retry_after_s=_RETRY_AFTER_S)


def reason_from(error: BaseException) -> str:
    """Tell the operator in one line what the database, or whoever answered in its place, said."""
    cause = error.__cause__ or error
    return " ".join(str(cause).split()) or type(cause).__name__
