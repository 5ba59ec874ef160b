"""Foreign words: makes what a model server says fit to be handed on."""

import re

_LIMIT_CHARS = 500
_HIDDEN = "[hidden]"
_SECRETS = re.compile(
    r"(?i:bearer)\s+\S+"  # a credential as a header carries it
    r"|(?<=://)[^\s/@]+@"  # user and password of a URL
    r"|\b(?:sk|pk|tp|ak|rk|gsk|xai|hf|nvapi|key|AIza)[-_][-\w*]{6,}"  # keys by their usual beginnings
    r"|\b(?=\w*\d)(?=\w*[A-Za-z])\w{32,}"  # anything as long and as mixed as a key
)


def clean_words(text: str) -> str:
    """Hide what looks like a key, make it one line, cut it to 500 characters."""
    line = " ".join(_SECRETS.sub(_HIDDEN, text).split())
    return line if len(line) <= _LIMIT_CHARS else line[: _LIMIT_CHARS - 1] + "…"
