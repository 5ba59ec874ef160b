"""Values: what arguments, results and facts are filled with, by kind. None of them is held out for the evaluation."""

import string
from collections.abc import Callable

from training.generate.draw import Draw
from training.generate.sample import Value
from training.held_out import is_held_out

_DOMAINS = (".com", ".org", ".net", ".io", ".dev", ".co.uk", ".de", ".app")
_OPERATORS = (" + ", " - ", " * ", " / ", "+", "*", "-")
_UNITS = ("km", "miles", "kg", "pounds", "meters", "feet", "liters", "gallons", "grams", "ounces", "celsius", "inches")
_LABELS = ("bug", "feature", "docs", "question", "urgent", "wontfix", "help wanted")
_CRYPTO = ("bitcoin", "ethereum", "solana", "dogecoin", "litecoin", "monero")
_MAIL_FOLDERS = ("inbox", "archive", "drafts", "spam", "sent")
_DEVICES = ("speaker", "tv", "phone", "radio", "headphones", "soundbar")
_DOORS = ("front", "back", "garage", "cellar", "side", "garden")
_ZONES = ("front garden", "backyard", "greenhouse", "lawn", "terrace", "rose bed")
_PLACES = ("pharmacy", "cafe", "gas station", "hospital", "bank", "supermarket", "park", "bakery", "gym", "library")
_CARRIERS = ("DHL", "UPS", "FedEx", "USPS", "DPD", "GLS")
_JOBS = ("nurse", "teacher", "cook", "driver", "plumber", "designer", "accountant", "data engineer", "web developer")
_CODES = ("en", "de", "fr", "es", "it", "zh", "ja", "pt", "ru", "ar")
_MEDICINES = ("aspirin", "vitamin D", "ibuprofen", "iron", "insulin", "magnesium")
_DEPARTMENTS = ("sales", "marketing", "finance", "support", "legal", "research", "human resources", "logistics")
_CATEGORIES = ("food", "travel", "rent", "books", "clothes", "fuel", "gifts", "office supplies", "groceries")
_STREETS = ("Street", "Road", "Avenue", "Lane", "Square", "Boulevard")


def draw_value(draw: Draw, kind: str) -> Value:
    """Draw a value of this kind, again and again until it is not held out.

    Raises: KeyError for a kind that is not known.
    """
    while True:
        value = _KINDS[kind](draw)
        if not _is_forbidden(value):
            return value


def draw_text(draw: Draw, kind: str) -> str:
    """Draw a value of this kind as the text that a person writes for it."""
    return spoken(draw, draw_value(draw, kind))


def spoken(draw: Draw, value: Value) -> str:
    """Write a value as a person does: lists with commas and `and`."""
    if isinstance(value, list):
        items = [str(item) for item in value]
        last = draw.one((" and ", ", ", ", and ")) if len(items) > 1 else ""
        return ", ".join(items[:-1]) + last + items[-1]
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _is_forbidden(value: Value) -> bool:
    if isinstance(value, list):
        return any(_is_forbidden(item) for item in value)
    return isinstance(value, str) and is_held_out(value)


def _city(draw: Draw) -> str:
    turn = draw.random.random()
    if turn < 0.42:
        return draw.word("city")
    if turn < 0.5:
        return draw.word("place")
    return (draw.one(("New ", "Old ", "Port ", "San ", "Upper ", "East ")) if turn < 0.6 else "") + draw.name()


def _person(draw: Draw) -> str:
    first = draw.word("given") if draw.chance(0.5) else draw.name()
    if draw.chance(0.6):
        return first
    return f"{first} {draw.word('family') if draw.chance(0.6) else draw.name()}"


def _surname(draw: Draw) -> str:
    return draw.one(("Dr. ", "Doctor ", "", "", "")) + (draw.word("family") if draw.chance(0.5) else draw.name())


def _text(draw: Draw) -> str:
    if draw.chance(0.3):
        words = [draw.invented_word() for _ in range(draw.whole(1, 6))]
    elif draw.chance(0.35):
        words = _sentence(draw).split()
    else:
        words = [draw.plain_word() if draw.chance(0.85) else draw.invented_word() for _ in range(draw.whole(1, 6))]
    text = " ".join(words)
    if draw.chance(0.25):
        text = text[:1].upper() + text[1:]
    return text + (draw.one(("!", "?", ".")) if draw.chance(0.08) else "")


