"""Forward: ask an upstream, another one where the first fails in silence, and hand the answer to the client."""

from functools import partial

from setaria.core.errors import CallerError, UpstreamBusy, UpstreamError, UpstreamRefused
from setaria.domain.catalog.model import Deployment, Model
from setaria.domain.reasoning.signature import sign_reasoning
from setaria.domain.routing.health import Health
from setaria.domain.routing.ports import ModelRequest
from setaria.gateway.audience import Audience
from setaria.gateway.event_flow import EventFlow
from setaria.gateway.flow import Flow
from setaria.gateway.joined_flow import JoinedFlow
from setaria.gateway.platform import Platform
from setaria.gateway.ports import Client
from setaria.gateway.relay_flow import RelayFlow
from setaria.gateway.repeat import repeat
from setaria.gateway.stages import Asked, Reply, Routed
from setaria.wire.codec import AnswerHead

BUSY_REST_S = 1


async def forward(routed: Routed, client: Client, platform: Platform) -> Reply:
    """Get the answer; whatever its ending, what was seen of it is in the reply.

    Raises: CallerError and UpstreamBusy when the upstream refused the call before anything was told to the client.
    """
    asked = routed.asked
    codec = asked.identified.received.codec
    audience = Audience(client, codec, asked.identified.received.call_id, platform.clock, stream=asked.envelope.stream)
    client.watch(audience)
    if not asked.envelope.fields.keys() <= codec.known_fields:
        _count_dropped_fields(routed, platform)
    tried: list[Deployment] = []
    deployment = routed.deployment
    while True:
        tried.append(deployment)
        health = platform.router.health(deployment.name)
        health.begin()
        flow = _begin(routed, deployment, audience, platform)
        audience.follow(flow)
        await flow.over
        audience.unfollow()
        if flow.error is None and flow.ending == "completed":
            health.succeed()
        else:
            _judge(flow, health, asked.model, platform)
        following = await repeat(routed, flow, tried, platform) if flow.may_be_repeated else None
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
    relay = platform.relays.get(deployment.upstream)
    if relay is not None and relay.protocol == audience.codec.name:
        relayed = RelayFlow(routed, audience)
        if request.stream and not audience.stream:
            relayed = JoinedFlow(routed, audience, answer_head(asked, platform))
        relayed.begin_relay(relay.relay(asked.envelope, request, relayed))
        return relayed
    flow = EventFlow(routed, audience, answer_head(asked, platform))
    flow.begin(platform.upstreams[deployment.upstream].start(request, flow))
    return flow


def _request(routed: Routed, deployment: Deployment, platform: Platform) -> ModelRequest:
    """Say what is asked; as a stream also where the caller wants none, but what is said must be seen to be paid for."""
    asked = routed.asked
    return ModelRequest(
        asked.identified.received.call_id,
        deployment.model,
        asked.dialogue,
        asked.envelope.stream or routed.admitted.hold.must_stream,
        platform.catalog.manner_of(deployment),
        asked.model.timeouts,
        asked.model.id,
        asked.input_tokens,
    )


def _count_dropped_fields(routed: Routed, platform: Platform) -> None:
    asked = routed.asked
    codec, fields = asked.identified.received.codec, asked.envelope.fields
    dropped = fields.keys() - codec.known_fields - {*platform.catalog.manner_of(routed.deployment).pass_fields}
    platform.meter.count_dropped_fields(codec.name, len(dropped))


def _judge(flow: Flow, health: Health, model: Model, platform: Platform) -> None:
    """Let an attempt that did not go well tell how its deployment is; a busy one rests only where another can do its
    work.
    """
    error = flow.error
    now_s = platform.clock.monotonic_s()
    if isinstance(error, UpstreamBusy):
        health.rest(now_s + (error.retry_after_s or BUSY_REST_S) if len(model.deployments) > 1 else now_s)
    elif isinstance(error, UpstreamRefused):
        health.refuse(now_s, error)
    elif isinstance(error, UpstreamError):
        health.fail(now_s)
    elif isinstance(error, CallerError):
        health.succeed()
    else:
        health.abandon()
