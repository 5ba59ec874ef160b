"""Visitor: one client, good or bad, that visits again and again until it is told to stop."""

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from tests.soak.menu import KINDS, MENU
from tests.soak.tally import Tally
from tests.soak.wire import Call, find_flaw, read_body, read_head

DEADLINE_S = 60.0  # twenty times what the longest takes: a busy machine is no hang
READ_LIMIT_BYTES = 64 * 1024
CALLS_ON_A_CONNECTION = 10

Visit = Callable[["Visitor", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Visitor:
    """Visits, each time in a way that it draws."""

    def __init__(self, base_url: str, key: str, tally: Tally, seed: int) -> None:
        self._host, self._port = urlsplit(base_url).hostname, urlsplit(base_url).port
        self.key = key
        self.tally = tally
        self.draw = random.Random(seed)
        self.server_ends = False

    async def visit_until(self, stopped: asyncio.Event) -> None:
        """Visit until told to stop, or until a server that ends takes no more connections."""
        ways = [*VISITS]
        weights = [weight for _, weight in VISITS.values()]
        while not stopped.is_set():
            name = self.draw.choices(ways, weights)[0]
            try:
                async with asyncio.timeout(DEADLINE_S * CALLS_ON_A_CONNECTION):
                    await self._visit(VISITS[name][0])
            except TimeoutError:
                self.tally.find(name, "hung")
            except (ConnectionError, asyncio.IncompleteReadError) as error:
                if self.server_ends and not getattr(error, "partial", b""):
                    return
                self.tally.find(name, repr(error)[:200])
            self.tally.visits[name] += 1

    def choose(self) -> Call:
        """Draw a call."""
        dish = self.draw.choices(MENU, [each.weight for each in MENU])[0]
        kind, _ = self.draw.choice(KINDS)
        return Call(self.draw.choice(("chat", "messages")), f"{dish.name}-{kind}", self.draw.random() < 0.7)

    async def take(self, call: Call, reader: asyncio.StreamReader) -> bool:
        """Read an answer to its end; gives whether the connection stays."""
        began_s = time.monotonic()
        async with asyncio.timeout(DEADLINE_S):
            head = await read_head(reader)
            self.tally.hear(head.call_id, head.status)
            body = await read_body(reader, head)
        flaw = find_flaw(call, head, body)
        if flaw:
            self.tally.find(f"{head.call_id} {call}", flaw)
        self.tally.slowest = max(self.tally.slowest, (time.monotonic() - began_s, call.model))
        return not head.closes

    async def _visit(self, visit: Visit) -> None:
        reader, writer = await asyncio.open_connection(self._host, self._port, limit=READ_LIMIT_BYTES)
        try:
            await visit(self, reader, writer)
        finally:
            writer.close()


async def _read_all(visitor: Visitor, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Make calls one after another."""
    for _ in range(CALLS_ON_A_CONNECTION):
        call = visitor.choose()
        writer.write(call.write(visitor.key))
        if not await visitor.take(call, reader):
            return


async def _send_at_once(visitor: Visitor, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send several calls before the first answer."""
    calls = [visitor.choose() for _ in range(3)]
    writer.write(b"".join(call.write(visitor.key) for call in calls))
    for call in calls:
        if not await visitor.take(call, reader):
            return


async def _send_chunks(visitor: Visitor, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send a body in chunks, in two pieces."""
    call = visitor.choose()
    request = call.write_chunked(visitor.key)
    at = visitor.draw.randrange(1, len(request))
    writer.write(request[:at])
    await asyncio.sleep(visitor.draw.random() / 50)
    writer.write(request[at:])
    await visitor.take(call, reader)


async def _wait_for_continue(visitor: Visitor, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send the body when told to go on."""
    call = visitor.choose()
    writer.write(call.head(visitor.key, f"content-length: {len(call.body)}\r\nexpect: 100-continue"))
    await reader.readuntil(b"HTTP/1.1 100 Continue\r\n\r\n")
    writer.write(call.body)
    await visitor.take(call, reader)


async def _close_half(visitor: Visitor, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send no more after the request, and read on."""
    call = visitor.choose()
    writer.write(call.write(visitor.key))
    writer.write_eof()
    await visitor.take(call, reader)


async def _read_slowly(visitor: Visitor, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read a long answer with a pause in it."""
    call = Call("chat", "huge-openai", stream=visitor.draw.random() < 0.5)
    writer.write(call.write(visitor.key))
    head = await read_head(reader)
    writer.transport.pause_reading()  # type: ignore[attr-defined]  # asyncio's write transport of TCP reads too
    await asyncio.sleep(1)
    writer.transport.resume_reading()  # type: ignore[attr-defined]  # as above
    visitor.tally.hear(head.call_id, head.status)
    await read_body(reader, head)


async def _leave_at_once(visitor: Visitor, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Leave when the request is sent, or a moment later."""
    writer.write(visitor.choose().write(visitor.key))
    visitor.tally.unheard += 1
    await asyncio.sleep(visitor.draw.random() / 20)


async def _leave_in_the_answer(visitor: Visitor, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Leave somewhere in the answer."""
    writer.write(visitor.choose().write(visitor.key))
    head = await read_head(reader)
    visitor.tally.hear(head.call_id, head.status)
    await reader.read(visitor.draw.randrange(1, 2000))
    await asyncio.sleep(visitor.draw.random() / 5)


async def _leave_in_the_body(visitor: Visitor, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Leave before the request is whole."""
    request = visitor.choose().write(visitor.key)
    writer.write(request[: visitor.draw.randrange(len(request))])
    await asyncio.sleep(visitor.draw.random() / 20)


async def _send_garbage(visitor: Visitor, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send bytes that are no request."""
    writer.write(visitor.draw.randbytes(visitor.draw.randrange(1, 3000)) + b"\r\n\r\n")
    with contextlib.suppress(ConnectionError):
        await reader.read()


async def _be_refused(visitor: Visitor, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Come with a bad key, for a model that is not there, or with a body that is none."""
    call, key = visitor.choose(), visitor.key
    match visitor.draw.randrange(3):
        case 0:
            key += "x"
        case 1:
            call = call._replace(model="nothing")
        case _:
            call = call._replace(model="")
    writer.write(call.write(key))
    head = await read_head(reader)
    visitor.tally.hear(head.call_id, head.status)
    if head.status not in (400, 401, 404):
        visitor.tally.find(head.call_id, f"status {head.status} where it must be refused")
    await read_body(reader, head)


async def _say_nothing(visitor: Visitor, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Connect and wait."""
    await asyncio.sleep(1)


VISITS: dict[str, tuple[Visit, int]] = {
    "read": (_read_all, 30),
    "pipelined": (_send_at_once, 5),
    "chunked": (_send_chunks, 6),
    "continue": (_wait_for_continue, 5),
    "half-closed": (_close_half, 5),
    "slow reader": (_read_slowly, 2),
    "left at once": (_leave_at_once, 10),
    "left in the answer": (_leave_in_the_answer, 15),
    "left in the body": (_leave_in_the_body, 6),
    "garbage": (_send_garbage, 4),
    "refused": (_be_refused, 6),
    "idle": (_say_nothing, 3),
}
