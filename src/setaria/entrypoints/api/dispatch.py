"""Dispatch: which part of the platform answers a request."""

from collections.abc import Mapping
from typing import Literal, assert_never

from setaria.core.errors import InternalError, SetariaError, UnknownPath, WrongMethod
from setaria.core.protocol import ProtocolName
from setaria.domain.catalog.model import Model
from setaria.domain.routing.session import session_from_header
from setaria.entrypoints.api.edge import PLAIN_EDGE, Edge
from setaria.entrypoints.api.exchange import Exchange
from setaria.entrypoints.api.head import RequestHead
from setaria.entrypoints.api.pages import Pages
from setaria.entrypoints.api.routes import Match, OtherAction, is_console, protocol_of
from setaria.gateway.authenticate import authenticate
from setaria.gateway.choose import list_models, show_model
from setaria.gateway.count import count
from setaria.gateway.defect import locate_defect
from setaria.gateway.platform import Platform
from setaria.gateway.ports import ClientGone
from setaria.gateway.refuse import refuse
from setaria.gateway.serve import serve
from setaria.gateway.stages import Received
from setaria.wire.anthropic_messages import AnthropicMessages
from setaria.wire.anthropic_messages import models as anthropic_models
from setaria.wire.anthropic_messages.count import write_count
from setaria.wire.codec import Codec
from setaria.wire.model_card import ModelCard
from setaria.wire.openai_chat import models as openai_models

_OK = 200
_LISTS = {"openai_chat": openai_models, "anthropic_messages": anthropic_models}


class Dispatcher:
    """Answers every request of a worker."""

    def __init__(
        self,
        platform: Platform,
        codecs: Mapping[ProtocolName, Codec],
        pages: Pages,
        edge: Edge = PLAIN_EDGE,
    ) -> None:
        self._platform = platform
        self._codecs = codecs
        self._pages = pages
        self._edge = edge
        self._counting = AnthropicMessages()

    async def handle(self, exchange: Exchange) -> None:
        """Answer one request; never raises."""
        try:
            match = self._find(exchange.head)
            if match is None:
                await self._pages.console.answer(exchange)
            elif match.route.action == "call":
                await serve(self._received(match, exchange), exchange, self._platform)
            else:
                await self._act(match.route.action, match, exchange)
        except ClientGone:
            self._platform.log.info("client_gone_early", call=exchange.call_id)
        except SetariaError as error:
            self.refuse(exchange, error)
        except Exception as error:  # API entry: a defect is told as one, and never ends the process
            self._platform.log.error("defect", call=exchange.call_id, error=locate_defect(error))
            self.refuse(exchange, InternalError("the platform failed on this request; it was logged"))

    def refuse(self, exchange: Exchange, error: SetariaError) -> None:
        """Answer with an error, in the protocol of the path."""
        codec = self._codecs[protocol_of(exchange.head.path)]
        status, kind = refuse(error, codec, exchange.call_id, exchange), type(error).__name__
        self._platform.meter.count_refusal(kind, status)
        self._platform.log.info("refused", call=exchange.call_id, status=status, error=kind, param=error.param)

    def _find(self, head: RequestHead) -> Match | None:
        """Find the route of a request; None when it is the console's.

        Raises: UnknownPath, WrongMethod.
        """
        match = self._edge.hosts.find_route(head.path, head.host)
        if match is not None and head.method in match.route.methods:
            return match
        if is_console(head.path):
            return None
        if match is None:
            raise UnknownPath(f"there is nothing at {head.path[:200]}; the routes are in docs/api.md")
        raise WrongMethod(head.method, match.route.path, ", ".join(match.route.methods))

    async def _act(self, action: OtherAction, match: Match, exchange: Exchange) -> None:
        match action:
            case "count_tokens":
                tokens = await count(self._received(match, exchange), self._counting, exchange, self._platform)
                exchange.respond(_OK, write_count(tokens))
            case "list_models":
                identified = await authenticate(self._received(match, exchange), self._platform)
                models = await list_models(identified, self._platform)
                cards = tuple(card_from_model(model) for model in models)
                exchange.respond(_OK, _LISTS[match.route.protocol].write_models(cards))
            case "show_model":
                identified = await authenticate(self._received(match, exchange), self._platform)
                card = card_from_model(await show_model(match.id, identified, self._platform))
                exchange.respond(_OK, _LISTS[match.route.protocol].write_model(card))
            case "show_call" | "show_balance" | "show_usage" | "show_quota":
                exchange.respond(_OK, await self._report(action, match, exchange))
            case "health":
                exchange.respond(*await self._pages.readiness.report_health())
            case "ready":
                exchange.respond(*await self._pages.readiness.report())
            case "metrics":
                await self._pages.metrics.answer(exchange)
            case "hello":
                exchange.respond(_OK, b"")
            case _:
                assert_never(action)

    async def _report(
        self,
        action: Literal["show_call", "show_balance", "show_usage", "show_quota"],
        match: Match,
        exchange: Exchange,
    ) -> bytes:
        reports, received = self._pages.reports, self._received(match, exchange)
        match action:
            case "show_call":
                return await reports.show_call(received, match.id)
            case "show_balance":
                return await reports.show_balance(received)
            case "show_usage":
                query = exchange.head.target.partition(b"?")[2].partition(b"#")[0]
                return await reports.show_usage(received, query)
            case "show_quota":
                return await reports.show_quota(received)
            case _:
                assert_never(action)

    def _received(self, match: Match, exchange: Exchange) -> Received:
        clock, head, route = self._platform.clock, exchange.head, match.route
        return Received(
            exchange.call_id,
            self._codecs[route.protocol],
            head.credentials,
            clock.now_ms(),
            clock.monotonic_s(),
            session_from_header(head.session) if head.session else None,
            head.parent,
            route.lane or "payg",
            self._edge.proxies.client_of(exchange.peer, head.headers),
        )


def card_from_model(model: Model) -> ModelCard:
    """Show a model of the catalog as its callers see it."""
    return ModelCard(
        id=model.id,
        display_name=model.display_name,
        created_at_ms=model.created_at_ms,
        owned_by=model.owned_by,
        context_tokens=model.traits.context_tokens,
        max_output_tokens=model.traits.max_output_tokens,
        capabilities=model.traits.capabilities,
        description=model.description,
    )
