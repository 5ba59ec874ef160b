"""Assembly: which models there are when file, database and program each have some."""

import msgspec
import pytest

from setaria.core.entries import (
    DeploymentEntry,
    Entries,
    ModelEntry,
    ThinkingStyle,
    Timeouts,
    UpstreamEntry,
    UpstreamKind,
)
from setaria.core.errors import UnknownModel
from setaria.core.traits import Traits
from setaria.domain.catalog.added import NOTHING_ADDED, Added, AddedModel
from setaria.domain.catalog.assembly import ENGINE, assemble
from setaria.domain.catalog.model import Catalog, Deployment, Model
from setaria.wire.upstream_codec import Manner

SINCE_MS = 100
BUILT_IN = Model(
    id="seedling",
    display_name="Seedling",
    description="",
    traits=Traits(8192, 2048, 1024, frozenset({"tools"})),
    deployments=(Deployment("local", "seedling"),),
    created_at_ms=SINCE_MS,
)


def make_upstream(name: str, kind: UpstreamKind = "openai") -> UpstreamEntry:
    """Make an upstream."""
    return UpstreamEntry(name=name, kind=kind, base_url="http://h/v1")


def make_entry(model_id: str, *upstreams: str, aliases: tuple[str, ...] = ()) -> ModelEntry:
    """Make a model that upstreams serve under its own name."""
    deployments = tuple(DeploymentEntry(upstream=each, model=model_id) for each in upstreams)
    return ModelEntry(id=model_id, aliases=aliases, deployments=deployments)


def test_without_entries_the_built_in_model_is_alone() -> None:
    """A new installation has one model, at the built-in engine."""
    assembled = assemble((BUILT_IN,), Entries(), NOTHING_ADDED, SINCE_MS)
    assert (assembled.models, assembled.upstreams, assembled.problems) == ((BUILT_IN,), (ENGINE,), ())


def test_an_entry_becomes_a_model() -> None:
    """Everything an operator wrote counts, and what is not written has its default."""
    entry = ModelEntry(
        id="pro",
        display_name="Pro",
        description="large",
        aliases=("pro[1m]",),
        context_tokens=1000,
        output_tokens=500,
        capabilities=("tools", "thinking"),
        thinking="disabled",
        on_client_gone="drain",
        drain_tokens=7,
        timeouts=Timeouts(connect_s=1),
        deployments=(DeploymentEntry(upstream="a", model="org/Pro", weight=3, thinking_style="enable_thinking"),),
    )
    assembled = assemble((), Entries((make_upstream("a"),), (entry,)), NOTHING_ADDED, SINCE_MS)
    model = Model(
        id="pro",
        display_name="Pro",
        description="large",
        traits=Traits(1000, 500, 500, frozenset({"tools", "thinking"}), thinking_default=False),
        deployments=(Deployment("a", "org/Pro", 3, "enable_thinking"),),
        created_at_ms=SINCE_MS,
        aliases=("pro[1m]",),
        timeouts=Timeouts(connect_s=1),
        on_client_gone="drain",
        drain_tokens=7,
    )
    assert assembled.models == (model,)
    catalog = assembled.to_catalog()
    assert (catalog.find("pro[1m]"), [*catalog.upstreams]) == (model, ["a", "local"])


def test_an_entry_s_least_is_enough() -> None:
    """A model is shown by its id where it has no other name, and does not think unless it can."""
    assembled = assemble((), Entries((make_upstream("a"),), (make_entry("m", "a"),)), NOTHING_ADDED, SINCE_MS)
    (model,) = assembled.models
    assert (model.display_name, model.traits.thinking_default, model.on_client_gone) == ("m", False, "abort")


@pytest.mark.parametrize(
    "kind, capable, given, expected",
    [
        ("openai", True, None, "none"),
        ("anthropic", True, None, "anthropic"),
        ("anthropic", False, None, "none"),
        ("anthropic", True, "none", "none"),
        ("openai", True, "reasoning_effort", "reasoning_effort"),
    ],
)
def test_the_thinking_style_follows_the_upstream(
    kind: UpstreamKind, capable: bool, given: ThinkingStyle | None, expected: ThinkingStyle
) -> None:
    """What the operator says counts; else only an Anthropic upstream has a style of its own, if the model thinks."""
    entry = ModelEntry(
        id="m",
        capabilities=("thinking",) if capable else (),
        deployments=(DeploymentEntry(upstream="a", model="m", thinking_style=given),),
    )
    (model,) = assemble((), Entries((make_upstream("a", kind),), (entry,)), NOTHING_ADDED, SINCE_MS).models
    assert model.deployments[0].thinking_style == expected


def test_the_file_counts_first() -> None:
    """Whoever has a name already keeps it: file, then database, then what is built in; what is lost is told."""
    declared = Entries((make_upstream("a"),), (make_entry("m", "a"), make_entry("seedling", "a")))
    other = msgspec.structs.replace(make_upstream("a"), base_url="http://other/v1")
    added = Added(
        (other, make_upstream("b")),
        (AddedModel(make_entry("m", "b"), 1), AddedModel(make_entry("n", "b", aliases=("m", "x")), 2)),
    )
    assembled = assemble((BUILT_IN,), declared, added, SINCE_MS)
    assert [(model.id, model.aliases, model.created_at_ms) for model in assembled.models] == [
        ("m", (), SINCE_MS),
        ("seedling", (), SINCE_MS),
        ("n", ("x",), 2),
    ]
    assert [(each.name, each.base_url) for each in assembled.upstreams[:2]] == [
        ("a", "http://h/v1"),
        ("b", "http://h/v1"),
    ]
    assert assembled.problems == (
        "the upstream a is in the file and in the database; the one in the file counts",
        "the name of the model m is taken by another one, which counts; remove one of them",
        "the alias m of the model n is taken by another model",
    )


def test_a_deployment_without_its_upstream_is_left_out() -> None:
    """A model is served where it can be, and not offered where nothing serves it."""
    added = Added(
        (make_upstream("b"),), (AddedModel(make_entry("m", "gone", "b"), 1), AddedModel(make_entry("n", "gone"), 2))
    )
    assembled = assemble((BUILT_IN,), Entries(), added, SINCE_MS)
    assert [(model.id, [each.upstream for each in model.deployments]) for model in assembled.models] == [
        ("m", ["b"]),
        ("seedling", ["local"]),
    ]
    assert assembled.problems == (
        "the model m names the upstream gone, which is not there",
        "the model n names the upstream gone, which is not there",
        "the model n has no upstream that is there; add one, or remove the model",
    )


def test_a_catalog_is_renewed() -> None:
    """New content takes the place of the old, for whoever asks afterwards."""
    catalog = assemble((BUILT_IN,), Entries(), NOTHING_ADDED, SINCE_MS).to_catalog()
    entries = Entries((make_upstream("a"),), (make_entry("m", "a"),))
    new = assemble((), entries, NOTHING_ADDED, SINCE_MS)
    catalog.renew(new.models, new.upstreams)
    assert [model.id for model in catalog.models] == ["m"]
    with pytest.raises(UnknownModel):
        catalog.find("seedling")


def test_a_deployment_is_asked_by_one_who_knows_his_own_signatures() -> None:
    """Whoever asks a deployment knows what it wants there and whose signatures are ours."""
    catalog = Catalog((BUILT_IN,), (ENGINE,), ("ring1", "ring2"))
    assert catalog.manner_of(BUILT_IN.deployments[0]) == Manner("seedling", "none", (), ("ring1", "ring2"))
