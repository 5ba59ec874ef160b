"""Trial: makes a real call at an upstream, and says in plain words what is wrong and how to mend it."""

import asyncio
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path

from setaria.adapters.upstreams.http.upstream import TICK_S
from setaria.adapters.upstreams.local.upstream import LocalUpstream
from setaria.bootstrap.catalog import SEEDLING
from setaria.bootstrap.doctor import Finding
from setaria.bootstrap.handover import ENGINE_DOOR
from setaria.bootstrap.listing import Listing, ask_for_models
from setaria.bootstrap.model_folder import check_model_folder
from setaria.bootstrap.upstreams import HttpUpstreams
from setaria.config import Settings, read_api_key, runtime_folder
from setaria.core.clock import SystemClock
from setaria.core.dialogue import Dialogue, Message, Sampling, Text
from setaria.core.entries import UpstreamEntry, doubt_base_url
from setaria.core.errors import Misconfigured, NotFound, SetariaError, UnknownModel, UpstreamError
from setaria.core.events import Event, Finish, ReasoningDelta, Saying, TextDelta, UsageReport
from setaria.core.ids import new_call_id
from setaria.core.usage import Usage
from setaria.domain.catalog.model import Catalog, Deployment
from setaria.domain.routing.ports import Failure, ModelRequest, Upstream
from setaria.wire.mould import Mould
from setaria.wire.shortcut import Shortcut
from setaria.wire.upstream_codec import Manner

_WITHIN_S = 60.0
_QUESTION = "Say hello."
_MAX_OUTPUT_TOKENS = 64
_MAX_SHOWN = 10


class _Answer:
    """A sink that waits for an answer's end."""

    def __init__(self) -> None:
        self.over: asyncio.Future[Usage | None] = asyncio.get_running_loop().create_future()
        self.first_s: float | None = None
        self.shortcut = Shortcut()

    def receive(self, events: Sequence[Event]) -> None:
        """Take events."""
        if self.first_s is None and any(isinstance(each, TextDelta | ReasoningDelta | Finish) for each in events):
            self.first_s = asyncio.get_running_loop().time()
        for each in events:
            if isinstance(each, UsageReport) and not self.over.done():
                self.over.set_result(each.usage)

    def follow(self, mould: Mould, like: Saying) -> None:
        """Do nothing: all is to be told."""

    def fail(self, error: Failure) -> None:
        """Take the error."""
        if not self.over.done():
            self.over.set_exception(error)


def try_upstream(settings: Settings, catalog: Catalog, upstream: UpstreamEntry, model: str | None) -> list[Finding]:
    """Try an upstream with a real call.

    Takes: model, the name there of the one to ask; None for the first that the catalog has there, or the server lists.
    Gives: a finding for each step up to the first that fails.
    """
    there = [each for one in catalog.models for each in one.deployments if each.upstream == upstream.name]
    chosen = there[0] if there else None
    if model is not None:
        chosen = next((each for each in there if each.model == model), Deployment(upstream.name, model))
    return _try(settings, upstream, chosen)


def try_model(settings: Settings, catalog: Catalog, name: str) -> list[Finding]:
    """Try all deployments of a model with a real call each.

    Raises: NotFound when there is no such model.
    """
    try:
        model = catalog.find(name)
    except UnknownModel as error:
        raise NotFound(error.message) from None
    return [finding for each in model.deployments for finding in _try(settings, catalog.upstreams[each.upstream], each)]


def _try(settings: Settings, upstream: UpstreamEntry, deployment: Deployment | None) -> list[Finding]:
    if upstream.kind != "local":
        return asyncio.run(_try_server(upstream, deployment))
    chosen = deployment or Deployment(upstream.name, SEEDLING)
    if "/" in chosen.model and (problems := check_model_folder(Path(chosen.model))):
        says = f"{chosen.model}: {'; '.join(problems)}"
        return [Finding("model", ok=False, says=says, mend="Put the whole export there.")]
    return asyncio.run(_try_engine(runtime_folder(settings) / ENGINE_DOOR, chosen))


async def _try_engine(door: Path, deployment: Deployment) -> list[Finding]:
    engine = LocalUpstream(door, deployment.upstream)
    finding = await _call(engine, deployment, "Start the server, `setaria serve`; the engine runs beside it.")
    await engine.close()
    return [finding]


async def _try_server(upstream: UpstreamEntry, deployment: Deployment | None) -> list[Finding]:
    try:
        key = read_api_key(upstream)
        makers = HttpUpstreams(SystemClock())
        client = makers.make(upstream)
    except Misconfigured as error:
        mend = "Mend it where this command runs and where the server runs."
        return [Finding("settings", ok=False, says=error.message, mend=mend)]
    try:
        listing = await ask_for_models(upstream, key, makers)
    except UpstreamError as error:
        return [Finding("address", ok=False, says=error.message, mend=_mend_way(error, upstream))]
    findings = _judge(upstream, listing)
    if findings[-1].ok:
        findings.append(await _call_chosen(client, upstream, deployment, listing))
    await client.close()
    return findings


