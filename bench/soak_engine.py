"""Soak: random calls at the real engine process for hours, to see whether its memory stays flat.

`python bench/soak_engine.py [--minutes 120] [--share 1.0] [--seed 1]`. The calls are of all sizes up to the context and
beyond, with tools, forms of answers, penalties, biases, stop strings and seeds; some are cancelled, some connections
end in mid-answer, some send what is no frame. At the end of every minute all calls are let end, and memory is read.
The exit code is 1 when memory grew by more than 5 % after the warm-up, when a call had no end, or when the engine died.

Growth is the median of the last quarter of the minutes against that of the quarter behind the warm-up, at rest and at
the minutes' peaks; the warm-up is the first sixth.
"""

import argparse
import asyncio
import statistics
import sys
import time
from collections import Counter
from pathlib import Path

from engine_process import Client, EngineProcess, running_engine
from random_calls import RandomCalls

from setaria.adapters.upstreams.local.frames import Cancel, Count, Done, Failed, Generate, Ping, encode_frame
from setaria.bootstrap.catalog import SEEDLING, SEEDLING_FOLDER

AT_ONCE = 16
WITHIN_S = 1_800.0
LIMIT_GROWTH = 0.05
WARM_UP_SHARE = 1 / 6
GARBAGE = (b"\x00\x00\x00\x04abcd", b"\xff\xff\xff\xff", b"\x00\x00\x00\x01", b"GET / HTTP/1.1\r\n\r\n")


class Soak:
    """One run: what is asked, and what came of it."""

    def __init__(self, engine: EngineProcess, seed: int, share: float) -> None:
        self.ends: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.output_tokens = 0
        self.peak_mb = 0.0
        self._engine = engine
        self._calls = RandomCalls(seed)
        self._share = share
        self._number = 0

    async def keep_busy(self, seconds: float) -> None:
        """Keep calls going for a while, and then let all of them end."""
        until_s = time.monotonic() + seconds
        self.peak_mb = 0.0
        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(self._keep_asking(until_s))

    async def _keep_asking(self, until_s: float) -> None:
        """Ask one thing after another, on one connection after another."""
        while time.monotonic() < until_s:
            client = await Client.connect(self._engine.door)
            for _ in range(self._calls.rng.randrange(1, 8)):
                began_s, began_cpu_s = time.monotonic(), self._engine.cpu_s()
                may_go_on = await self._ask(client)
                await self._rest(began_s, began_cpu_s)
                if not may_go_on or time.monotonic() >= until_s:
                    break
            await client.close()

    async def _ask(self, client: Client) -> bool:
        """Do one thing, and tell whether the connection is good for another."""
        rng = self._calls.rng
        self._number += 1
        ask_id = str(self._number)
        roll = rng.random()
        if roll < 0.02:
            client.send(rng.choice(GARBAGE))
            self.ends["garbage"] += 1
            return False
        if roll < 0.05:
            client.ask(Ping(ask_id, rng.choice((SEEDLING, "none"))))
            return await self._hear(client, ask_id)
        if roll < 0.12:
            client.ask(Count(ask_id, SEEDLING, self._calls.dialogue()))
            return await self._hear(client, ask_id)
        client.ask(Generate(ask_id, SEEDLING, self._calls.dialogue()))
        if roll > 0.30:
            return await self._hear(client, ask_id)
        await asyncio.sleep(2 ** rng.uniform(-9, 2))
        client.forget(ask_id)
        if rng.random() < 0.4:
            self.ends["left"] += 1
            return False
        client.send(encode_frame(Cancel(ask_id)))
        self.ends["cancelled"] += 1
        return True

    async def _hear(self, client: Client, ask_id: str) -> bool:
        try:
            tells = await client.answer(ask_id, WITHIN_S)
        except TimeoutError:
            self.ends["no end"] += 1
            return False
        last = tells[-1][1] if tells else None
        match last:
            case Done(reason=reason, output_tokens=output_tokens):
                self.ends[reason] += 1
                self.output_tokens += output_tokens
            case Failed(kind=kind, message=message):
                self.ends[kind] += 1
                self.reasons[f"{kind}: {message[:120]}"] += 1
            case None:
                self.ends["connection lost"] += 1
            case _:
                self.ends[type(last).__name__.lower()] += 1
        return client.is_open

    async def _rest(self, began_s: float, began_cpu_s: float) -> None:
        """Pause for so long that the engine takes no more than its share of a core."""
        self.peak_mb = max(self.peak_mb, self._engine.memory_mb())
        busy_s = self._engine.cpu_s() - began_cpu_s
        await asyncio.sleep(max(0.0, busy_s / self._share - (time.monotonic() - began_s)))


def growth(values: list[float]) -> float:
    """Tell by which share the later values are above the earlier ones, behind the warm-up."""
    warm = values[int(len(values) * WARM_UP_SHARE) :]
    part = max(1, len(warm) // 4)
    return statistics.median(warm[-part:]) / statistics.median(warm[:part]) - 1


async def soak(engine: EngineProcess, minutes: int, seed: int, share: float) -> int:
    """Run, print a line a minute, and give the exit code."""
    run = Soak(engine, seed, share)
    rest_mb: list[float] = []
    peak_mb: list[float] = []
    began_s = time.monotonic()
    print("minute  at rest MB  peak MB  calls  output tokens  engine CPU s", flush=True)
    while (passed_s := time.monotonic() - began_s) < minutes * 60:
        await run.keep_busy(60)
        minute = round(passed_s / 60) + 1
        rest_mb.append(engine.memory_mb())
        peak_mb.append(run.peak_mb)
        figures = f"{rest_mb[-1]:>10.1f}  {peak_mb[-1]:>7.1f}  {run.ends.total():>5}  {run.output_tokens:>13}"
        print(f"{minute:>6}  {figures}  {engine.cpu_s():>12.0f}", flush=True)
    print(f"\nends: {dict(run.ends.most_common())}")
    for reason, count in run.reasons.most_common(20):
        print(f"  {count} x {reason}")
    grown = {"at rest": growth(rest_mb), "at its peaks": growth(peak_mb)}
    for when, share_grown in grown.items():
        print(f"memory {when}: {share_grown:+.1%} after the warm-up (limit {LIMIT_GROWTH:.0%})")
    faults = run.ends["no end"] + run.ends["connection lost"]
    return 0 if engine.is_alive and not faults and max(grown.values()) <= LIMIT_GROWTH else 1


def main() -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=120)
    parser.add_argument("--share", type=float, default=1.0, help="how much of a core the engine may take")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--model", type=Path, default=SEEDLING_FOLDER)
    options = parser.parse_args()
    with running_engine(options.model) as engine:
        return asyncio.run(soak(engine, options.minutes, options.seed, options.share))


if __name__ == "__main__":
    sys.exit(main())
