"""Plan keeping: the process that looks after plans, on a real database."""

import datetime
from functools import partial
from pathlib import Path

import pytest

from setaria.bootstrap.plan_keeping import keep_plans, make_senders
from setaria.config import AlertSettings, ConfigError, load_settings
from setaria.core.clock import SystemClock
from tests.cli.running import Run, run_program
from tests.fakes.clock import FakeClock
from tests.fakes.log import FakeLog

EXAMPLE = str(Path(__file__).parents[2] / "docs" / "examples" / "prices.toml")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Give what runs commands on an installation with one plan, which is to be renewed."""
    monkeypatch.setenv("SETARIA_DATA", str(tmp_path))
    run = partial(run_program, capsys)
    for command in (
        ("prices", "import", EXAMPLE),
        ("accounts", "create", "ann"),
        ("accounts", "topup", "ann", "12"),
        ("plans", "subscribe", "ann", "lite"),
        ("plans", "renew", "ann", "--auto"),
    ):
        assert run(*command).code == 0
    return run


def test_plans_are_renewed_and_alerts_raised(run: Run) -> None:
    """A day before its end a plan is renewed once; a second run finds nothing to do."""
    later, log = _before_the_end(run), FakeLog()
    for _ in range(2):
        keep_plans(load_settings(None, None), later, log)
    shown = run("plans", "show", "ann", "--json").json()
    assert (len(shown["terms"]), shown["alerts"]) == (2, [])
    assert log.events == ["plans_renewed"]


def test_a_secret_that_is_not_there_keeps_no_plan_from_renewal(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Money and plans are looked after first; that nothing can be sent is told after it."""
    later, log = _before_the_end(run), FakeLog()
    monkeypatch.setenv("SETARIA_ALERTS_WEBHOOK_URL", "http://127.0.0.1:9/hook")
    with pytest.raises(ConfigError, match="alerts are always signed"):
        keep_plans(load_settings(None, None), later, log)
    assert log.events == ["plans_renewed"]


def _before_the_end(run: Run) -> FakeClock:
    """Give a clock of an hour before the plan's end."""
    end = run("plans", "show", "ann", "--json").json()["ends_at"]
    later = FakeClock(SystemClock().now_ms())
    later.advance(_seconds_to(end, later) - 3600)
    return later


def _seconds_to(moment: str, clock: FakeClock) -> float:
    return datetime.datetime.fromisoformat(moment).timestamp() - clock.now_ms() / 1000


def test_ways_to_send_are_those_that_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """None by default; a secret that is not there is told at once."""
    clock = FakeClock()
    assert make_senders(AlertSettings(), clock) == []
    assert make_senders(AlertSettings(smtp_host="h"), clock) == []
    monkeypatch.setenv("HOOK", "s")
    both = AlertSettings(mail_from="a@b", smtp_host="h", webhook_url="http://h", webhook_secret_env="HOOK")
    assert [type(each).__name__ for each in make_senders(both, clock)] == ["MailSender", "WebhookSender"]
    with pytest.raises(ConfigError, match="alerts are always signed"):
        make_senders(AlertSettings(webhook_url="http://h"), clock)
    with pytest.raises(ConfigError, match="NOT_THERE is not set or empty; the mail server takes its secret from it"):
        make_senders(AlertSettings(mail_from="a@b", smtp_host="h", smtp_password_env="NOT_THERE"), clock)