def _judge(upstream: UpstreamEntry, listing: Listing) -> list[Finding]:
    """Say what the server's answer to the question for its models tells."""
    if listing.status in {401, 403}:
        has_key = upstream.api_key_env or upstream.api_key_file
        says = (
            f"{upstream.name} refuses the key (status {listing.status})" if has_key else f"{upstream.name} wants a key"
        )
        mend = f"Check the key in {has_key}." if has_key else "Give it one: --key-file or --key-env."
        return [
            Finding("address", ok=True, says=f"{upstream.base_url} answers"),
            Finding("key", ok=False, says=says, mend=mend),
        ]
    if listing.better_url:
        mend = f"Make the base_url {listing.better_url}"
        return [Finding("address", ok=False, says=f"{upstream.base_url} answers, but has no models", mend=mend)]
    says = f"{upstream.base_url} answers"
    if listing.models:
        says += f" and lists {', '.join(listing.models[:_MAX_SHOWN])}"
        says += f" and {len(listing.models) - _MAX_SHOWN} more" if len(listing.models) > _MAX_SHOWN else ""
    return [Finding("address", ok=True, says=says)]


async def _call_chosen(
    client: Upstream, upstream: UpstreamEntry, deployment: Deployment | None, listing: Listing
) -> Finding:
    if deployment is None and not listing.models:
        mend = doubt_base_url(upstream) or "Name a model with --model."
        return Finding("model", ok=False, says=f"{upstream.name} lists no models (status {listing.status})", mend=mend)
    chosen = deployment or Deployment(upstream.name, listing.models[0])
    mend = doubt_base_url(upstream) or "The words of the server say what it wants."
    if listing.models and chosen.model not in listing.models:
        mend = f"The server does not list {chosen.model}; it has {', '.join(listing.models[:_MAX_SHOWN])}."
    return await _call(client, chosen, mend)


async def _call(client: Upstream, deployment: Deployment, mend: str) -> Finding:
    """Ask for a few words, and wait for the whole answer."""
    clock = SystemClock()
    dialogue = Dialogue(
        messages=(Message("user", (Text(_QUESTION),)),),
        thinking=False,
        max_output_tokens=_MAX_OUTPUT_TOKENS,
        sampling=Sampling(temperature=1.0, top_p=1.0),
    )
    request = ModelRequest(
        call_id=new_call_id(clock.now_ms()),
        model=deployment.model,
        dialogue=dialogue,
        manner=Manner(deployment.model, deployment.thinking_style),
    )
    answer = _Answer()
    started_s = asyncio.get_running_loop().time()
    attempt = client.start(request, answer)
    try:
        async with asyncio.timeout(_WITHIN_S):
            usage = await _wait(client, answer)
    except SetariaError as error:
        return Finding("call", ok=False, says=f"{deployment.model}: {error.message}", mend=mend)
    except TimeoutError:
        says = f"{deployment.model} gave no whole answer within {_WITHIN_S:g} s"
        return Finding("call", ok=False, says=says, mend="Is the model still loading, or the server overloaded?")
    finally:
        attempt.cancel()
    took_ms = round(((answer.first_s or started_s) - started_s) * 1000)
    counted = "it counts no tokens" if usage is None else f"{usage.input_tokens} tokens in, {usage.output_tokens} out"
    return Finding("call", ok=True, says=f"{deployment.model} answers; first token after {took_ms} ms, {counted}")


async def _wait(client: Upstream, answer: _Answer) -> Usage | None:
    """Wait for the answer's end, while the client's clocks run."""
    clock = SystemClock()
    while not answer.over.done():
        await asyncio.wait((answer.over,), timeout=TICK_S)
        tick = getattr(client, "tick", None)
        if tick is not None:
            tick(clock.monotonic_s())
    return await answer.over


def _mend_way(error: UpstreamError, upstream: UpstreamEntry) -> str:
    """Say how to mend that a server can't be reached."""
    match error.__cause__:
        case ConnectionRefusedError():
            return "Start the model server, or mend host and port in its base_url."
        case socket.gaierror():
            return "Mend the host in its base_url, or this machine's DNS."
        case ssl.SSLCertVerificationError():
            return "Name the certificate of the authority that signed it: --ca-file, or ca_file in the file."
        case ssl.SSLError():
            return "The server may speak http without TLS: begin its base_url with http://"
        case TimeoutError():
            return "Check the host in its base_url, and that no firewall is between."
        case _:
            other = "https" if upstream.base_url.startswith("http://") else "http"
            return f"Check what listens there; it may want {other}:// in its base_url."
