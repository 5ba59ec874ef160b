"""Pages: what a worker answers beside calls."""

from typing import NamedTuple

from setaria.entrypoints.api.metrics import MetricsPage
from setaria.entrypoints.api.readiness import Readiness
from setaria.entrypoints.api.relay import ConsoleRelay
from setaria.entrypoints.api.reports import ReportPages


class Pages(NamedTuple):
    """Health, the console, figures, and what callers ask about their own account."""

    readiness: Readiness
    console: ConsoleRelay
    metrics: MetricsPage
    reports: ReportPages
