"""Keys of upstreams: where they are read from, and what is said when one is not there."""

from collections.abc import Callable
from pathlib import Path

import pytest

from setaria.config import ConfigError, Settings, check_api_keys, check_secrets, read_api_key
from setaria.core.entries import UpstreamEntry


def make_upstream(variable: str = "", path: str = "") -> UpstreamEntry:
    """Make an upstream whose key is in a variable, in a file or nowhere."""
    return UpstreamEntry(name="a", kind="openai", base_url="http://h/v1", api_key_env=variable, api_key_file=path)


def test_a_key_is_read_from_where_the_entry_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes from the variable or the file, without spaces around it; without either there is none."""
    monkeypatch.setenv("MY_KEY", " from-variable\n")
    (tmp_path / "key").write_text("from-file\n")
    upstreams = [make_upstream(), make_upstream("MY_KEY"), make_upstream(path=str(tmp_path / "key"))]
    assert [read_api_key(each) for each in upstreams] == ["", "from-variable", "from-file"]
    check_api_keys(upstreams)


@pytest.mark.parametrize(
    "content, problem",
    [
        (b"", "is not set or empty; the upstream a takes its API key from it"),
        (b"two words", "holds no API key for the upstream a; a key is one word on one line"),
        ("schlüssel".encode(), "holds no API key for the upstream a; a key is one word on one line"),
        (b"\xff", "of the upstream a is not text"),
        (None, "can't be read from .*/key: No such file or directory"),
    ],
)
def test_a_file_without_a_key_is_refused(tmp_path: Path, content: bytes | None, problem: str) -> None:
    """The message names the file and the upstream, and shows nothing of the content."""
    if content is not None:
        (tmp_path / "key").write_bytes(content)
    with pytest.raises(ConfigError, match=problem) as refusal:
        check_api_keys([make_upstream(path=str(tmp_path / "key"))])
    assert "words" not in str(refusal.value)


def test_a_variable_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the variable."""
    monkeypatch.delenv("MY_KEY", raising=False)
    with pytest.raises(ConfigError, match="the environment variable MY_KEY is not set or empty; the upstream a takes"):
        check_api_keys([make_upstream(), make_upstream("MY_KEY")])


@pytest.mark.parametrize(
    "alerts, problem",
    [
        ('webhook_url = "http://h"', "alerts.webhook_url is set, but alerts.webhook_secret_env is not"),
        ('webhook_url = "http://h"\nwebhook_secret_env = "NOT_SET"', "NOT_SET is not set or empty; the webhook takes"),
        (
            'smtp_host = "h"\nmail_from = "a@b"\nsmtp_password_env = "NOT_SET"',
            "NOT_SET .* empty; the mail server takes",
        ),
        ('smtp_host = "h"\nmail_from = "a@b"', ""),
        ('smtp_host = "h"\nsmtp_password_env = "NOT_SET"', ""),  # no mail is sent, so nobody needs it
    ],
)
def test_secrets_of_alerts_are_wanted_where_they_are_used(
    load: Callable[[str], Settings], alerts: str, problem: str
) -> None:
    """A way to send that lacks its secret is refused before the server starts."""
    settings = load(f"[alerts]\n{alerts}\n")
    if not problem:
        check_secrets(settings)
        return
    with pytest.raises(ConfigError, match=problem):
        check_secrets(settings)
