"""Menu: the models that visitors ask for, each with a server that goes wrong in its own way."""

from typing import NamedTuple

QUICK = "{ first_token_s = 1, between_tokens_s = 1, total_s = 3 }"


class Dish(NamedTuple):
    """One model: its name, what its servers do, and how often it is asked for against the others."""

    name: str
    scenarios: tuple[str, ...]
    weight: int
    more: str = ""
    upstream: str = ""


MENU = (
    Dish("well", ("text:gap_ms=2",), 20),
    Dish("thinking", ("thinking",), 6),
    Dish("tools", ("parallel",), 5),
    Dish("long", ("text:tokens=150:gap_ms=10",), 12),
    Dish("huge", ("huge",), 2),
    Dish("bytewise", ("unicode:bytewise",), 3),
    Dish("crlf", ("text:crlf:comments",), 3),
    Dish("slow", ("text:head_delay_ms=300:first_delay_ms=300",), 4),
    Dish("until-close", ("text:framing=until_close",), 2),
    Dish("closes", ("text:close",), 2),
    Dish("dead", ("text:dead",), 2),
    Dish("usage-missing", ("text:usage=missing",), 2),
    Dish("usage-double", ("text:usage=double",), 2),
    Dish("usage-negative", ("text:usage=negative",), 2),
    Dish("same-index", ("parallel:same_index",), 1),
    Dish("queue", ("text:gap_ms=5",), 6, upstream="capped"),
    Dish("drain", ("text:tokens=100:gap_ms=5",), 4, 'on_client_gone = "drain"'),
    Dish("spare", ("text:status=500:every=2", "text"), 5),
    Dish("cut", ("text:cut=900:every=2",), 4),
    Dish("reset", ("text:cut=900:reset:every=2",), 4),
    Dish("cut-early", ("text:cut=40:every=3",), 3),
    Dish("error", ("text:error_after=5:every=2",), 4),
    Dish("broken", ("text:broken_after=4:every=2",), 3),
    Dish("silent", ("text:silent:every=4",), 2, f"timeouts = {QUICK}"),
    Dish("falls-silent", ("text:hang_after=5:every=3",), 3, f"timeouts = {QUICK}"),
    Dish("500", ("text:status=500:every=3",), 3),
    Dish("429", ("text:status=429:retry_after=1:every=3",), 3),
    Dish("400", ("text:status=400:every=2",), 2),
    Dish("garbage", ("text:garbage:every=3",), 2),
    Dish("big-head", ("text:big_head=100000:every=3",), 2),
    Dish("away", ("text",), 1, upstream="away"),
)
KINDS = (("openai", "/v1"), ("anthropic", ""))


def write_config(port: int, away_port: int) -> str:
    """Write the configuration: every dish at servers of both protocols, so that each client meets both paths."""
    lines: list[str] = []
    for place, at, more in (("there", port, ""), ("capped", port, "concurrency = 3"), ("away", away_port, "")):
        for kind, path in KINDS:
            base_url = f"http://127.0.0.1:{at}{path}"
            lines += ["[[upstreams]]", f'name = "{kind}-{place}"', f'kind = "{kind}"', f'base_url = "{base_url}"', more]
    for dish in MENU:
        for kind, _ in KINDS:
            lines += ["[[models]]", f'id = "{dish.name}-{kind}"', 'capabilities = ["tools", "thinking"]', dish.more]
            for number, scenario in enumerate(dish.scenarios):
                lines += ["[[models.deployments]]", f'upstream = "{kind}-{dish.upstream or "there"}"']
                lines += [f'model = "{scenario}:row={dish.name}-{kind}-{number}"']
    return "\n".join(lines)
