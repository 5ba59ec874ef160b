"""Who gets a call, given how the last ones went."""

import pytest

from setaria.core.errors import Unavailable, UpstreamRefused
from setaria.domain.routing.health import FAILURES_TO_COOL
from setaria.domain.routing.router import Router
from tests.domain.routing.candidate import Candidate

PAIR = (Candidate("a", 1), Candidate("b", 1))
SESSION = bytes(16)


def steady() -> float:
    """Draw nothing at random."""
    return 0.5


def cool(router: Router, name: str, now_s: float = 0.0) -> None:
    """Let a deployment fail until it is left alone."""
    for _ in range(FAILURES_TO_COOL):
        router.health(name).fail(now_s)


def test_a_session_moves_only_while_its_deployment_is_cooling() -> None:
    """It goes to the other one meanwhile, and comes back."""
    router = Router(steady)
    home = router.choose(PAIR, SESSION, 0.0)
    cool(router, home.name)
    away = router.choose(PAIR, SESSION, 0.0)
    assert away != home
    assert router.choose(PAIR, SESSION, 100.0) == home


def test_all_cooling_is_told_with_the_time_to_wait() -> None:
    """503 names the seconds until the first may be tried again, rounded up."""
    router = Router(steady)
    cool(router, "a", 0.0)
    cool(router, "b", 1.0)
    with pytest.raises(Unavailable) as caught:
        router.choose(PAIR, None, 1.0)
    assert caught.value.retry_after_s == 2


def test_servers_that_refuse_the_platform_are_told_as_that() -> None:
    """Where all of them do waiting helps nobody; where one failed otherwise last, or answers again, it does."""
    router = Router(steady)
    refusal = UpstreamRefused("it does not know our key; tell its operator")
    for name in ("a", "b"):
        cool(router, name)
        router.health(name).refuse(0.0, refusal)
    with pytest.raises(UpstreamRefused, match="know our key"):
        router.choose(PAIR, None, 0.0)
    with pytest.raises(UpstreamRefused, match="know our key"):
        router.choose(PAIR, None, 0.0, tried={"a"})
    router.health("b").fail(0.0)
    with pytest.raises(Unavailable):
        router.choose(PAIR, None, 0.0)
    router.health("a").succeed()
    cool(router, "a")
    with pytest.raises(Unavailable):
        router.choose(PAIR, None, 0.0)
    router.health("a").refuse(0.0, refusal)
    router.health("a").rest(7.0)
    with pytest.raises(Unavailable):
        router.choose(PAIR, None, 0.0, tried={"b"})


def test_what_was_tried_is_not_tried_again() -> None:
    """The second attempt goes elsewhere, and then nobody is left, which is told like any other want of servers."""
    router = Router(steady)
    assert router.choose(PAIR, None, 0.0, tried={"a"}) == PAIR[1]
    with pytest.raises(Unavailable) as caught:
        router.choose(PAIR, None, 0.0, tried={"a", "b"})
    assert caught.value.retry_after_s == 1
