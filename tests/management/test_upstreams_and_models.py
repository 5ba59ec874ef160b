"""Upstreams and models: what people add to the catalog and take out of it."""

from typing import Any

import pytest

from setaria.core.entries import DeploymentEntry, Entries, ModelEntry, UpstreamEntry
from setaria.core.errors import CallerError, InvalidRequest, NotFound
from setaria.domain.catalog.added import Fixed
from setaria.domain.catalog.assembly import ENGINE
from setaria.management.models import add_model, remove_deployments, remove_model
from setaria.management.upstreams import add_upstream, find_upstream, list_upstreams, remove_upstream
from tests.fakes.catalog_book import FakeCatalogBook
from tests.fakes.clock import FakeClock

IN_FILE = UpstreamEntry(name="filed", kind="openai", base_url="http://f/v1")
FIXED = Fixed(
    Entries((IN_FILE,), (ModelEntry(id="pro", deployments=(DeploymentEntry(upstream="filed", model="P"),)),)),
    ("seedling",),
)
UPSTREAM = {"name": "a", "kind": "openai", "base_url": "http://a/v1/"}


def deploy(*places: tuple[str, str]) -> list[dict[str, str]]:
    """Write deployments as a person does."""
    return [{"upstream": upstream, "model": model} for upstream, model in places]


@pytest.fixture
def book() -> FakeCatalogBook:
    """Give a book with the upstreams a and b, and the model m on a."""
    book, clock = FakeCatalogBook(), FakeClock()
    for name in ("a", "b"):
        add_upstream(book, clock, FIXED, UPSTREAM | {"name": name})
    add_model(book, clock, FIXED, {"id": "m", "aliases": ["mm"], "deployments": deploy(("a", "M"))})
    return book


def test_upstreams_are_listed_in_order(book: FakeCatalogBook) -> None:
    """Those of the file come first, then those added, then the built-in engine; each is found by its name."""
    listed = list_upstreams(book, FIXED)
    assert [each.name for each in listed] == ["filed", "a", "b", "local"]
    assert (listed[0], listed[1].base_url, listed[-1]) == (IN_FILE, "http://a/v1", ENGINE)
    assert find_upstream(book, FIXED, "b") == listed[2]


def test_the_file_hides_an_upstream_added_before(book: FakeCatalogBook) -> None:
    """A name that came into the file later is listed once, as it is there."""
    later = UpstreamEntry(name="a", kind="anthropic", base_url="http://later")
    assert [each.kind for each in list_upstreams(book, Fixed(Entries((later,)))) if each.name == "a"] == ["anthropic"]


def test_an_upstream_is_removed_when_nothing_needs_it(book: FakeCatalogBook) -> None:
    """A server that no model is on can go, one that serves a model can't."""
    remove_upstream(book, FIXED, "b")
    with pytest.raises(InvalidRequest, match=r"the upstream a serves the model m; first .*: setaria models remove m$"):
        remove_upstream(book, FIXED, "a")
    add_upstream(book, FakeClock(), FIXED, UPSTREAM | {"name": "b"})
    add_model(book, FakeClock(), FIXED, {"id": "m", "deployments": deploy(("b", "M"))})
    with pytest.raises(InvalidRequest, match=r"setaria models remove m --upstream a$"):
        remove_upstream(book, FIXED, "a")


def test_a_model_gets_further_deployments(book: FakeCatalogBook) -> None:
    """The model keeps what it has, and is served at one place more; there it can be taken away again."""
    entry = add_model(book, FakeClock(), FIXED, {"id": "m", "deployments": deploy(("b", "M2"))})
    assert [(each.upstream, each.model) for each in entry.deployments] == [("a", "M"), ("b", "M2")]
    assert entry.aliases == ("mm",)
    left = remove_deployments(book, FIXED, "m", "a")
    assert [each.upstream for each in left.deployments] == ["b"]
    assert [each.entry for each in book.read_added().models] == [left]
    with pytest.raises(InvalidRequest, match="nothing else serves the model m; remove it: setaria models remove m"):
        remove_deployments(book, FIXED, "m", "b")
    with pytest.raises(NotFound, match="the model m is not on the upstream 'a'"):
        remove_deployments(book, FIXED, "m", "a")


