"""Prometheus text: a strict reader of the text format, for what `/metrics` gives.

Source: prometheus.io/docs/instrumenting/exposition_formats, version 0.0.4, read November 2026.
"""

import re

Labels = tuple[tuple[str, str], ...]

_NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*"
_HEAD = re.compile(rf"# (HELP|TYPE) ({_NAME}) (.+)")
_SAMPLE = re.compile(rf"({_NAME})(?:\{{(.+)\}})? ([0-9.e+-]+)")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)')
_ESCAPED = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}
_SUFFIXES = {"counter": ("",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}


def read_metrics(text: bytes) -> dict[tuple[str, Labels], float]:
    """Read every sample by name and labels.

    Checked: each family has one HELP, then one TYPE, then its samples in one group; no sample comes twice; labels are
    quoted and escaped; a counter's name ends in `_total`; a histogram's buckets rise to `+Inf`, which is its count.
    """
    samples: dict[tuple[str, Labels], float] = {}
    seen: set[str] = set()
    family = kind = ""
    assert text.endswith(b"\n")
    for line in text.decode().split("\n")[:-1]:
        if head := _HEAD.fullmatch(line):
            if head[1] == "HELP":
                assert head[2] not in seen, line
                family, kind = head[2], ""
                seen.add(family)
            else:
                assert (head[2], kind, head[3] in _SUFFIXES) == (family, "", True), line
                kind = head[3]
                assert (kind == "counter") == family.endswith("_total"), line
            continue
        sample = _SAMPLE.fullmatch(line)
        assert sample, line
        assert sample[1] in {family + suffix for suffix in _SUFFIXES[kind]}, line
        key = (sample[1], _read_labels(sample[2] or ""))
        assert key not in samples, line
        samples[key] = float(sample[3])
    _check_histograms(samples)
    return samples


def _read_labels(text: str) -> Labels:
    labels: list[tuple[str, str]] = []
    position = 0
    while position < len(text):
        label = _LABEL.match(text, position)
        assert label, text
        labels.append((label[1], re.sub(r"\\.", lambda found: _ESCAPED[found[0]], label[2])))
        position = label.end()
    return tuple(labels)


def _check_histograms(samples: dict[tuple[str, Labels], float]) -> None:
    """Check that the buckets of each histogram rise in bound and in count, in the order they came."""
    rising: dict[tuple[str, Labels], tuple[float, float]] = {}
    for (name, labels), count in samples.items():
        if name.endswith("_bucket"):
            key = (name.removesuffix("_bucket"), labels[:-1])
            bound = float(labels[-1][1])
            assert labels[-1][0] == "le"
            assert key not in rising or (rising[key][0] < bound and rising[key][1] <= count), (key, bound)
            rising[key] = (bound, count)
    for (name, labels), (bound, count) in rising.items():
        assert (bound, count) == (float("inf"), samples[f"{name}_count", labels])
        assert (f"{name}_sum", labels) in samples
