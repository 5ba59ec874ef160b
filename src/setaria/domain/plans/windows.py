"""Windows: the names by which a plan's windows are kept."""

from setaria.domain.plans.terms import Term


def window_scope(subscription_id: str, term: Term, number: int) -> str:
    """Name a window of a term, counted from 0; the next term has windows of its own."""
    return f"{subscription_id}/{term.starts_at_ms}/{number}"
