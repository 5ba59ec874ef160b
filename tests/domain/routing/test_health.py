"""When a deployment is left alone, and when it is tried again."""

from setaria.domain.routing.health import FAILURES_TO_COOL, FIRST_PAUSE_S, LONGEST_PAUSE_S, Health


def steady() -> float:
    """Draw no jitter."""
    return 0.0


def cooled() -> Health:
    """Give the health of a deployment that has just failed three times, at second 0."""
    health = Health(steady)
    for _ in range(FAILURES_TO_COOL):
        health.fail(0.0)
    return health


def test_two_failures_in_a_row_are_nothing() -> None:
    """The third one in a row makes a pause, and a success between them begins anew."""
    health = Health(steady)
    for _ in range(5):
        health.fail(0.0)
        health.fail(0.0)
        assert health.may_serve(0.0)
        health.succeed()
    health.fail(0.0)
    health.fail(0.0)
    health.fail(0.0)
    assert not health.may_serve(FIRST_PAUSE_S - 0.01)
    assert health.wait_s(0.5) == FIRST_PAUSE_S - 0.5


def test_one_call_probes_after_the_pause() -> None:
    """While the probe is under way nobody else goes there; its success ends the matter."""
    health = cooled()
    assert health.may_serve(FIRST_PAUSE_S)
    health.begin()
    assert not health.may_serve(FIRST_PAUSE_S)
    health.succeed()
    assert health.may_serve(FIRST_PAUSE_S)


def test_pauses_double_up_to_a_minute() -> None:
    """Each failed probe waits twice as long."""
    health, now_s = cooled(), 0.0
    pauses_s = []
    for _ in range(7):
        pauses_s.append(health.wait_s(now_s))
        now_s += pauses_s[-1]
        health.begin()
        health.fail(now_s)
    assert pauses_s == [2, 4, 8, 16, 32, LONGEST_PAUSE_S, LONGEST_PAUSE_S]


def test_a_busy_server_rests_as_long_as_it_says() -> None:
    """It gets no call meanwhile, and one failure after that is still only one."""
    health = Health(steady)
    health.rest(7.0)
    assert not health.may_serve(6.9)
    assert health.wait_s(5.0) == 2.0
    assert health.may_serve(7.0)
    health.fail(7.0)
    assert health.may_serve(7.0)


def test_a_probe_whose_client_left_tells_nothing() -> None:
    """The next call may probe again."""
    health = cooled()
    health.begin()
    health.abandon()
    assert health.may_serve(FIRST_PAUSE_S)


def test_jitter_makes_pauses_longer_only() -> None:
    """Up to a fifth is added."""
    health = Health(lambda: 1.0)
    for _ in range(FAILURES_TO_COOL):
        health.fail(0.0)
    assert health.wait_s(0.0) == FIRST_PAUSE_S * 1.2


def test_only_a_deployment_that_answers_is_shown_as_well() -> None:
    """One that cools, is busy or is being probed is not; its first answer, or the end of the rest, makes it so."""
    health = cooled()
    assert not health.is_well(0.0)
    assert not health.is_well(LONGEST_PAUSE_S)
    health.succeed()
    assert health.is_well(0.0)
    health.rest(5.0)
    assert (health.is_well(4.9), health.is_well(5.0)) == (False, True)
