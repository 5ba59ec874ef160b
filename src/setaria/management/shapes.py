"""Shapes: what accounts, keys, calls, usage and models look like as JSON, wherever they are shown.

Ids come first, moments are ISO 8601 in UTC, amounts of money decimal strings with their currency, tokens integers.
"""

from typing import Literal

import msgspec

from setaria.core.clock import iso_from_ms
from setaria.core.entries import LOCAL, ThinkingStyle, UpstreamEntry
from setaria.core.money import decimal_from_millicredits, decimal_from_nano
from setaria.domain.accounts.records import Account, Key
from setaria.domain.catalog.added import Fixed
from setaria.domain.catalog.model import Deployment, Model
from setaria.domain.ledger.records import CallRow, UsageRow
from setaria.management.usage import UsageReport


class AccountShape(msgspec.Struct, frozen=True):
    """An account."""

    id: str
    name: str
    status: str
    email: str
    billing: str
    created_at: str


class NewKeyShape(msgspec.Struct, frozen=True):
    """A key just made; `key` is its text, `account` the account's id."""

    id: str
    name: str
    account: str
    lane: str
    key: str
    created_at: str


class KeyShape(msgspec.Struct, frozen=True):
    """A key as it is kept; a moment is null where nothing happened or will, a list empty where nothing is excluded.

    `cap` is what may be spent with it in a month, null for no cap; `subscription` is empty but for a plan's key.
    """

    id: str
    name: str
    account: str
    lane: str
    last4: str
    created_at: str
    revoked_at: str | None
    expires_at: str | None
    disabled_at: str | None
    last_used_at: str | None
    models: tuple[str, ...]
    networks: tuple[str, ...]
    cap: str | None
    currency: str
    subscription: str


class CallShape(msgspec.Struct, frozen=True):
    """A call; `account` and `key` are ids, the three kinds of input tokens are disjoint.

    `cost` is what was paid in money, `credits` what a plan paid.
    """

    id: str
    at: str
    account: str
    key: str
    model: str
    protocol: str
    upstream: str
    stream: bool
    status: int
    ending: str
    counts_from: str
    input_tokens: int
    cached_input_tokens: int
    cache_write_tokens: int
    output_tokens: int
    reasoning_tokens: int
    lane: str
    cost: str
    currency: str
    credits: str
    audio_seconds: int
    searches: int
    first_token_ms: int | None
    duration_ms: int
    attempts: int
    account_name: str
    key_name: str


class UsageRowShape(msgspec.Struct, frozen=True):
    """Sums over calls; `id` is the day, the model or the key's id."""

    id: str
    name: str
    calls: int
    input_tokens: int
    cached_input_tokens: int
    cache_write_tokens: int
    output_tokens: int
    reasoning_tokens: int
    cost: str
    currency: str
    credits: str
    audio_seconds: int
    searches: int


class UsageShape(msgspec.Struct, frozen=True, rename={"begin": "from", "end": "to"}):
    """A usage report; `to` is the first moment that is not in it."""

    begin: str
    end: str
    group_by: str
    rows: list[UsageRowShape]
    total: UsageRowShape


Source = Literal["file", "database", "built-in"]


class DeploymentShape(msgspec.Struct, frozen=True):
    """One place where a model is served."""

    upstream: str
    model: str
    weight: int
    thinking_style: ThinkingStyle


class UpstreamShape(msgspec.Struct, frozen=True):
    """A model server; of headers only the names, of the key only where it is; `source` says who added it."""

    id: str
    kind: str
    base_url: str
    api_key_env: str
    api_key_file: str
    headers: list[str]
    pass_fields: tuple[str, ...]
    concurrency: int
    ca_file: str
    source: Source


class ModelShape(msgspec.Struct, frozen=True):
    """A model as callers may name it, and where it is served; `thinking` counts where the caller does not say."""

    id: str
    name: str
    description: str
    aliases: tuple[str, ...]
    context_tokens: int
    output_tokens: int
    capabilities: list[str]
    thinking: Literal["enabled", "disabled"]
    upstreams: list[str]
    deployments: list[DeploymentShape]
    source: Source


def shape_account(account: Account) -> AccountShape:
    """Shape an account."""
    created_at = iso_from_ms(account.created_at_ms)
    return AccountShape(account.id, account.name, account.status, account.email, account.billing, created_at)


def shape_new_key(key: Key, text: str) -> NewKeyShape:
    """Shape a key just made, with its text."""
    return NewKeyShape(key.id, key.name, key.account_id, key.lane, text, iso_from_ms(key.created_at_ms))


