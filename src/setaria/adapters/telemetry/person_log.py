"""Person log: coloured lines on standard error, for a person at a terminal."""

import sys

import structlog


def open_person_log(process: str) -> structlog.typing.FilteringBoundLogger:
    """Open the log of one process of the platform, named in every line.

    The processors take no tracebacks and no stack, for these may hold prompt text.
    """
    logger: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger("info"),
        context_class=dict,
        cache_logger_on_first_use=True,
        process=process,
    )
    return logger.bind()
