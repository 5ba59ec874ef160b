"""Forward: ask an upstream, another one where the first fails in silence, and hand the answer to the client."""

from collections.abc import Collection
from functools import partial

from setaria.core.errors import CallerError, UpstreamBusy, UpstreamError
from setaria.domain.catalog.model import Deployment, Model
from setaria.domain.reasoning.signature import sign_reasoning
from setaria.domain.routing.ports import ModelRequest
from setaria.gateway.audience import Audience
from setaria.gateway.event_flow import EventFlow
from setaria.gateway.flow import Flow
from setaria.gateway.platform import Platform
from setaria.gateway.ports import Client
from setaria.gateway.relay_flow import RelayFlow
from setaria.gateway.repeat import repeat
from setaria.gateway.stages import Asked, Reply, Routed
from setaria.wire.codec import AnswerHead
from setaria.wire.upstream_codec import Manner

BUSY_REST_S = 1


async def forward(routed: Routed, client: Client, platform: Platform) -> Reply:
    """Get the answer; whatever its ending, what was seen of it is in the reply.

    Raises: CallerError and UpstreamBusy when the upstream refused the call before anything was told to the client.
    """
    asked = routed.asked
    codec = asked.identified.received.codec
    audience = Audience(client, codec, answer_head(asked, platform), platform.clock, stream=asked.stream)
    client.watch(audience)
    _count_dropped_fields(routed, platform)
    tried: list[Deployment] = []
    deployment = routed.deployment
    while True:
        tried.append(deployment)
        flow = _begin(routed, deployment, audience, platform)
        audience.follow(flow)
        await flow.over
        audience.unfollow()
        _judge(flow, deployment, asked.model, platform)
        following = await repeat(routed, flow, tried, platform)
        if following is None:
            return flow.reply(deployment.upstream, len(tried))
        deployment = following


def answer_head(asked: Asked, platform: Platform) -> AnswerHead:
    """Say what is known of an answer before it begins."""
    received = asked.identified.received
    account_id = asked.identified.caller.account_id
    return AnswerHead(
        call_id=received.call_id,
        model=asked.model.id,
        created_at_ms=received.at_ms,
        input_tokens_estimate=asked.input_tokens,
        sign=partial(sign_reasoning, platform.signing_secret, account_id, asked.model.id),
    )


def _begin(routed: Routed, deployment: Deployment, audience: Audience, platform: Platform) -> Flow:
    """Ask a deployment: where it speaks the caller's protocol its answer is relayed, else it is read as events."""
    asked = routed.asked
    request = _request(routed, deployment, platform)
    platform.router.health(deployment.name).begin()
    relay = platform.relays.get(deployment.upstream)
    if relay is not None and relay.protocol == audience.codec.name and not routed.admitted.hold.must_stream:
        relayed = RelayFlow(routed, audience)
        relayed.begin_relay(relay.relay(asked.envelope, request, relayed))
        return relayed
    flow = EventFlow(routed, audience)
    flow.begin(platform.upstreams[deployment.upstream].start(request, flow))
    return flow


def _request(routed: Routed, deployment: Deployment, platform: Platform) -> ModelRequest:
    """Say what is asked; as a stream also where the caller wants none, but what is said must be seen to be paid for."""
    asked = routed.asked
    return ModelRequest(
        call_id=asked.identified.received.call_id,
        model=deployment.model,
        dialogue=asked.dialogue,
        stream=asked.stream or routed.admitted.hold.must_stream,
        manner=Manner(deployment.model, deployment.thinking_style, _pass_fields(deployment, platform)),
        timeouts=asked.model.timeouts,
        shown_model=asked.model.id,
    )


def _pass_fields(deployment: Deployment, platform: Platform) -> Collection[str]:
    """Give the unknown fields that may go to a deployment's upstream."""
    entry = platform.catalog.upstreams.get(deployment.upstream)
    return () if entry is None else entry.pass_fields


def _count_dropped_fields(routed: Routed, platform: Platform) -> None:
    codec, fields = routed.asked.identified.received.codec, routed.asked.envelope.fields
    if not fields.keys() <= codec.known_fields:
        dropped = fields.keys() - codec.known_fields - {*_pass_fields(routed.deployment, platform)}
        platform.meter.count_dropped_fields(codec.name, len(dropped))


def _judge(flow: Flow, deployment: Deployment, model: Model, platform: Platform) -> None:
    """Let the end of an attempt tell how the deployment is; a busy one rests only where another can do its work."""
    health = platform.router.health(deployment.name)
    error, now_s = flow.error, platform.clock.monotonic_s()
    if isinstance(error, UpstreamBusy):
        health.rest(now_s + (error.retry_after_s or BUSY_REST_S) if len(model.deployments) > 1 else now_s)
    elif isinstance(error, UpstreamError):
        health.fail(now_s)
    elif isinstance(error, CallerError) or flow.ending == "completed":
        health.succeed()
    else:
        health.abandon()
