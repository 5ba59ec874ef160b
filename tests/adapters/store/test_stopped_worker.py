"""A worker that is stopped for longer than the sweep, and woken again."""

import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path

from setaria.adapters.store.control.store import ControlStore
from setaria.adapters.store.lease_book import LeaseTable
from tests.adapters.store.samples import ACCOUNT, add_account_and_key, opened, read_rows, write_rows

ROOT = Path(__file__).parents[3]
STOPPED_S = 1.2


def test_a_worker_that_is_stopped_longer_than_the_sweep(url: str, control: ControlStore) -> None:
    """Awake again it spends nothing, learns that it was given up, begins anew, and its call is charged late, once."""
    add_account_and_key(control)
    write_rows(
        url,
        "INSERT INTO allowances (id, account_id, kind, scope, period, available, granted, spent, debt) "
        f"VALUES ('cash', '{ACCOUNT.id}', 'cash', '', 0, 100, 100, 0, 0)",
    )
    command = [sys.executable, "-m", "tests.adapters.store.stopping_process", url]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        assert worker.stdout.readline() == "held\n"
        worker.send_signal(signal.SIGSTOP)
        time.sleep(STOPPED_S)  # a second is a minute to it; nothing but the kernel's clock can tell it that
        write_rows(url, "UPDATE workers SET seen_at_ms = seen_at_ms - 72000")
        assert asyncio.run(sweep(url)) == 1
        assert read_rows(url, "SELECT available FROM allowances") == [(100,)]
        worker.send_signal(signal.SIGCONT)
        answers = []
        for _ in range(2):
            worker.stdin.write("\n")
            worker.stdin.flush()
            answers.append(worker.stdout.readline())
        worker.stdin.close()
        worker.wait(timeout=20)
    assert answers[0] == "False True False\n"
    assert read_rows(url, "SELECT available, spent, debt FROM allowances") == [(40, 60, 0)]
    assert read_rows(url, "SELECT note FROM calls") == [("late",)]


async def sweep(url: str) -> int:
    """Give up who was not seen for a minute."""
    async with opened(url) as store:
        return await LeaseTable(store).sweep(60)