def _sentence(draw: Draw) -> str:
    """Make a short sentence that is grammatical, if not wise."""
    noun, other = draw.word("noun"), draw.word("noun")
    shape = draw.one(
        (
            "I {verb} the {noun} {adverb}",
            "the {noun} is {adjective}",
            "please {verb} the {adjective} {noun}",
            "we will {verb} it {adverb}",
            "{verb} the {noun} and the {other}",
            "my {noun} needs a {adjective} {other}",
            "see you {adverb}",
            "do not {verb} the {noun}",
            "is the {noun} {adjective}",
            "{verb} {count} {noun}s for {name}",
        )
    )
    return shape.format(
        noun=noun,
        other=other,
        verb=draw.word("verb"),
        adjective=draw.word("adjective"),
        adverb=draw.word("adverb"),
        count=draw.whole(2, 40),
        name=draw.word("given"),
    )


def _short(draw: Draw) -> str:
    words = [draw.plain_word() if draw.chance(0.7) else draw.invented_word() for _ in range(draw.whole(1, 3))]
    return " ".join(words)


def _word(draw: Draw) -> str:
    return draw.plain_word() if draw.chance(0.5) else draw.invented_word()


def _symbol(draw: Draw) -> str:
    first = _word(draw)
    return draw.one((first, f"{first}_{_word(draw)}", first + _word(draw).capitalize(), f"{first}.{_word(draw)}"))


def _integer(draw: Draw) -> int:
    return draw.one((draw.whole(1, 12), draw.whole(2, 99), draw.whole(2, 99), draw.whole(10, 999), draw.whole(1, 99999)))


def _small(draw: Draw) -> int:
    return draw.whole(1, 12) if draw.chance(0.6) else draw.whole(2, 99)


def _number(draw: Draw) -> int | float:
    if draw.chance(0.6):
        return _integer(draw)
    value = round(draw.random.uniform(0.1, 900), draw.one((1, 2)))
    return int(value) if value == int(value) else value


def _date(draw: Draw) -> str:
    return f"20{draw.whole(19, 35)}-{draw.whole(1, 12):02d}-{draw.whole(1, 28):02d}"


def _time(draw: Draw) -> str:
    return f"{draw.whole(0, 23):02d}:{draw.whole(0, 59) if draw.chance(0.4) else draw.one((0, 15, 30, 45)):02d}"


def _stem(draw: Draw) -> str:
    turn = draw.whole(0, 4)
    if turn == 0:
        return draw.plain_word()
    if turn == 1:
        return draw.invented_word()
    if turn == 2:
        return f"{draw.plain_word()}{draw.one('_-')}{draw.plain_word()}"
    if turn == 3:
        return draw.invented_word() + str(draw.whole(1, 99))
    return draw.plain_word().capitalize()


def _folder(draw: Draw) -> str:
    if draw.chance(0.06):
        return draw.one((".", "/tmp", "..", "~"))
    steps = [draw.word("folder") if draw.chance(0.6) else draw.invented_word() for _ in range(draw.whole(1, 3))]
    return draw.one(("/", "/", "./", "", "~/")) + "/".join(steps)


def _file(draw: Draw) -> str:
    name = f"{_stem(draw)}.{draw.word('extension')}"
    return name if draw.chance(0.35) else f"{_folder(draw).rstrip('/')}/{name}"


def _pattern(draw: Draw) -> str:
    end = draw.word("extension")
    return draw.one((f"*.{end}", f"**/*.{end}", f"{_stem(draw)}*", f"*{_stem(draw)}*.{end}", f"{draw.word('folder')}/*"))


def _email(draw: Draw) -> str:
    name = _word(draw).lower()
    if draw.chance(0.5):
        name += draw.one(("", ".", "_", "-")) + _word(draw).lower()
    host = draw.one(("example", "mail", "corp")) if draw.chance(0.3) else _word(draw).lower()
    return f"{name}@{host}{draw.one(_DOMAINS)}"


