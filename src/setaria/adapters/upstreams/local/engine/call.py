"""Call: one ask of a worker while the engine works on it."""

from dataclasses import dataclass
from typing import Protocol

from setaria.adapters.upstreams.local.frames import Failed, Tell
from setaria.core.errors import CallerError, ContextOverflow, SetariaError, UpstreamBusy


class Outlet(Protocol):
    """Takes what is told to one worker."""

    def deliver(self, tells: list[Tell]) -> None:
        """Take the next tells, in order, from any thread, without waiting."""
        ...


@dataclass(slots=True, eq=False)
class Call:
    """One ask. `cancelled` may be set by any thread and is read before the next token."""

    id: str
    outlet: Outlet
    cancelled: bool = False


def failed_from_error(call_id: str, error: BaseException) -> Failed:
    """Tell a worker of an error; of one that nobody foresaw only its class, for its text may hold a prompt."""
    match error:
        case ContextOverflow():
            return Failed(
                call_id,
                "context",
                error.message,
                input_tokens=error.input_tokens,
                context_tokens=error.context_tokens,
            )
        case UpstreamBusy():
            return Failed(call_id, "busy", error.message, retry_after_s=error.retry_after_s)
        case CallerError():
            return Failed(call_id, "invalid", error.message)
        case SetariaError():
            return Failed(call_id, "failed", error.message)
        case _:
            return Failed(call_id, "failed", f"the local engine failed with {type(error).__name__}")
