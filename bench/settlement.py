"""Settlement: what it costs to put calls on the books durably, in batches of a given size.

`python bench/settlement.py` prints one line of JSON: CPU microseconds a call and the median milliseconds of a batch,
for batches of 1, 16 and 64 calls. SQLite, synchronous=FULL; the folder it writes in is `TMPDIR`'s.
"""

import asyncio
import json
import statistics
import tempfile
import time
from pathlib import Path

from setaria.adapters.store.migrate import upgrade
from setaria.adapters.store.sqlite.store import SqliteStore
from setaria.core.ids import AccountId, KeyId, new_call_id
from setaria.core.usage import Usage
from setaria.domain.ledger.records import CallRecord

SIZES = (1, 16, 64)
CALLS = 6400
MOST_BATCHES = 400


def make_call() -> CallRecord:
    """Make a call with an id of its own."""
    now_ms = time.time_ns() // 1_000_000
    return CallRecord(
        id=new_call_id(now_ms),
        at_ms=now_ms,
        account_id=AccountId("acct_0123456789abcdef"),
        key_id=KeyId("key_0123456789abcdef"),
        model="bench",
        protocol="openai_chat",
        upstream="openai",
        stream=False,
        status=200,
        ending="completed",
        counts_from="upstream",
        usage=Usage(20, 0, 0, 20, 0),
        charge_nano=0,
        first_token_ms=3,
        duration_ms=5,
        attempts=1,
    )


async def measure(store: SqliteStore, size: int) -> dict[str, float]:
    """Write batches of this size, one after another; the making of the calls is not measured."""
    batches = [[make_call() for _ in range(size)] for _ in range(min(MOST_BATCHES, CALLS // size))]
    times_s = []
    begun_cpu_s = time.process_time()
    for batch in batches:
        begun_s = time.monotonic()
        await asyncio.gather(*map(store.record, batch))
        times_s.append(time.monotonic() - begun_s)
    cpu_s = time.process_time() - begun_cpu_s
    return {
        f"settlement_{size}_us": cpu_s * 1e6 / (len(batches) * size),
        f"settlement_{size}_ms": statistics.median(times_s) * 1000,
    }


async def main() -> None:
    """Measure all sizes."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "setaria.db"
        upgrade(f"sqlite:///{file}")
        store = SqliteStore(file, print)
        await store.open()
        found: dict[str, float] = {}
        for size in SIZES:
            found |= await measure(store, size)
        await store.close()
    print(json.dumps(found))


if __name__ == "__main__":
    import uvloop

    uvloop.run(main())
