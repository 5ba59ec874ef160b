"""Choose: the models that a key may be used for, as lists show them."""

from collections.abc import Awaitable, Callable, Iterable

import msgspec
import pytest

from setaria.core.errors import PlanExpired, UnknownPath
from setaria.core.protocol import Lane
from setaria.domain.accounts.records import KeyRules
from setaria.domain.catalog.model import Catalog, Model
from setaria.domain.ledger.tariff import PriceList, Tariff
from setaria.domain.plans.offers import Offer
from setaria.domain.plans.subscriptions import begin
from setaria.gateway.authenticate import authenticate
from setaria.gateway.choose import list_models, show_model
from setaria.gateway.stages import Identified
from tests.fakes.platform import ACCOUNT, ANY, SEEDLING, Stage, add_key
from tests.gateway.calling import play, received

RATES = PriceList(rates=(Tariff("rate_1", "large", 1, input=5), Tariff("rate_2", "small", 1, input=5)))
OFFER = Offer("lite", "Lite", 6, "month", 10_000)


def play_with(story: Callable[[Stage, Identified], Awaitable[None]], lane: Lane, offer: Offer, *models: str) -> None:
    """Play a story for a key that may be used for these models, or for all, on a platform of three models.

    On a plan two of them have a rate, and the built-in one is free.
    """

    async def whole(stage: Stage) -> None:
        others = [msgspec.structs.replace(SEEDLING, id=name, aliases=(f"org/{name}",)) for name in ("large", "small")]
        unrated = msgspec.structs.replace(SEEDLING, id="unrated", aliases=())
        stage.platform.tariffs.renew(RATES)
        platform = msgspec.structs.replace(stage.platform, catalog=Catalog((SEEDLING, *others, unrated)))
        held = begin("sub_1", ACCOUNT, offer, stage.clock.now_ms(), 6)
        stage.ledger.subscriptions[held.id] = held
        terms = msgspec.structs.replace(ANY, rules=KeyRules(models=models), subscription_id=held.id)
        key = add_key(stage.ledger, lane=lane, terms=terms)
        call = msgspec.structs.replace(received(stage, "openai_chat", key), lane=lane)
        await story(msgspec.structs.replace(stage, platform=platform), await authenticate(call, platform))

    play(whole)


def names(models: Iterable[Model]) -> list[str]:
    """Give the ids of models."""
    return [model.id for model in models]


@pytest.mark.parametrize(
    "lane, of_plan, of_key, shown",
    [
        ("payg", ("small",), (), ["seedling", "large", "small", "unrated"]),
        ("payg", (), ("small", "unrated"), ["small", "unrated"]),
        ("plan", (), (), ["seedling", "large", "small"]),
        ("plan", ("small", "unrated"), (), ["small"]),
        ("plan", ("small", "large"), ("large", "seedling"), ["large"]),
        ("plan", ("large",), ("small",), []),
    ],
)
def test_what_a_list_shows(lane: Lane, of_plan: tuple[str, ...], of_key: tuple[str, ...], shown: list[str]) -> None:
    """What the key may be used for; on a plan of that what has a rate there, and is among the plan's models."""

    async def story(stage: Stage, identified: Identified) -> None:
        assert names(await list_models(identified, stage.platform)) == shown
        for model in stage.platform.catalog.models:
            if model.id in shown:
                assert (await show_model((model.id, *model.aliases)[-1], identified, stage.platform)).id == model.id
            else:
                with pytest.raises(UnknownPath, match=f"may not be used for {model.id}"):
                    await show_model(model.id, identified, stage.platform)

    play_with(story, lane, msgspec.structs.replace(OFFER, models=of_plan), *of_key)


def test_a_plan_that_has_ended_lists_nothing() -> None:
    """Its key is told so, as by a call."""

    async def story(stage: Stage, identified: Identified) -> None:
        stage.ledger.subscriptions.clear()
        with pytest.raises(PlanExpired):
            await list_models(identified, stage.platform)

    play_with(story, "plan", OFFER)