def shape_key(key: Key, currency: str) -> KeyShape:
    """Shape a key as it is kept."""
    return KeyShape(
        id=key.id,
        name=key.name,
        account=key.account_id,
        lane=key.lane,
        last4=key.last4,
        created_at=iso_from_ms(key.created_at_ms),
        revoked_at=_moment(key.revoked_at_ms),
        expires_at=_moment(key.expires_at_ms),
        disabled_at=_moment(key.disabled_at_ms),
        last_used_at=_moment(key.last_used_at_ms),
        models=key.rules.models,
        networks=key.rules.networks,
        cap=None if key.rules.cap_nano is None else decimal_from_nano(key.rules.cap_nano),
        currency=currency,
        subscription=key.subscription_id,
    )


def shape_call(row: CallRow, currency: str) -> CallShape:
    """Shape a call."""
    call = row.call
    return CallShape(
        id=call.id,
        at=iso_from_ms(call.at_ms),
        account=call.account_id,
        key=call.key_id,
        model=call.model,
        protocol=call.protocol,
        upstream=call.upstream,
        stream=call.stream,
        status=call.status,
        ending=call.ending,
        counts_from=call.counts_from,
        input_tokens=call.usage.input_tokens,
        cached_input_tokens=call.usage.cached_input_tokens,
        cache_write_tokens=call.usage.cache_write_tokens,
        output_tokens=call.usage.output_tokens,
        reasoning_tokens=call.usage.reasoning_tokens,
        audio_seconds=call.usage.audio_seconds,
        searches=call.usage.searches,
        lane=call.lane,
        cost=decimal_from_nano(call.charge_nano),
        currency=currency,
        credits=decimal_from_millicredits(call.charge_millicredits),
        first_token_ms=call.first_token_ms,
        duration_ms=call.duration_ms,
        attempts=call.attempts,
        account_name=row.account_name,
        key_name=row.key_name,
    )


def shape_usage(report: UsageReport, currency: str) -> UsageShape:
    """Shape a usage report."""
    return UsageShape(
        begin=iso_from_ms(report.period.from_ms),
        end=iso_from_ms(report.period.to_ms),
        group_by=report.group_by,
        rows=[_shape_usage_row(row, currency) for row in report.rows],
        total=_shape_usage_row(report.total, currency),
    )


def shape_upstream(upstream: UpstreamEntry, fixed: Fixed) -> UpstreamShape:
    """Shape an upstream."""
    source: Source = "built-in" if upstream.name == LOCAL else "database"
    if upstream in fixed.declared.upstreams:
        source = "file"
    return UpstreamShape(
        id=upstream.name,
        kind=upstream.kind,
        base_url=upstream.base_url,
        api_key_env=upstream.api_key_env,
        api_key_file=upstream.api_key_file,
        headers=[*upstream.headers],
        pass_fields=upstream.pass_fields,
        concurrency=upstream.concurrency,
        ca_file=upstream.ca_file,
        source=source,
    )


def shape_deployment(deployment: Deployment) -> DeploymentShape:
    """Show one place where a model is served."""
    return DeploymentShape(deployment.upstream, deployment.model, deployment.weight, deployment.thinking_style)


def shape_model(model: Model, fixed: Fixed) -> ModelShape:
    """Shape a model."""
    source: Source = "built-in" if model.id in fixed.built_in else "database"
    if model.id in {entry.id for entry in fixed.declared.models}:
        source = "file"
    return ModelShape(
        id=model.id,
        name=model.display_name,
        description=model.description,
        aliases=model.aliases,
        context_tokens=model.traits.context_tokens,
        output_tokens=model.traits.max_output_tokens,
        capabilities=sorted(model.traits.capabilities),
        thinking="enabled" if model.traits.thinking_default and "thinking" in model.traits.capabilities else "disabled",
        upstreams=[deployment.upstream for deployment in model.deployments],
        deployments=[shape_deployment(deployment) for deployment in model.deployments],
        source=source,
    )


def _shape_usage_row(row: UsageRow, currency: str) -> UsageRowShape:
    return UsageRowShape(
        id=row.group,
        name=row.name,
        calls=row.calls,
        input_tokens=row.usage.input_tokens,
        cached_input_tokens=row.usage.cached_input_tokens,
        cache_write_tokens=row.usage.cache_write_tokens,
        output_tokens=row.usage.output_tokens,
        reasoning_tokens=row.usage.reasoning_tokens,
        audio_seconds=row.usage.audio_seconds,
        searches=row.usage.searches,
        cost=decimal_from_nano(row.charge_nano),
        currency=currency,
        credits=decimal_from_millicredits(row.charge_millicredits),
    )


def _moment(at_ms: int | None) -> str | None:
    return None if at_ms is None else iso_from_ms(at_ms)
