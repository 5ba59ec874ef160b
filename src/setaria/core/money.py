"""Money: amounts as whole numbers of nano-units of the currency, and how they are written and read."""

import re

from setaria.core.errors import InvalidRequest

CURRENCY = "USD"

_NANO = 1_000_000_000
_NANO_DIGITS = 9
_MILLI = 1_000
_LEAST_DIGITS = 2
_AMOUNT = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,9}))?")
_SHOWN = 40


def decimal_from_nano(amount_nano: int) -> str:
    """Write an amount exactly, with two digits after the point or as many more as it has.

    Examples: 12,500,000,000 is `12.50`; 1 is `0.000000001`; 0 is `0.00`; -435,000 is `-0.000435`.
    """
    sign = "-" if amount_nano < 0 else ""
    whole, rest = divmod(abs(amount_nano), _NANO)
    digits = f"{rest:0{_NANO_DIGITS}}".rstrip("0").ljust(_LEAST_DIGITS, "0")
    return f"{sign}{whole}.{digits}"


def decimal_from_millicredits(amount_millicredits: int) -> str:
    """Write credits exactly, with as many digits after the point as they have.

    Examples: 2,500 is `2.5`; 300,000 is `300`; -1 is `-0.001`.
    """
    sign = "-" if amount_millicredits < 0 else ""
    whole, rest = divmod(abs(amount_millicredits), _MILLI)
    digits = f".{rest:03}".rstrip("0").rstrip(".")
    return f"{sign}{whole}{digits}"


def nano_from_decimal(text: str, param: str = "amount") -> int:
    """Read an amount exactly: up to 9 digits before the point and 9 after it, and nothing else.

    Examples: `12.5` is 12,500,000,000; `0.000000001` is 1; `-1`, `1e3`, `.5`, `1,000` and `nan` are refused.
    Raises: InvalidRequest, which names `param`.
    """
    found = _AMOUNT.fullmatch(text)
    if found is None:
        raise InvalidRequest(
            f"{param} is {text[:_SHOWN]!r}; give a decimal number such as 12.50, without a sign and with up to 9 "
            "digits on each side of the point",
            param=param,
        )
    return int(found[1]) * _NANO + int((found[2] or "").ljust(_NANO_DIGITS, "0"))


def signed_nano_from_decimal(text: str, param: str = "amount") -> int:
    """Read an amount as `nano_from_decimal` does, which may have a minus before it.

    Raises: InvalidRequest, which names `param`.
    """
    return -nano_from_decimal(text[1:], param) if text.startswith("-") else nano_from_decimal(text, param)
