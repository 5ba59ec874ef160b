"""Markers: finds marks such as `</think>` in text that comes in pieces.

Every mark begins with `<` and none is the beginning of another, so the first place that fits is the right one. Text is
held back only where it could still become a mark.
"""

THINK = "<think>"
THINK_END = "</think>"
CALL = "<tool_call>"
CALL_END = "</tool_call>"
FUNCTION = "<function="
FUNCTION_END = "</function>"
PARAMETER = "<parameter="
PARAMETER_END = "</parameter>"

_LONGEST = len(PARAMETER_END)


def split_at_marker(text: str, markers: tuple[str, ...]) -> tuple[str, str, str]:
    """Split text at its first mark: what comes before, the mark, what comes after.

    Gives: when there is no mark, it is empty, and the last part is the end of the text that could become one.
    Cost: one search for `<` on text without it.
    """
    at = text.find("<")
    while at >= 0:
        marker = match_marker(text[at : at + _LONGEST], markers)
        if marker is None:
            return text[:at], "", text[at:]
        if marker:
            return text[:at], marker, text[at + len(marker) :]
        at = text.find("<", at + 1)
    return text, "", ""


def match_marker(text: str, markers: tuple[str, ...]) -> str | None:
    """Tell which mark the text begins with: empty when with none, None when that is not decided yet."""
    for marker in markers:
        if text.startswith(marker):
            return marker
    return None if any(marker.startswith(text) for marker in markers) else ""
