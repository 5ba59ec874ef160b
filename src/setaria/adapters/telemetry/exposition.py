"""Exposition: metrics as text that Prometheus and whatever took its form read.

Source: prometheus.io/docs/instrumenting/exposition_formats, version 0.0.4 of the text format, read November 2026.
"""

from collections.abc import Sequence

from setaria.adapters.telemetry.metrics import FAMILIES, Family, Samples

_Row = tuple[tuple[str, ...], int | float]  # the values of the labels and the number
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


def write_samples(samples: Samples) -> bytes:
    """Write all families with their samples, in the order of `FAMILIES`; a family without samples keeps its head."""
    rows: dict[str, list[_Row]] = {}
    for (name, *labels), value in samples.items():
        rows.setdefault(name, []).append((tuple(labels), value))
    lines: list[str] = []
    for family in FAMILIES:
        lines += (f"# HELP {family.name} {family.says}", f"# TYPE {family.name} {family.kind}")
        if family.kind == "histogram":
            lines += _write_histogram(family, rows)
        else:
            lines += _write_rows(family.name, family.labels, sorted(rows.get(family.name, ())))
    return "\n".join((*lines, "")).encode()


def _write_histogram(family: Family, rows: dict[str, list[_Row]]) -> list[str]:
    buckets = sorted(rows.get(f"{family.name}_bucket", ()), key=lambda row: (row[0][:-1], float(row[0][-1])))
    lines = _write_rows(f"{family.name}_bucket", (*family.labels, "le"), buckets)
    for part in ("sum", "count"):
        name = f"{family.name}_{part}"
        lines += _write_rows(name, family.labels, sorted(rows.get(name, ())))
    return lines


def _write_rows(name: str, labels: Sequence[str], rows: Sequence[_Row]) -> list[str]:
    return [f"{name}{_write_labels(labels, values)} {value}" for values, value in rows]


def _write_labels(labels: Sequence[str], values: Sequence[str]) -> str:
    pairs = (f'{label}="{value.translate(_ESCAPES)}"' for label, value in zip(labels, values, strict=True))
    return f"{{{','.join(pairs)}}}" if labels else ""
