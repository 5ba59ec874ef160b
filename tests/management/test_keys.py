"""Keys: what people do with keys after they have made them."""

from collections.abc import Callable
from functools import partial

import msgspec
import pytest

from setaria.core.entries import DeploymentEntry, Entries, ModelEntry
from setaria.core.errors import InvalidRequest, NotFound
from setaria.core.ids import KeyId
from setaria.domain.accounts.keys import key_secrets_from_ring, read_key
from setaria.domain.accounts.records import KeyRules
from setaria.domain.catalog.added import Fixed
from setaria.management.accounts import create_account
from setaria.management.key_rules import WrittenRules, read_rules
from setaria.management.keys import KeyTerms, create_key, delete_key, disable_key, enable_key, revoke_key, rotate_key
from setaria.management.moments import read_duration, read_end
from tests.fakes.books import RING, FakeBooks
from tests.fakes.catalog_book import FakeCatalogBook

HOUR_MS = 3_600_000
RULES = KeyRules(("seedling",), ("10.0.0.0/8",), 5)
OAK = ModelEntry(id="oak", aliases=("tree",), deployments=(DeploymentEntry(upstream="local", model="oak"),))
FIXED = Fixed(Entries((), (OAK,)), ("seedling",))


@pytest.fixture
def books() -> FakeBooks:
    """Give books with the account `ann`."""
    made = FakeBooks()
    create_account(made.accounts, made.purses, made.clock, "ann")
    return made


def test_a_key_has_an_end_and_rules(books: FakeBooks) -> None:
    """They are kept with it."""
    key, _ = create_key(books, "ann", "laptop", KeyTerms(7, RULES))
    assert (key.expires_at_ms, key.rules) == (7, RULES)
    assert books.keys.find_key(key.id) == key


def test_a_key_is_rotated(books: FakeBooks) -> None:
    """The new one takes name, end and rules over; the old one is good for the overlap."""
    end_ms = books.clock.now_ms() + 100 * HOUR_MS
    old, _ = create_key(books, "ann", "laptop", KeyTerms(end_ms, RULES))
    new, text = rotate_key(books, old.id, 24 * HOUR_MS)
    assert read_key(key_secrets_from_ring(RING), text) == new.digest
    assert (new.name, new.expires_at_ms, new.lane) == ("laptop", end_ms, "payg")
    assert msgspec.structs.replace(new.rules, cap_id="") == RULES
    kept = books.keys.find_key(old.id)
    assert kept is not None
    assert (kept.expires_at_ms, kept.revoked_at_ms) == (books.clock.now_ms() + 24 * HOUR_MS, None)


def test_a_cap_is_not_renewed_by_a_rotation(books: FakeBooks) -> None:
    """However often it is rotated, a key shares the cap of the first one; without a cap there is none to share."""
    first, _ = create_key(books, "ann", "laptop", KeyTerms(rules=RULES))
    second, _ = rotate_key(books, first.id, HOUR_MS)
    third, _ = rotate_key(books, second.id, HOUR_MS)
    other, _ = create_key(books, "ann", "phone")
    free, _ = rotate_key(books, other.id, HOUR_MS)
    assert [key.rules.cap_id for key in (first, second, third, free)] == ["", first.id, first.id, ""]


def test_a_rotation_never_makes_a_key_last_longer(books: FakeBooks) -> None:
    """What would have ended before the overlap does still; without an overlap the old one ends at once."""
    end_ms = books.clock.now_ms() + HOUR_MS
    old, _ = create_key(books, "ann", "laptop", KeyTerms(end_ms))
    new, _ = rotate_key(books, old.id, 24 * HOUR_MS)
    assert [key.expires_at_ms for key in books.keys.list_keys(None)] == [end_ms, end_ms]
    rotate_key(books, new.id, 0)
    kept = books.keys.find_key(new.id)
    assert kept is not None
    assert kept.revoked_at_ms == books.clock.now_ms()


def test_what_is_not_good_is_not_rotated(books: FakeBooks) -> None:
    """Neither a revoked key, nor one past its end, nor a plan's, which has a command of its own."""
    ended, _ = create_key(books, "ann", "laptop", KeyTerms(books.clock.now_ms()))
    revoked, _ = create_key(books, "ann", "laptop")
    revoke_key(books, revoked.id)
    for key in (ended, revoked):
        with pytest.raises(InvalidRequest, match="not good any more"):
            rotate_key(books, key.id, HOUR_MS)
    assert len(books.keys.list_keys(None)) == 2


def test_a_key_is_rotated_once(books: FakeBooks) -> None:
    """The end of its overlap is not that of another key; the one in its place can be rotated, and has the old end."""
    end_ms = books.clock.now_ms() + 100 * HOUR_MS
    old, _ = create_key(books, "ann", "laptop", KeyTerms(end_ms, RULES))
    new, _ = rotate_key(books, old.id, HOUR_MS)
    with pytest.raises(InvalidRequest, match=f"rotated already; rotate the one in its place, {new.id}"):
        rotate_key(books, old.id, HOUR_MS)
    newest, _ = rotate_key(books, new.id, HOUR_MS)
    assert newest.expires_at_ms == end_ms
    assert newest.rules == msgspec.structs.replace(RULES, cap_id=old.id)


