"""Stopping process: a worker that a test stops and wakes; its clock runs sixty times as fast as others'.

Run as `python -m tests.adapters.store.stopping_process URL`. It leases money for a call and prints `held`. For every
line that it is sent it renews itself, settles that call, and prints whether it could spend before, whether it can
now, and whether it is still the same worker.
"""

import asyncio
import os
import sys
import time

from setaria.adapters.store.lease_book import LeaseTable
from setaria.core.clock import SystemClock
from setaria.domain.ledger.funds import Line
from setaria.domain.ledger.leases import Debit
from setaria.gateway.desk import Desk
from tests.adapters.store.samples import ACCOUNT, make_call, opened
from tests.fakes.log import FakeLog


class FastClock(SystemClock):
    """Lets a second be a minute."""

    def monotonic_s(self) -> float:
        return time.monotonic() * 60

    uptime_s = monotonic_s


async def main(url: str) -> None:
    """Do what is told above."""
    async with opened(url) as store:
        desk = Desk(LeaseTable(store), "stopped", FastClock(), FakeLog())
        await desk.clerk.enter()
        fund = desk.find(ACCOUNT.id, "money")
        ((held,),) = await desk.obtain([Line(fund, 60, 60)])
        lease, amount = held
        debits = (Debit(lease.worker_id, lease.allowance_id, 0, amount, amount),)
        os.write(1, b"held\n")
        while await asyncio.to_thread(sys.stdin.readline):
            before = desk.clerk.may_spend
            await desk.clerk.renew()
            await store.record(make_call(id="0" * 32), debits)
            same = desk.clerk.worker_id == lease.worker_id
            os.write(1, f"{before} {desk.clerk.may_spend} {same}\n".encode())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
