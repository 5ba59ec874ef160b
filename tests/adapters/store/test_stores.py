"""Contract of the data plane's stores: the same promises on SQLite and on PostgreSQL."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from setaria.adapters.store.control.store import ControlStore
from setaria.core.ids import AccountId, CallId
from setaria.core.usage import Usage
from setaria.domain.accounts.records import Account, Caller, KeyUse
from setaria.domain.ledger.records import CallRow, Outcome
from tests.adapters.store.samples import (
    ACCOUNT,
    KEY,
    add_account_and_key,
    ids_of,
    kept_ids,
    make_call,
    opened,
    read_rows,
)

ROOT = Path(__file__).parents[3]


def start_writing(url: str, calls: int) -> subprocess.Popen[str]:
    """Start a process that records calls and prints the ids of those that are durable."""
    command = [sys.executable, "-m", "tests.adapters.store.writing_process", url, str(calls)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_a_recorded_call_is_read_back_whole(url: str, control: ControlStore) -> None:
    """Every field comes back as it was given, with the names of account and key."""
    add_account_and_key(control)
    call = make_call(first_token_ms=None, stream=False, ending="client_gone", charge_nano=2**62)

    async def run() -> None:
        async with opened(url) as store:
            await store.record(call)

    asyncio.run(run())
    with control.read() as books:
        assert [CallRow(call, "default", "first")] == books.list_calls(None, 10)


def test_a_call_is_recorded_once(url: str, control: ControlStore) -> None:
    """The same call id again, in the same batch or a later one, changes nothing and is no error."""
    call = make_call()
    again = msgspec.structs.replace(call, usage=Usage(1, 1, 1, 1, 1))

    async def run() -> None:
        async with opened(url) as store:
            await asyncio.gather(store.record(call), store.record(again))
            await store.record(again)

    asyncio.run(run())
    with control.read() as books:
        assert [call] == [row.call for row in books.list_calls(None, 10)]


def test_many_calls_at_once_are_durable(url: str) -> None:
    """Two hundred calls recorded at the same moment are all there when the store is opened anew."""
    calls = [make_call() for _ in range(200)]

    async def run() -> None:
        async with opened(url) as store:
            await asyncio.gather(*map(store.record, calls))

    asyncio.run(run())
    assert ids_of(calls) == kept_ids(url)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"charge_nano": 2**63}, id="number too large"),
        pytest.param({"model": "\ud800"}, id="text that is no text"),
        pytest.param({"model": None}, id="nothing where something must be"),
    ],
)
def test_a_poison_row_harms_nobody_else(url: str, changes: dict[str, Any]) -> None:
    """A row that the database does not take goes to quarantine alone, whole, and its id is told."""
    calls = [make_call() for _ in range(9)]
    poison = make_call(**changes)
    refused: list[CallId] = []

    async def run() -> list[Outcome | BaseException]:
        async with opened(url, refused) as store:
            batch = [*calls[:5], poison, *calls[5:]]
            return await asyncio.gather(*map(store.record, batch), return_exceptions=True)

    outcomes = asyncio.run(run())
    assert outcomes == ["written"] * 5 + ["quarantined"] + ["written"] * 4
    assert [poison.id] == refused
    ((call_id, reason, entry),) = read_rows(url, "SELECT call_id, reason, entry FROM quarantine")
    assert (poison.id, 345) == (call_id, json.loads(str(entry))["call"]["duration_ms"])
    assert reason
    assert ids_of(calls) == kept_ids(url)


def test_a_caller_who_leaves_is_recorded_all_the_same(url: str) -> None:
    """A call whose task is cancelled while it waits is written, and those beside it too."""
    calls = [make_call() for _ in range(3)]

    async def run() -> None:
        async with opened(url) as store:
            tasks = [asyncio.ensure_future(store.record(call)) for call in calls]
            await asyncio.sleep(0)
            tasks[0].cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(run())
    assert ids_of(calls) == kept_ids(url)


def test_a_key_is_found_until_it_is_revoked(url: str, control: ControlStore) -> None:
    """A good key gives its caller, an unknown one nobody; revoking hides it and counts up the change counter."""
    add_account_and_key(control)

    async def run() -> None:
        async with opened(url) as store:
            assert Caller(ACCOUNT.id, "active", KEY.id, "payg") == await store.find_caller(KEY.digest)
            assert None is await store.find_caller(b"e" * 32)
            counter = await store.read_change_counter()
            await asyncio.to_thread(revoke)
            assert None is await store.find_caller(KEY.digest)
            assert counter + 1 == await store.read_change_counter()

    def revoke() -> None:
        with control.begin() as books:
            books.change_key(msgspec.structs.replace(KEY, revoked_at_ms=5))

    asyncio.run(run())


def test_the_last_use_of_a_key_is_kept(url: str, control: ControlStore) -> None:
    """The latest counts, in whatever order they come; only the account's own key is touched."""
    add_account_and_key(control)

    async def run() -> None:
        async with opened(url) as store:
            await store.note_key_uses([KeyUse(ACCOUNT.id, KEY.id, 5), KeyUse(AccountId("acct_2"), KEY.id, 9)])
            await store.note_key_uses([KeyUse(ACCOUNT.id, KEY.id, 4)])

    asyncio.run(run())
    with control.read() as books:
        assert msgspec.structs.replace(KEY, last_used_at_ms=5) == books.find_key(KEY.id)


def test_a_suspended_account_is_told(url: str, control: ControlStore) -> None:
    """The caller carries the state of the account."""
    with control.begin() as books:
        books.add_account(Account(ACCOUNT.id, "default", "suspended", 1))
        books.add_key(KEY)

    async def run() -> None:
        async with opened(url) as store:
            caller = await store.find_caller(KEY.digest)
            assert caller is not None
            assert caller.account_status == "suspended"

    asyncio.run(run())


def test_a_healthy_store_finds_nothing_wrong(url: str) -> None:
    """The check of a store that works says nothing, and changes nothing that others look at."""

    async def run() -> tuple[str, int]:
        async with opened(url) as store:
            return await store.check(), await store.read_change_counter()

    assert asyncio.run(run()) == ("", 0)


def test_no_acknowledged_call_is_lost_by_a_kill(url: str) -> None:
    """A process killed while it writes loses none of the calls it had acknowledged."""
    with start_writing(url, 1_000_000) as process:
        assert process.stdout is not None
        acknowledged = [process.stdout.readline() for _ in range(300)]
        process.kill()
        acknowledged += process.stdout.readlines()
    assert set() == {line.strip() for line in acknowledged} - kept_ids(url)


def test_two_processes_write_to_one_database(url: str) -> None:
    """Two processes at once write all their calls, without an error."""
    processes = [start_writing(url, 800) for _ in range(2)]
    acknowledged = [process.communicate()[0].split() for process in processes]
    assert [(p.returncode, len(ids)) for p, ids in zip(processes, acknowledged, strict=True)] == [(0, 800), (0, 800)]
    assert {call_id for ids in acknowledged for call_id in ids} == kept_ids(url)
