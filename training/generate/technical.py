"""Technical: paths, addresses, ids and code, as they stand in what people ask of a machine."""

import string

from training.generate.draw import Draw
from training.generate.phrases import number, short, word

_DOMAINS = (".com", ".org", ".net", ".io", ".dev", ".co.uk", ".de", ".app")
_OPERATORS = (" + ", " - ", " * ", " / ", "+", "*", "-")


def symbol(draw: Draw) -> str:
    """Name a thing in code."""
    first = word(draw)
    return draw.one((first, f"{first}_{word(draw)}", first + word(draw).capitalize(), f"{first}.{word(draw)}"))


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


def folder(draw: Draw) -> str:
    """Make the path of a folder."""
    if draw.chance(0.06):
        return draw.one((".", "/tmp", "..", "~"))
    steps = [draw.word("folder") if draw.chance(0.6) else draw.invented_word() for _ in range(draw.whole(1, 3))]
    return draw.one(("/", "/", "./", "", "~/")) + "/".join(steps)


def file(draw: Draw) -> str:
    """Make the name or the path of a file."""
    name = f"{_stem(draw)}.{draw.word('extension')}"
    return name if draw.chance(0.35) else f"{folder(draw).rstrip('/')}/{name}"


def pattern(draw: Draw) -> str:
    """Make a pattern of file names."""
    end = draw.word("extension")
    return draw.one(
        (f"*.{end}", f"**/*.{end}", f"{_stem(draw)}*", f"*{_stem(draw)}*.{end}", f"{draw.word('folder')}/*")
    )


def email(draw: Draw) -> str:
    """Make an email address."""
    name = word(draw).lower()
    if draw.chance(0.5):
        name += draw.one(("", ".", "_", "-")) + word(draw).lower()
    host = draw.one(("example", "mail", "corp")) if draw.chance(0.3) else word(draw).lower()
    return f"{name}@{host}{draw.one(_DOMAINS)}"


def identifier(draw: Draw) -> str:
    """Make an id of letters, digits or both."""
    turn = draw.random.random()
    if turn < 0.4:
        letters = "".join(draw.one(string.ascii_uppercase) for _ in range(draw.whole(1, 4)))
        return f"{letters}{draw.one(('-', '-', '', '_'))}{draw.whole(10, 99999)}"
    if turn < 0.65:
        return "".join(draw.one(string.ascii_lowercase + string.digits) for _ in range(draw.whole(4, 10)))
    if turn < 0.75:
        return f"{word(draw).lower()}-{draw.whole(1, 999)}"
    return str(draw.whole(1000, 9999999))


def url(draw: Draw) -> str:
    """Make an address on the web."""
    path = "".join(f"/{word(draw).lower()}" for _ in range(draw.one((0, 0, 1, 2))))
    return (
        f"{draw.one(('https://', 'https://', 'http://', 'https://www.'))}{word(draw).lower()}{draw.one(_DOMAINS)}{path}"
    )


def command(draw: Draw) -> str:
    """Make a shell command."""
    turn = draw.random.random()
    if turn < 0.35:
        return draw.word("program")
    if turn < 0.55:
        return _long_command(draw)
    if turn < 0.8:
        verb = draw.one(("python", "cat", "bash", "node", "rm", "touch", "git add", "pytest", "wc -l", "head -n 20"))
        return f"{verb} {file(draw)}"
    return draw.one((f"echo {short(draw)}", f"mkdir -p {folder(draw)}", f"grep -rn {word(draw)} {folder(draw)}"))