def _identifier(draw: Draw) -> str:
    turn = draw.random.random()
    if turn < 0.4:
        letters = "".join(draw.one(string.ascii_uppercase) for _ in range(draw.whole(1, 4)))
        return f"{letters}{draw.one(('-', '-', '', '_'))}{draw.whole(10, 99999)}"
    if turn < 0.65:
        return "".join(draw.one(string.ascii_lowercase + string.digits) for _ in range(draw.whole(4, 10)))
    if turn < 0.75:
        return f"{_word(draw).lower()}-{draw.whole(1, 999)}"
    return str(draw.whole(1000, 9999999))


def _url(draw: Draw) -> str:
    path = "".join(f"/{_word(draw).lower()}" for _ in range(draw.one((0, 0, 1, 2))))
    return f"{draw.one(('https://', 'https://', 'http://', 'https://www.'))}{_word(draw).lower()}{draw.one(_DOMAINS)}{path}"


def _command(draw: Draw) -> str:
    turn = draw.random.random()
    if turn < 0.35:
        return draw.word("program")
    if turn < 0.75:
        verb = draw.one(("python", "cat", "bash", "node", "rm", "touch", "git add", "pytest", "wc -l", "head -n 20"))
        return f"{verb} {_file(draw)}"
    return draw.one((f"echo {_short(draw)}", f"mkdir -p {_folder(draw)}", f"grep -rn {_word(draw)} {_folder(draw)}"))


def _query(draw: Draw) -> str:
    table, field = _word(draw).lower(), _word(draw).lower()
    return draw.one(
        (
            f"SELECT * FROM {table}",
            f"SELECT {field} FROM {table} LIMIT {draw.whole(1, 99)}",
            f"SELECT COUNT(*) FROM {table}",
            f"DELETE FROM {table} WHERE id = {draw.whole(1, 999)}",
            f"select {field} from {table} where {_word(draw).lower()} = '{_word(draw)}'",
        )
    )


def _code(draw: Draw) -> str:
    return draw.one(
        (
            f"print({draw.whole(1, 99)} + {draw.whole(1, 99)})",
            f"print('{_short(draw)}')",
            f"len('{_word(draw)}')",
            f"sum(range({draw.whole(2, 999)}))",
            f"{_word(draw).lower()} = {draw.whole(1, 99)}",
            f"print({draw.whole(2, 20)} ** {draw.whole(2, 9)})",
        )
    )


def _expression(draw: Draw) -> str:
    parts = [str(_number(draw))]
    operator = draw.one(_OPERATORS)
    for _ in range(draw.whole(1, 3)):
        parts += [operator if draw.chance(0.6) else draw.one(_OPERATORS), str(_number(draw))]
    return "".join(parts)


def _phone(draw: Draw) -> str:
    digits = "".join(draw.one(string.digits) for _ in range(draw.whole(6, 10)))
    return draw.one((f"+{draw.whole(1, 99)}{digits}", digits, f"+{draw.whole(1, 99)} {digits}", f"555-{digits[:4]}"))


def _address(draw: Draw) -> str:
    street = draw.name() if draw.chance(0.6) else draw.word("noun").capitalize()
    base = f"{draw.whole(1, 199)} {street} {draw.one(_STREETS)}"
    return f"{base}, {_city(draw)}" if draw.chance(0.4) else base


def _version(draw: Draw) -> str:
    return ".".join(str(draw.whole(0, 20)) for _ in range(draw.whole(2, 3)))


def _host(draw: Draw) -> str:
    return _ip(draw) if draw.chance(0.4) else f"{_word(draw).lower()}{draw.one(_DOMAINS)}"


def _ip(draw: Draw) -> str:
    return ".".join(str(draw.whole(1, 254)) for _ in range(4))


def _letters(draw: Draw) -> str:
    return "".join(draw.one(string.ascii_uppercase) for _ in range(draw.whole(2, 5)))


def _flight(draw: Draw) -> str:
    return "".join(draw.one(string.ascii_uppercase) for _ in range(2)) + str(draw.whole(10, 9999))


def _coupon(draw: Draw) -> str:
    return _word(draw).upper() + str(draw.whole(1, 99))


def _road(draw: Draw) -> str:
    return draw.one((f"A{draw.whole(1, 99)}", f"Highway {draw.whole(1, 199)}", f"{draw.name()} {draw.one(_STREETS)}"))


