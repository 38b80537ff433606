"""Every error Groundwork raises, as one tree.

    GroundworkError                 code                    status  retryable
    ├── InvalidInputError           invalid_input              400
    │   ├── SettingsError           invalid_settings           400
    │   ├── TooLargeError           too_large                  413
    │   └── ContextLengthError      context_length_exceeded    400
    ├── UnauthenticatedError        unauthenticated            401
    ├── ForbiddenError              forbidden                  403
    ├── NotFoundError               not_found                  404
    │   ├── NoWorkspaceError        no_workspace               404
    │   └── ModelNotFoundError      model_not_found            404
    ├── ConflictError               conflict                   409
    │   ├── BusyError               busy                       409     yes
    │   ├── LeaseLostError          lease_lost                 409     yes
    │   ├── CancelledError          cancelled                  409     yes
    │   └── OtherRequestError       other_request              409
    ├── RateLimitedError            rate_limited               429     yes
    ├── BudgetExceededError         budget_exceeded            429
    ├── UpstreamError               upstream_failed            502     yes
    │   ├── OutputRefusedError      output_refused             502
    │   └── UpstreamTimeoutError    upstream_timeout           504     yes
    ├── GoneError                   gone                       410
    ├── WorkspaceVersionError       workspace_version          409
    ├── MissingDependencyError      missing_dependency         501
    ├── MissingModelError           missing_model              503
    ├── DamagedError                damaged                    500
    ├── StorageFullError            storage_full               507     yes
    ├── UnavailableError            unavailable                503     yes
    └── InternalError               internal                   500

The message says what happened with the values in it, the hint what to do next. The same object is rendered on the
terminal, as problem details over HTTP and as span attributes. An expected outcome is a value, never an error.
"""

from __future__ import annotations

from typing import Any, ClassVar


class GroundworkError(Exception):
    """Something went wrong that a person can read about and act on.

    Args:
        message: what happened, with the values in it; no trailing full stop is needed.
        hint: what to do next, in one sentence; empty when there is nothing to advise.
        details: further values for machines; JSON-compatible.
    """

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str = "", **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details

    def as_dict(self) -> dict[str, Any]:
        """Return the error as a JSON-compatible object: `{code, message, hint, retryable, details}`."""
        return {
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "retryable": self.retryable,
            "details": self.details,
        }


class InvalidInputError(GroundworkError):
    """The caller's input cannot be used; the same call will fail again."""

    code = "invalid_input"
    status = 400


class SettingsError(InvalidInputError):
    """A setting or the workspace's spec does not make sense."""

    code = "invalid_settings"


class TooLargeError(InvalidInputError):
    """The input is over a stated limit."""

    code = "too_large"
    status = 413


class UnauthenticatedError(GroundworkError):
    """Nobody is signed in, or the key is not known."""

    code = "unauthenticated"
    status = 401


class ForbiddenError(GroundworkError):
    """The principal is known but may not do this."""

    code = "forbidden"
    status = 403


class NotFoundError(GroundworkError):
    """The named thing does not exist, or the principal may not know of it."""

    code = "not_found"
    status = 404


class NoWorkspaceError(NotFoundError):
    """There is no workspace here."""

    code = "no_workspace"


class ConflictError(GroundworkError):
    """The thing is in another state than the caller thinks."""

    code = "conflict"
    status = 409


class BusyError(ConflictError):
    """Somebody else is working on it; try again later."""

    code = "busy"
    retryable = True


class LeaseLostError(ConflictError):
    """The lease of this writer was taken over; what it wrote since is not published."""

    code = "lease_lost"
    retryable = True


class ContextLengthError(InvalidInputError):
    """The prompt and the asked-for output are longer than the model's context."""

    code = "context_length_exceeded"


class ModelNotFoundError(NotFoundError):
    """No model of that name can be asked for, or the key may not ask for it."""

    code = "model_not_found"


class RateLimitedError(GroundworkError):
    """A rate limit was reached; `details["retry_after_s"]` says when to come again."""

    code = "rate_limited"
    status = 429
    retryable = True


class BudgetExceededError(GroundworkError):
    """A budget does not have what this call may cost; it opens again with the next period or a higher limit."""

    code = "budget_exceeded"
    status = 429


class UpstreamError(GroundworkError):
    """No provider could serve the call; `details["failure"]` names the last failure."""

    code = "upstream_failed"
    status = 502
    retryable = True


class OutputRefusedError(UpstreamError):
    """What the model wrote does not fit the schema that was asked for, also after one repair."""

    code = "output_refused"
    retryable = False


class UpstreamTimeoutError(UpstreamError):
    """The call's deadline was over before a provider had answered."""

    code = "upstream_timeout"
    status = 504


class GoneError(GroundworkError):
    """It was here and has been removed or erased."""

    code = "gone"
    status = 410


class WorkspaceVersionError(GroundworkError):
    """The workspace was written by a newer Groundwork."""

    code = "workspace_version"
    status = 409


class MissingDependencyError(GroundworkError):
    """An optional library or program is not installed."""

    code = "missing_dependency"
    status = 501


class MissingModelError(GroundworkError):
    """The weights of a model are not here, or are not the ones that were pinned."""

    code = "missing_model"
    status = 503


class DamagedError(GroundworkError):
    """Stored bytes are not the ones that were written."""

    code = "damaged"
    status = 500


class StorageFullError(GroundworkError):
    """The disk or quota is full; what was acknowledged is kept."""

    code = "storage_full"
    status = 507
    retryable = True


class UnavailableError(GroundworkError):
    """A service this needs does not answer."""

    code = "unavailable"
    status = 503
    retryable = True


class InternalError(GroundworkError):
    """A fault of Groundwork itself."""


class CancelledError(ConflictError):
    """Somebody asked the work to stop; what was done is kept and the next run goes on from there."""

    code = "cancelled"
    retryable = True


class OtherRequestError(ConflictError):
    """A replay came to a model call that was not recorded, so what the model would say is not known."""

    code = "other_request"
