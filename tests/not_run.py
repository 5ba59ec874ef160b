"""Not run: a pytest plug-in that lists, counts and (where CI=true) fails on what this machine lacks."""

import os
import shutil
from collections import Counter
from pathlib import Path
from typing import NoReturn

import pytest

_MARK = "not run: "
_FOLDERS = ("/usr/lib/postgresql/*/bin",)  # Debian keeps the programs of a PostgreSQL server out of the PATH


def need(program: str) -> Path:
    """Give the path of a program, or end the test as "not run" when this machine lacks it."""
    found = shutil.which(program) or next(iter(_newest_first(program)), None)
    if found is None:
        not_run(f"the program {program} is missing")
    return Path(found)


def not_run(reason: str) -> NoReturn:
    """End the test, or the collection of a whole test file, as "not run" for this reason."""
    pytest.skip(_MARK + reason, allow_module_level=True)


def _newest_first(program: str) -> list[Path]:
    paths = [path for folder in _FOLDERS for path in Path("/").glob(f"{folder[1:]}/{program}")]
    return sorted(paths, key=lambda path: [int(part) for part in path.parts if part.isdigit()], reverse=True)


class _Count:
    """Counts the tests and files that ended as "not run", by reason."""

    def __init__(self) -> None:
        self.reasons: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a test, whichever of its phases ended it."""
        self._count(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Count a test file that ended while it was read."""
        self._count(report)

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Fail a run that would have been green, where CI=true."""
        if self.reasons and exitstatus == pytest.ExitCode.OK and _is_ci():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """List what was not run, and why."""
        if not self.reasons:
            return
        terminalreporter.section("not run", red=_is_ci(), yellow=not _is_ci(), bold=True)
        for reason, count in sorted(self.reasons.items()):
            terminalreporter.line(f"{count:5} {reason}")
        verdict = "CI=true: this fails the run" if _is_ci() else "tools/install_system.sh, as root, installs it"
        terminalreporter.line(f"{self.reasons.total():5} in all; {verdict}")

    def _count(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        # pytest gives a skip as (file, line, "Skipped: " + reason)
        if report.skipped and isinstance(report.longrepr, tuple):
            _, mark, reason = report.longrepr[2].partition(_MARK)
            self.reasons.update([reason] if mark else [])


def _is_ci() -> bool:
    return os.environ.get("CI") == "true"


def pytest_configure(config: pytest.Config) -> None:
    """Add the plug-in to a session."""
    config.pluginmanager.register(_Count(), "not-run-count")
