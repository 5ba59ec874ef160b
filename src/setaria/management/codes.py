"""Codes: what people do with redeem codes."""

from setaria.core.clock import iso_from_ms
from setaria.core.errors import InvalidRequest, NotFound
from setaria.core.ids import new_batch_id
from setaria.core.money import decimal_from_nano
from setaria.domain.ledger.allowances import Entry
from setaria.domain.ledger.codes import Code, CodeTerms, make_code, read_code
from setaria.management.accounts import find_open_account
from setaria.management.books import MoneyBooks
from setaria.management.entries import Payment
from setaria.management.purses import top_up

CODE = "code"
MAX_CODES = 10_000


def create_codes(books: MoneyBooks, amount_nano: int, count: int, expires_at_ms: int | None) -> list[tuple[Code, str]]:
    """Make a batch of redeem codes.

    Gives: each code, and its text, which nobody can tell again later.
    Raises: InvalidRequest when the amount is not above 0, or the count not 1 to 10,000.
    """
    if amount_nano <= 0:
        raise InvalidRequest(f"the amount is {decimal_from_nano(amount_nano)}; it must be above 0", param="amount")
    if not 1 <= count <= MAX_CODES:
        raise InvalidRequest(f"count is {count}; allowed: 1 to {MAX_CODES}", param="count")
    terms = CodeTerms(new_batch_id(), amount_nano, books.clock.now_ms(), expires_at_ms)
    made = [make_code(books.ring, terms) for _ in range(count)]
    for code, _ in made:
        books.codes.add_code(code)
    return made


def redeem_code(books: MoneyBooks, account: str, text: str) -> Entry:
    """Put what a code is worth into an account's cash; of several that redeem it at once, one gets it.

    Raises: NotFound when there is no such account or code; InvalidRequest when the account is closed, or the code was
    redeemed before or is past its end.
    """
    owner = find_open_account(books.accounts, account)
    code = _find_code(books, text)
    now_ms = books.clock.now_ms()
    if not books.codes.redeem_code(code.digest, owner.id, now_ms):
        raise InvalidRequest(_why_not(code, now_ms), param="code")
    return top_up(books, owner.id, Payment(code.amount_nano, "redeem code", CODE, code.id), "redeem")


def list_codes(books: MoneyBooks, batch: str | None) -> list[Code]:
    """List the codes of one batch, or with None of all, oldest first.

    Raises: NotFound when there is no such batch.
    """
    codes = books.codes.list_codes(batch)
    if batch is not None and not codes:
        raise NotFound(f"there is no batch {batch[:100]!r} of codes; `setaria codes list` shows them all")
    return codes


def _find_code(books: MoneyBooks, text: str) -> Code:
    for digest in read_code(books.ring, text):
        code = books.codes.find_code(digest)
        if code is not None:
            return code
    raise NotFound("there is no such redeem code; copy it again as a whole: 20 letters and digits")


def _why_not(code: Code, now_ms: int) -> str:
    if code.expires_at_ms is not None and code.expires_at_ms <= now_ms:
        return f"this redeem code could be used until {iso_from_ms(code.expires_at_ms - 1)}"
    return "this redeem code was used before"
