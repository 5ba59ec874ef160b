"""Banner: what a person reads when the server is ready."""

import ipaddress
import sys

from setaria import __version__
from setaria.bootstrap.catalog import SEEDLING, build_catalog
from setaria.bootstrap.first_key import first_key_file
from setaria.config import Settings
from setaria.domain.catalog.model import Model

AS_BEFORE = "as before; `setaria keys create` makes another"


def base_url_of(settings: Settings, port: int) -> str:
    """Give the address that callers use: the public one if it is set, else the one that is listened on."""
    return settings.server.public_url or f"http://{_reachable(settings.server.host)}:{port}"


def write_banner(settings: Settings, base: str, first_key: str) -> None:
    """Tell on standard output where the server is and how it is tried.

    The first key is shown to a person at a terminal only; else it stays in its private file in the data folder.
    Raises: OSError when nothing can be written there.
    """
    shown_key = first_key if sys.stdout.isatty() else ""
    model = build_catalog(settings).models[0]
    lines = [
        f"Setaria {__version__} is ready.",
        f"  OpenAI base URL      {base}/v1",
        f"  Anthropic base URL   {base}/anthropic",
        f"  API key              {shown_key or _find_key(settings, first_key)}",
        f"  Model                {_describe(model)}",
        "  Try it:",
        f"    {_try_it(base, shown_key, model)}",
    ]
    if shown_key:
        lines[3] += "      shown this once; `setaria keys create` makes another"
    warning = _warn(settings)
    if warning:
        lines.append(f"  Warning: {warning}")
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
    if shown_key:
        first_key_file(settings).unlink(missing_ok=True)


def _describe(model: Model) -> str:
    """Name a model, and say where to find a better one when it is the built-in one."""
    hint = "connect a real one: docs/operations.md" if model.id == SEEDLING else ""
    return f"{model.id:<9} " + "; ".join(filter(None, (model.description, hint)))


def _find_key(settings: Settings, first_key: str) -> str:
    """Say where the key is that is not shown."""
    file = first_key_file(settings)
    if not file.exists():
        return AS_BEFORE
    why = ", for standard output is no terminal" if first_key else ""
    return f"in {file}{why}; keep it and delete the file"


def _try_it(base: str, key: str, model: Model) -> str:
    question = f'{{"model":"{model.id}","messages":[{{"role":"user","content":"What is Setaria?"}}]}}'
    return f"""curl {base}/v1/chat/completions -H "Authorization: Bearer {key or "$API_KEY"}" -d '{question}'"""


def _reachable(host: str) -> str:
    """Give an address to connect to for one to listen on."""
    if host == "0.0.0.0":  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    if host == "::":
        return "[::1]"
    return f"[{host}]" if ":" in host else host


def _warn(settings: Settings) -> str:
    """Say what is unsafe in the way the server listens."""
    try:
        loopback = ipaddress.ip_address(settings.server.host).is_loopback
    except ValueError:
        loopback = settings.server.host == "localhost"
    if loopback or settings.server.public_url.startswith("https://"):
        return ""
    return "keys travel in the clear beyond this machine; put a TLS proxy in front and set server.public_url"
