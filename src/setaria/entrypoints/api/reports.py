"""Reports: what programs ask about the account whose key they have: a call's receipt, the balance, usage, quota.

They cost nothing and are outside the account's limits, but not without bounds: 600 a minute and key.
"""

import re
from typing import Protocol
from urllib.parse import parse_qs

import msgspec

from setaria.core.errors import InvalidRequest, NotFound
from setaria.domain.ledger.ports import Reports
from setaria.domain.ledger.purses import balance_of
from setaria.domain.ledger.records import GroupBy
from setaria.domain.plans.ports import PlanDirectory
from setaria.gateway.addresses import PROTOCOL_PATHS
from setaria.gateway.authenticate import authenticate, one_credential
from setaria.gateway.count import take_one
from setaria.gateway.platform import Platform
from setaria.gateway.stages import Identified, Received
from setaria.management.money_shapes import shape_balance
from setaria.management.plan_shapes import shape_quota
from setaria.management.plan_statement import state_plan
from setaria.management.receipt_shapes import shape_receipt
from setaria.management.shapes import shape_usage
from setaria.management.usage import make_report, read_period

_CALL_ID = re.compile("[0-9a-f]{32}")
_GROUPS: dict[str, GroupBy] = {"day": "day", "model": "model", "key": "key"}
_SHOWN = 40
_LAST = 4
_encode = msgspec.json.Encoder().encode


class PlanReports(Reports, PlanDirectory, Protocol):
    """What is asked about accounts and their plans."""


class ReportPages:
    """Answers the routes of calls, balance, usage and quota."""

    def __init__(self, platform: Platform, reports: PlanReports) -> None:
        self._platform = platform
        self._reports = reports

    async def show_call(self, received: Received, call_id: str) -> bytes:
        """Write the receipt of a call.

        Raises: NotFound when the account has no such call; Limited; as `authenticate` does.
        """
        account_id = (await self._identify(received)).caller.account_id
        found = await self._reports.find_receipt(account_id, call_id) if _CALL_ID.fullmatch(call_id) else None
        if found is None:
            raise NotFound(
                f"this account has no call {call_id[:_SHOWN]!r}; its id is in the answer's header x-request-id, and it "
                "is on the books when it has ended"
            )
        tariffs = self._platform.tariffs
        return _encode(shape_receipt(found, tariffs.find_version(found.row.call.price_id), tariffs.currency))

    async def show_balance(self, received: Received) -> bytes:
        """Write what the account has.

        Raises: Limited; as `authenticate` does.
        """
        account_id = (await self._identify(received)).caller.account_id
        purses = await self._reports.read_purses(account_id)
        return _encode(shape_balance(balance_of(purses, received.at_ms), self._platform.tariffs.currency))

    async def show_usage(self, received: Received, query: bytes) -> bytes:
        """Write the sums of the account's calls.

        Takes: query, of the request's target: `group_by` (day, model or key), `from` and `to`.
        Raises: InvalidRequest, which names the field; Limited; as `authenticate` does.
        """
        account_id = (await self._identify(received)).caller.account_id
        given = {name: values[-1] for name, values in parse_qs(query.decode("latin-1")).items()}
        group_by = _GROUPS.get(given.get("group_by", "day"))
        if group_by is None:
            shown = given["group_by"][:_SHOWN]
            raise InvalidRequest(f"group_by is {shown!r}; allowed: day, model, key", param="group_by")
        period = read_period(given.get("from"), given.get("to"), received.at_ms)
        rows = await self._reports.sum_usage(account_id, group_by, period.from_ms, period.to_ms)
        return _encode(shape_usage(make_report(group_by, period, rows), self._platform.tariffs.currency))

    async def show_quota(self, received: Received) -> bytes:
        """Write what the key's plan has left, in all and in each window.

        Raises: NotFound when there is no plan behind the key; Limited; as `authenticate` does.
        """
        identified = await self._identify(received)
        caller, at_ms = identified.caller, received.at_ms
        held = await self._reports.find_subscription(caller.subscription_id)
        if held is None:
            raise NotFound("there is no plan behind this key")
        since_ms = (held.term_at(at_ms) or held.last).starts_at_ms
        purses = await self._reports.read_credits(caller.account_id, since_ms)
        addresses = self._platform.addresses
        base_urls = {name: addresses.base_url("plan", name) for name in PROTOCOL_PATHS}
        return _encode(
            shape_quota(state_plan(held, purses, (), at_ms), one_credential(received.credentials)[-_LAST:], base_urls)
        )

    async def _identify(self, received: Received) -> Identified:
        identified = await authenticate(received, self._platform)
        await take_one("reports", identified.caller, self._platform.desk)
        return identified
