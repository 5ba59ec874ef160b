"""Errors: one tree, split first by whose fault it is.

SetariaError
├── CallerError                     the caller can mend it
│   ├── InvalidRequest              a field is missing, mistyped or out of range
│   ├── ContextOverflow             the prompt is longer than the model can read
│   ├── Unauthenticated             no key, or not a valid one
│   │   └── WrongLane               a good key that came to the address of the other lane
│   ├── Forbidden                   the key is good, the account may not
│   ├── UnknownPath                 no such route
│   ├── UnknownModel                no such model
│   ├── NotFound                    no such account, key or other thing that an action names
│   ├── WrongMethod                 the route exists, the method does not
│   ├── SlowRequest                 the request did not arrive in time
│   ├── TooLarge                    the body is above the limit
│   ├── HeadersTooLarge             the header section is above its limit
│   ├── OutOfFunds                  nothing is left to pay with
│   ├── FundsHeld                   other calls hold what is left; waiting helps
│   ├── PlanExpired                 the plan has ended
│   ├── QuotaExhausted              the plan's credits are used up until a window opens
│   └── Limited                     too many requests; waiting helps
├── UpstreamError                   the model server failed
│   ├── UpstreamFailed              it answered with an error, or not at all
│   ├── UpstreamRefused             it will not have us: our key, our balance, or the model that we ask for
│   ├── UpstreamCut                 it broke off in the middle of an answer
│   ├── UpstreamBusy                it takes no more calls now; waiting helps
│   └── UpstreamTimeout             it stayed silent for too long
└── OwnError                        we failed
    ├── Unavailable                 something we need is away; waiting helps
    ├── Misconfigured               the installation is set up wrongly; its operator can mend it
    └── InternalError               a defect

`wire/` gives each kind the status and body of its protocol. A message says what was wrong and what to do, and never
holds a secret or prompt text.
"""


class SetariaError(Exception):
    """An error that may be told to a caller.

    `param` names the request field at fault, empty when none is. `retry_after_s` is set where waiting helps.
    `hopeless`: sending the same request again cannot succeed, clients are told not to.
    """

    hopeless = False

    def __init__(self, message: str, *, param: str = "", retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.retry_after_s = retry_after_s


class CallerError(SetariaError):
    """The caller can mend it."""

    hopeless = True


class InvalidRequest(CallerError):
    """A field is missing, mistyped or out of range."""


class ContextOverflow(CallerError):
    """The prompt is longer than the model can read."""

    def __init__(self, input_tokens: int, context_tokens: int) -> None:
        super().__init__(f"prompt is too long: {input_tokens} tokens > {context_tokens} maximum", param="messages")
        self.input_tokens = input_tokens
        self.context_tokens = context_tokens


class Unauthenticated(CallerError):
    """No key, or not a valid one."""


class WrongLane(Unauthenticated):
    """A good key that came to the address of the other lane."""


class Forbidden(CallerError):
    """The key is good, the account may not."""


class UnknownPath(CallerError):
    """No such route."""


class UnknownModel(CallerError):
    """No such model; `nearest` is the known id most like it, empty when none is."""

    def __init__(self, model: str, nearest: str = "") -> None:
        hint = f"; did you mean {nearest}?" if nearest else "; GET /v1/models lists the models there are"
        super().__init__(f"Unsupported model {model[:100]}{hint}", param="model")
        self.model = model
        self.nearest = nearest


class NotFound(CallerError):
    """No such account, key or other thing that an action names."""


class WrongMethod(CallerError):
    """The route exists, the method does not; `allowed` are those that do, as in the `Allow` header."""

    def __init__(self, method: str, path: str, allowed: str) -> None:
        super().__init__(f"{method} is not allowed on {path}; allowed: {allowed}")
        self.allowed = allowed


class SlowRequest(CallerError):
    """The request did not arrive in time."""

    hopeless = False


class TooLarge(CallerError):
    """The body is above the limit."""


class HeadersTooLarge(CallerError):
    """The header section is above its limit."""


class OutOfFunds(CallerError):
    """Nothing is left to pay with."""


class FundsHeld(CallerError):
    """Other calls hold what is left; waiting helps."""

    hopeless = False


class PlanExpired(CallerError):
    """The plan has ended."""


class QuotaExhausted(CallerError):
    """The plan's credits are used up until a window opens."""


class Limited(CallerError):
    """Too many requests; waiting helps. `headers` tell the limit in the words of both protocols."""

    hopeless = False

    def __init__(
        self, message: str, *, retry_after_s: int | None = None, headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.headers = headers


class UpstreamError(SetariaError):
    """The model server failed."""


class UpstreamFailed(UpstreamError):
    """It answered with an error, or not at all."""


class UpstreamRefused(UpstreamError):
    """It will not have us: our key, our balance, or the model that we ask for; only the operator can mend it."""

    hopeless = True


class UpstreamCut(UpstreamError):
    """It broke off in the middle of an answer."""


class UpstreamBusy(UpstreamError):
    """It takes no more calls now; waiting helps."""


class UpstreamTimeout(UpstreamError):
    """It stayed silent for too long."""


class OwnError(SetariaError):
    """We failed."""


class Unavailable(OwnError):
    """Something we need is away; waiting helps."""


class Misconfigured(OwnError):
    """The installation is set up wrongly; its operator can mend it."""


class InternalError(OwnError):
    """A defect."""
