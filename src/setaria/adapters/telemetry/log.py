"""Log: structured lines on standard error, one an event; JSON, or coloured for a person at a terminal."""

import sys
from collections.abc import MutableMapping

import msgspec
import structlog

_encode = msgspec.json.Encoder(enc_hook=str).encode


def open_log(process: str) -> structlog.typing.FilteringBoundLogger:
    """Open the log of one process of the platform, named in every line.

    The processors take no tracebacks and no stack, for these may hold prompt text.
    """
    person = sys.stderr.isatty()
    logger: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr) if person else structlog.BytesLogger(sys.stderr.buffer),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer() if person else _render_json,
        ],
        wrapper_class=structlog.make_filtering_bound_logger("info"),
        context_class=dict,
        cache_logger_on_first_use=True,
        process=process,
    )
    return logger.bind()


def _render_json(_logger: object, _method: str, event: MutableMapping[str, object]) -> bytes:
    return _encode(event)