def _long_command(draw: Draw) -> str:
    """Make a command with flags, marks and patterns."""
    name = word(draw).lower()
    return draw.one(
        (
            f"find {folder(draw)} -name '{name}*'",
            f'find . -type f -name "*{name}*"',
            f"grep -c '{name}' {file(draw)}",
            f"ls -la {folder(draw)} | head -n {draw.whole(2, 40)}",
            f"tar czf {name}.tgz {folder(draw)}",
            f"sed -n '{draw.whole(1, 9)},{draw.whole(10, 99)}p' {file(draw)}",
            f"awk '{{print ${draw.whole(1, 9)}}}' {file(draw)}",
            f"curl -s {url(draw)}",
            f"git log --oneline -{draw.whole(2, 30)}",
            f"git commit -am '{short(draw)}'",
            f"chmod +x {file(draw)}",
            f"kill -9 {draw.whole(100, 65000)}",
            f"du -sh {folder(draw)}/* | sort -h",
            f"sort {file(draw)} | uniq -c",
            f"export {name.upper()}={draw.whole(1, 999)}",
        )
    )


def query(draw: Draw) -> str:
    """Make a SQL query."""
    shape = draw.one(
        (
            "SELECT * FROM {table}",
            "SELECT {field} FROM {table} LIMIT {count}",
            "SELECT COUNT(*) FROM {table}",
            "DELETE FROM {table} WHERE id = {count}",
            "select {field} from {table} where {other} = '{word}'",
        )
    )
    table, field, other = (word(draw).lower() for _ in range(3))
    return shape.format(table=table, field=field, other=other, word=word(draw), count=draw.whole(1, 999))


def code(draw: Draw) -> str:
    """Make a line of Python."""
    return draw.one(
        (
            f"print({draw.whole(1, 99)} + {draw.whole(1, 99)})",
            f"print('{short(draw)}')",
            f"len('{word(draw)}')",
            f"sum(range({draw.whole(2, 999)}))",
            f"{word(draw).lower()} = {draw.whole(1, 99)}",
            f"print({draw.whole(2, 20)} ** {draw.whole(2, 9)})",
        )
    )


def expression(draw: Draw) -> str:
    """Make an arithmetic expression."""
    parts = [str(number(draw))]
    operator = draw.one(_OPERATORS)
    for _ in range(draw.whole(1, 3)):
        parts += [operator if draw.chance(0.6) else draw.one(_OPERATORS), str(number(draw))]
    return "".join(parts)


def version(draw: Draw) -> str:
    """Make a version number."""
    return ".".join(str(draw.whole(0, 20)) for _ in range(draw.whole(2, 3)))


def host(draw: Draw) -> str:
    """Make a host name or address."""
    return ip(draw) if draw.chance(0.4) else f"{word(draw).lower()}{draw.one(_DOMAINS)}"


def ip(draw: Draw) -> str:
    """Make an IP address."""
    return ".".join(str(draw.whole(1, 254)) for _ in range(4))


def letters(draw: Draw) -> str:
    """Draw two to five capital letters."""
    return "".join(draw.one(string.ascii_uppercase) for _ in range(draw.whole(2, 5)))


def flight(draw: Draw) -> str:
    """Make a flight number."""
    return "".join(draw.one(string.ascii_uppercase) for _ in range(2)) + str(draw.whole(10, 9999))


def coupon(draw: Draw) -> str:
    """Make a coupon code."""
    return word(draw).upper() + str(draw.whole(1, 99))


def repository(draw: Draw) -> str:
    """Make a repository name with its owner."""
    return f"{word(draw).lower()}/{word(draw).lower()}"


def branch(draw: Draw) -> str:
    """Make the name of a branch."""
    return draw.one(
        ("main", "develop", f"feature/{word(draw)}", f"fix-{word(draw)}", word(draw), f"release/{version(draw)}")
    )


def service(draw: Draw) -> str:
    """Make the name of a service."""
    return draw.one((word(draw), f"{word(draw)}-{draw.one(('api', 'worker', 'service', 'db'))}"))


def channel(draw: Draw) -> str:
    """Make the name of a chat channel."""
    return ("#" if draw.chance(0.4) else "") + word(draw).lower()


def username(draw: Draw) -> str:
    """Make a user name."""
    return word(draw).lower() + (str(draw.whole(1, 99)) if draw.chance(0.4) else "")
