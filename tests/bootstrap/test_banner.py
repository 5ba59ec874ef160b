"""Banner: the first key is shown to a person once, and lies in its file until then."""

import io
import sys
from pathlib import Path

import pytest

from setaria.bootstrap.banner import write_banner
from setaria.bootstrap.first_key import keep_first_key
from setaria.config import Settings, load_settings

KEY = "sk-a-key"
URL = "http://127.0.0.1:8080"


class Terminal(io.StringIO):
    """What a person reads; `full` when nothing can be written there."""

    full = False

    def isatty(self) -> bool:
        return True

    def flush(self) -> None:
        if self.full:
            raise OSError(28, "No space left on device")


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of an installation whose first key lies in its file."""
    monkeypatch.delenv("SETARIA_CONFIG", raising=False)
    settings = load_settings(tmp_path, None)
    keep_first_key(settings, KEY)
    return settings


def test_a_person_is_shown_the_first_key(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """At a terminal the key is shown, also in the command to try, and its file is removed."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    write_banner(settings, URL, KEY)
    assert f"API key              {KEY}      shown this once" in terminal.getvalue()
    assert f"Bearer {KEY}" in terminal.getvalue()
    assert not (settings.data / "first-key").exists()


def test_a_key_that_could_not_be_shown_stays(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is removed only when the banner was written."""
    terminal = Terminal()
    terminal.full = True
    monkeypatch.setattr(sys, "stdout", terminal)
    with pytest.raises(OSError, match="No space left"):
        write_banner(settings, URL, KEY)
    terminal.full = False
    assert (settings.data / "first-key").read_text() == f"{KEY}\n"


@pytest.mark.parametrize("first_key, says", [(KEY, ", for standard output is no terminal;"), ("", "; keep it")])
def test_a_program_is_told_where_the_key_is(
    settings: Settings, capsys: pytest.CaptureFixture[str], first_key: str, says: str
) -> None:
    """Where no person reads, the key stays in its private file, and each start says so until it is removed."""
    file = settings.data / "first-key"
    write_banner(settings, URL, first_key)
    shown = capsys.readouterr().out
    assert (KEY in shown, f"in {file}{says}" in shown, file.stat().st_mode & 0o777) == (False, True, 0o600)
    file.unlink()
    write_banner(settings, URL, "")
    assert "API key              as before; `setaria keys create` makes another" in capsys.readouterr().out
