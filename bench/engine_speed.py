"""Engine speed: measures the built-in engine as it is served, over its socket, against its gates.

`python bench/engine_speed.py [--model FOLDER] [--calls 16] [--tokens 256] [--json]`. Speeds count by the processor time
that the engine took, the best of several runs, for other programs on the machine slow even that down; the times on the
clock stand beside them.
"""

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path
from typing import NamedTuple

from engine_process import Client, EngineProcess, running_engine

from setaria.adapters.upstreams.local.frames import Cancel, Count, Counted, Done, Generate, Piece, Ping, encode_frame
from setaria.bootstrap.catalog import SEEDLING, SEEDLING_FOLDER
from setaria.core.dialogue import Dialogue, Message, Sampling, Text

WITHIN_S = 600.0
FIRST_TOKEN_PROMPT = 500
FIRST_TOKEN_CALLS = 20
ROUNDS = 5
LONG_CALLS = 128
LONG_PROMPT = 7_900
LONG_S = 40.0
END_IDS = (0, 1, 2)


class Figure(NamedTuple):
    """One line of the table; `on_the_clock` is the same by wall time."""

    title: str
    value: float
    on_the_clock: float | None
    gate: float
    more_is_better: bool = False

    @property
    def passed(self) -> bool:
        """Whether the gate holds."""
        return self.value >= self.gate if self.more_is_better else self.value <= self.gate

    def line(self) -> str:
        """Write it as a line."""
        sign = ">=" if self.more_is_better else "<="
        clock = "" if self.on_the_clock is None else f"{self.on_the_clock:.1f}"
        verdict = "pass" if self.passed else "FAIL"
        return f"{self.title:<56} {self.value:>9.1f} {clock:>10} {sign:>4} {self.gate:>7.1f}  {verdict}"


class Bench:
    """The measurements, on one engine process."""

    def __init__(self, engine: EngineProcess, client: Client) -> None:
        self._engine = engine
        self._client = client
        self._number = 0
        self._words_per_token = 0.5

    async def count_words(self) -> None:
        """Find out how many words of a prompt make a token."""
        asked = self._ask_id()
        self._client.ask(Count(asked, SEEDLING, make_dialogue("count", 1_000, 1)))
        for _, tell in await self._client.answer(asked, WITHIN_S):
            if isinstance(tell, Counted):
                self._words_per_token = 1_000 / tell.input_tokens

    async def first_token(self) -> tuple[float, float]:
        """Give the least milliseconds from the ask to the first token: processor time, and on the clock."""
        waits_s, busy_s = [], []
        for call in range(FIRST_TOKEN_CALLS):
            asked = self._generate(f"first {call}", FIRST_TOKEN_PROMPT, 1)
            began_s, sent_s = self._engine.cpu_s(), time.perf_counter()
            told = await self._client.answer(asked, WITHIN_S)
            waits_s.append(next(at for at, tell in told if isinstance(tell, Piece | Done)) - sent_s)
            busy_s.append(self._engine.cpu_s() - began_s)
        return min(busy_s) * 1_000, min(waits_s) * 1_000

    async def together(self, calls: int, tokens: int) -> tuple[float, float]:
        """Give the tokens per second of calls that run together, by processor time and on the clock."""
        began_s, began_cpu_s = time.perf_counter(), self._engine.cpu_s()
        asked = [self._generate(f"together {call}", 60, tokens) for call in range(calls)]
        told = [await self._client.answer(one, WITHIN_S) for one in asked]
        written = sum(tell.output_tokens for each in told for _, tell in each if isinstance(tell, Done))
        busy_s = self._engine.cpu_s() - began_cpu_s
        return written / busy_s, written / (time.perf_counter() - began_s)

    async def long_prompts(self) -> float:
        """Give the most memory, in MB, while as many calls as may wait do so, each with as long a prompt as may be."""
        asked = [self._generate(f"long {call}", LONG_PROMPT, 64) for call in range(LONG_CALLS)]
        peak_mb, until_s = 0.0, self._engine.cpu_s() + LONG_S
        while self._engine.cpu_s() < until_s and not all(self._client.ended[one].is_set() for one in asked):
            peak_mb = max(peak_mb, self._engine.memory_mb())
            await asyncio.sleep(0.01)
        if not self._client.is_open:
            raise ConnectionError("the engine ended while its prompts were waiting")
        for one in asked:
            self._client.send(encode_frame(Cancel(one)))
            self._client.forget(one)
        return peak_mb

    def _generate(self, name: str, prompt_tokens: int, output_tokens: int) -> str:
        asked = self._ask_id()
        words = int(prompt_tokens * self._words_per_token)
        self._client.ask(Generate(asked, SEEDLING, make_dialogue(name, words, output_tokens)))
        return asked

    def _ask_id(self) -> str:
        self._number += 1
        return str(self._number)


def make_dialogue(name: str, words: int, output_tokens: int) -> Dialogue:
    """Make a dialogue whose prompt is like no other's from its beginning, and whose answer goes to its limit."""
    text = f"{name}: " + " ".join(f"{name[::-1]} the river" for _ in range(words // 3))
    never_ends = tuple((token, -100.0) for token in END_IDS)
    sampling = Sampling(1.0, 1.0, seed=1, logit_bias=never_ends)
    return Dialogue(
        (Message("user", (Text(text),)),), thinking=False, max_output_tokens=output_tokens, sampling=sampling
    )


async def measure(folder: Path, calls: int, tokens: int) -> list[Figure]:
    """Measure one model folder, in one engine process."""
    with running_engine(folder) as engine:
        began_s = time.perf_counter()
        client = await Client.connect(engine.door)
        client.ask(Ping("load", SEEDLING))
        await client.answer("load", WITHIN_S)
        loaded_s, loaded_cpu_s, loaded_mb = time.perf_counter() - began_s, engine.cpu_s(), engine.memory_mb()
        bench = Bench(engine, client)
        await bench.count_words()
        first_ms = await bench.first_token()
        rates = [await bench.together(calls, tokens) for _ in range(ROUNDS)]
        used_mb = engine.memory_mb()
        long_mb = await bench.long_prompts()
        await client.close()
    return [
        Figure("cold load, from nothing, s", loaded_cpu_s, loaded_s, 1.5),
        Figure(f"first token of a prompt of {FIRST_TOKEN_PROMPT} tokens, ms", *first_ms, 100),
        Figure(
            f"{calls} calls together, tokens/s on one core",
            max(rate for rate, _ in rates),
            max(rate for _, rate in rates),
            2_000,
            more_is_better=True,
        ),
        Figure("memory after the load, MB", loaded_mb, None, 150),
        Figure("memory after these calls, MB", used_mb, None, 150),
        Figure(f"most memory with {LONG_CALLS} prompts of {LONG_PROMPT} tokens, MB", long_mb, None, 150),
    ]


def main() -> int:
    """Read the command line, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=SEEDLING_FOLDER)
    parser.add_argument("--calls", type=int, default=16)
    parser.add_argument("--tokens", type=int, default=256)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = asyncio.run(measure(options.model, options.calls, options.tokens))
    if options.json:
        print(json.dumps([figure._asdict() for figure in figures]))
    else:
        print(f"{'':<56} {'by CPU':>9} {'by clock':>10} {'gate':>12}")
        print("\n".join(figure.line() for figure in figures))
    return 0 if all(figure.passed for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