def test_a_model_is_removed(book: FakeCatalogBook) -> None:
    """It is gone, and its names are free again."""
    assert remove_model(book, FIXED, "m").id == "m"
    assert book.read_added().models == ()
    add_model(book, FakeClock(), FIXED, {"id": "mm", "deployments": deploy(("filed", "M"))})


@pytest.mark.parametrize(
    "content, problem",
    [
        (UPSTREAM | {"base_url": "h"}, "upstreams.base_url can't be that; allowed: an address such as"),
        (UPSTREAM | {"name": "filed"}, "the upstream filed is in the configuration file; change it there"),
        (UPSTREAM, "there is already an upstream a; remove it first, or take another name"),
        ({"name": "local", "kind": "local"}, "there is already an upstream local; remove it first"),
    ],
)
def test_an_upstream_that_cannot_be_added_is_refused(
    book: FakeCatalogBook, content: dict[str, Any], problem: str
) -> None:
    """A bad setting and a name that is taken are told."""
    with pytest.raises(InvalidRequest) as refusal:
        add_upstream(book, FakeClock(), FIXED, content)
    assert refusal.value.message.startswith(problem)


@pytest.mark.parametrize(
    "content, kind, problem",
    [
        (
            {"id": "x y", "deployments": deploy(("a", "M"))},
            InvalidRequest,
            "models.id can't be 'x y'; allowed: 1 to 128",
        ),
        ({"id": "x", "deployments": deploy(("aa", "M"))}, NotFound, "there is no upstream aa; did you mean a?"),
        (
            {"id": "pro", "deployments": deploy(("a", "M"))},
            InvalidRequest,
            "the model pro is in the configuration file",
        ),
        (
            {"id": "seedling", "deployments": deploy(("a", "M"))},
            InvalidRequest,
            "there is already a model with the name",
        ),
        ({"id": "mm", "deployments": deploy(("a", "M"))}, InvalidRequest, "there is already a model with the name mm"),
        (
            {"id": "x", "aliases": ["pro"], "deployments": deploy(("a", "M"))},
            InvalidRequest,
            "there is already a model with the name pro; take another one",
        ),
        ({"id": "m", "deployments": deploy(("a", "M"))}, InvalidRequest, "the model m has M on a twice"),
        (
            {"id": "m", "context_tokens": 9, "output_tokens": 9, "deployments": deploy(("b", "M"))},
            InvalidRequest,
            "there is already a model m; a further deployment can't change its context_tokens, output_tokens: leave",
        ),
    ],
)
def test_a_model_that_cannot_be_added_is_refused(
    book: FakeCatalogBook, content: dict[str, Any], kind: type[CallerError], problem: str
) -> None:
    """A bad setting, an upstream that is not there and a name that is taken are told, and nothing changes."""
    before = book.changes
    with pytest.raises(kind) as refusal:
        add_model(book, FakeClock(), FIXED, content)
    assert (refusal.value.message[: len(problem)], book.changes) == (problem, before)


@pytest.mark.parametrize(
    "remove, name, kind, problem",
    [
        (remove_upstream, "filed", InvalidRequest, "the upstream filed is in the configuration file"),
        (remove_upstream, "local", InvalidRequest, "the upstream local is built in"),
        (remove_upstream, "x", NotFound, "there is no upstream 'x'"),
        (remove_model, "pro", InvalidRequest, "the model pro is in the configuration file"),
        (remove_model, "seedling", InvalidRequest, "the model seedling is built in"),
        (remove_model, "x", NotFound, "there is no model 'x'"),
    ],
)
def test_what_cannot_be_removed_stays(
    book: FakeCatalogBook, remove: Any, name: str, kind: type[CallerError], problem: str
) -> None:
    """What is in the file or built in is not for commands to remove, and what is not there is told."""
    with pytest.raises(kind, match=problem):
        remove(book, FIXED, name)
