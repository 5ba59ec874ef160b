"""Money: amounts as whole numbers of nano-units of the currency, and how they are written."""

CURRENCY = "USD"

_NANO = 1_000_000_000
_NANO_DIGITS = 9
_MILLI = 1_000
_LEAST_DIGITS = 2


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