def _stop(draw: Draw) -> str:
    return draw.one((draw.name(), f"{draw.name()} {draw.one(_STREETS)}", f"{draw.word('noun').capitalize()} Station"))


def _line(draw: Draw) -> str:
    return draw.one((str(draw.whole(1, 300)), f"{draw.one('MXNS')}{draw.whole(1, 40)}"))


def _repository(draw: Draw) -> str:
    return f"{_word(draw).lower()}/{_word(draw).lower()}"


def _branch(draw: Draw) -> str:
    return draw.one(("main", "develop", f"feature/{_word(draw)}", f"fix-{_word(draw)}", _word(draw), f"release/{_version(draw)}"))


def _service(draw: Draw) -> str:
    return draw.one((_word(draw), f"{_word(draw)}-{draw.one(('api', 'worker', 'service', 'db'))}"))


def _question(draw: Draw) -> str:
    return draw.one(("Which {} is best", "Do we need a {}", "Who likes the {}", "When is the {}")).format(_short(draw)) + "?"


def _listed(values: tuple[str, ...]) -> Callable[[Draw], str]:
    """Make a kind that mostly takes from a list and sometimes makes up a word."""
    return lambda draw: draw.one(values) if draw.chance(0.7) else _short(draw)


def _named(kind: str) -> Callable[[Draw], str]:
    """Make a kind that mostly takes from the vocabulary and sometimes makes up a word."""
    return lambda draw: draw.word(kind) if draw.chance(0.7) else draw.name()


def _items(draw: Draw) -> list[Value]:
    many = draw.whole(2, 4)
    return list(dict.fromkeys(_word(draw) if draw.chance(0.6) else _short(draw) for _ in range(many)))


def _channel(draw: Draw) -> str:
    return ("#" if draw.chance(0.4) else "") + _word(draw).lower()


def _username(draw: Draw) -> str:
    return _word(draw).lower() + (str(draw.whole(1, 99)) if draw.chance(0.4) else "")


_KINDS: dict[str, Callable[[Draw], Value]] = {
    "account": lambda draw: draw.one((_identifier(draw), _short(draw))),
    "address": _address,
    "branch": _branch,
    "carrier": _listed(_CARRIERS),
    "category": _listed(_CATEGORIES),
    "channel": _channel,
    "city": _city,
    "code": _code,
    "coin": _listed(_CRYPTO),
    "color": _listed(("red", "green", "blue", "white", "yellow", "purple", "orange", "pink")),
    "command": _command,
    "country": _named("country"),
    "coupon": _coupon,
    "cuisine": _named("cuisine"),
    "currency": lambda draw: draw.word("currency") if draw.chance(0.8) else _letters(draw)[:3],
    "date": _date,
    "department": _listed(_DEPARTMENTS),
    "device": _listed(_DEVICES),
    "dish": _named("dish"),
    "door": _listed(_DOORS),
    "email": _email,
    "expression": _expression,
    "file": _file,
    "flight": _flight,
    "folder": _folder,
    "host": _host,
    "id": _identifier,
    "integer": _integer,
    "ip": _ip,
    "items": _items,
    "job": _listed(_JOBS),
    "label": _listed(_LABELS),
    "language": _named("language"),
    "language_code": _listed(_CODES),
    "line": _line,
    "mail_folder": _listed(_MAIL_FOLDERS),
    "medicine": _listed(_MEDICINES),
    "number": _number,
    "pattern": _pattern,
    "person": _person,
    "phone": _phone,
    "place_kind": _listed(_PLACES),
    "query": _query,
    "question": _question,
    "repository": _repository,
    "road": _road,
    "room": _named("room"),
    "service": _service,
    "short": _short,
    "small": _small,
    "software": _named("software"),
    "stop": _stop,
    "surname": _surname,
    "symbol": _symbol,
    "text": _text,
    "ticker": _letters,
    "time": _time,
    "unit": lambda draw: draw.one(_UNITS) if draw.chance(0.8) else _word(draw),
    "url": _url,
    "username": _username,
    "version": _version,
    "word": _word,
    "year": lambda draw: draw.whole(1950, 2035),
    "zone": _listed(_ZONES),
}