def test_a_disabled_key_is_not_rotated(books: FakeBooks) -> None:
    """Who disabled it did not want another one to be handed out."""
    key, _ = create_key(books, "ann", "laptop")
    disable_key(books, key.id)
    with pytest.raises(InvalidRequest, match=f"is disabled; enable it before: setaria keys enable {key.id}"):
        rotate_key(books, key.id, HOUR_MS)
    assert len(books.keys.list_keys(None)) == 1


def test_a_key_is_disabled_and_enabled(books: FakeBooks) -> None:
    """Each counts as a change once; a revoked key stays what it is."""
    key, _ = create_key(books, "ann", "laptop")
    for _ in range(2):
        assert disable_key(books, key.id).disabled_at_ms == books.clock.now_ms()
    for _ in range(2):
        assert enable_key(books, key.id).disabled_at_ms is None
    assert books.keys.changes == 2
    revoke_key(books, key.id)
    with pytest.raises(InvalidRequest, match="revoked for good"):
        enable_key(books, key.id)


def test_a_deleted_key_is_gone_from_lists(books: FakeBooks) -> None:
    """It is revoked with that, and not there for any other action."""
    key, _ = create_key(books, "ann", "laptop")
    deleted = delete_key(books, key.id)
    assert (deleted.revoked_at_ms, deleted.deleted_at_ms) == (books.clock.now_ms(), books.clock.now_ms())
    assert books.keys.list_keys(None) == []
    for act in (disable_key, enable_key, revoke_key, delete_key):
        with pytest.raises(NotFound, match="no key"):
            act(books, KeyId(key.id))


@pytest.mark.parametrize("text", ["sk-SECRETSECRETlast", " tp-SECRETSECRETlast"])
@pytest.mark.parametrize("act", [disable_key, enable_key, revoke_key, delete_key, partial(rotate_key, overlap_ms=0)])
def test_a_key_in_place_of_its_id_is_never_repeated(
    books: FakeBooks, text: str, act: Callable[[FakeBooks, str], object]
) -> None:
    """What is told lands in logs and on screens: the last four characters are enough to find its id."""
    with pytest.raises(InvalidRequest, match=r"a key, not its id.* find it by its last four, last$") as refusal:
        act(books, text)
    assert "SECRET" not in str(refusal.value)


def test_rules_are_read_as_people_write_them() -> None:
    """Models by any name, networks of one address or many, each once."""
    written = WrittenRules(("tree", "oak", "seedling"), ("10.1.2.3/8", "192.0.2.7", "10.0.0.0/8", "::1"), "2.5")
    found = read_rules(FakeCatalogBook(), FIXED, written)
    networks = ("10.0.0.0/8", "192.0.2.7/32", "::1/128")
    assert found == KeyRules(("oak", "seedling"), networks, 2_500_000_000)
    assert read_rules(FakeCatalogBook(), FIXED, WrittenRules()) == KeyRules()


@pytest.mark.parametrize(
    "written, why",
    [
        (WrittenRules(models=("oka",)), "no model 'oka'; did you mean oak"),
        (WrittenRules(networks=("10.0.0.0/33",)), "networks has '10.0.0.0/33'; give an address"),
        (WrittenRules(networks=("localhost",)), "networks has 'localhost'; give an address"),
        (WrittenRules(cap="0"), "cap is 0; it must be above 0"),
        (WrittenRules(cap="-1"), "cap is '-1'; give a decimal number"),
    ],
)
def test_rules_that_can_t_be_are_refused(written: WrittenRules, why: str) -> None:
    """The refusal names what is wrong and what is allowed."""
    with pytest.raises(InvalidRequest, match=why):
        read_rules(FakeCatalogBook(), FIXED, written)


@pytest.mark.parametrize(
    "text, expected", [("0", 0), ("90s", 90_000), ("30m", 1_800_000), ("24h", 86_400_000), ("7d", 604_800_000)]
)
def test_lengths_of_time_are_read(text: str, expected: int) -> None:
    """A whole number and a unit."""
    assert expected == read_duration(text, "overlap")


@pytest.mark.parametrize("text", ["", "1", "-1h", "1.5h", "1w", "h", "1 h", "123456h"])
def test_other_lengths_are_refused(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(InvalidRequest, match="overlap is '"):
        read_duration(text, "overlap")


def test_an_end_is_to_come() -> None:
    """Of a day its last moment counts; what is past is refused."""
    now_ms = 1_795_392_000_000
    assert read_end("2026-11-23", "expires", now_ms) == now_ms + 24 * HOUR_MS
    assert read_end("2026-11-23T01:00:00Z", "expires", now_ms) == now_ms + HOUR_MS
    with pytest.raises(InvalidRequest, match="which is past"):
        read_end("2026-11-23T00:00:00Z", "expires", now_ms)
    assert read_end("9999-12-30", "expires", now_ms) == read_end("9999-12-31T00:00Z", "expires", now_ms)
    with pytest.raises(InvalidRequest, match="expires is '9999-12-31'; give a day from 1970-01-01 to 9999-12-30"):
        read_end("9999-12-31", "expires", now_ms)
