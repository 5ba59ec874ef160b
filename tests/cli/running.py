"""Running: the program in this process, as a shell would run it."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from setaria.cli.main import main


class Ran(NamedTuple):
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    def json(self) -> Any:  # JSON as it comes
        """Read what was printed as JSON, after a command that was done."""
        assert (self.code, self.err) == (0, "")
        return json.loads(self.out)


Run = Callable[..., Ran]


def run_program(capsys: pytest.CaptureFixture[str], *arguments: str) -> Ran:
    """Run one command."""
    with pytest.raises(SystemExit) as end:
        main(arguments)
    captured = capsys.readouterr()
    assert isinstance(end.value.code, int)
    return Ran(end.value.code, captured.out, captured.err)
