"""The official client of Anthropic, watched: `from groundwork.anthropic import Anthropic`; see `groundwork.openai`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import anthropic

    from groundwork.sdk.observing import Client

T = TypeVar("T")
PATHS = {"messages.create": "generation", "messages.parse": "generation", "completions.create": "generation"}

__all__ = ["Anthropic", "AsyncAnthropic", "watch"]


def watch(client: T, *, to: Client | None = None, provider: str = "anthropic") -> T:
    """Return the client, its calls watched from now on; doing so twice changes nothing more.

    Args:
        to: where spans go; None: where `observe` sends its own. provider: who serves, in the words of OpenTelemetry.
    """
    from groundwork.sdk.models import watched

    watched(client, provider, PATHS, to)
    return client


def Anthropic(*args: Any, **kwargs: Any) -> anthropic.Anthropic:  # noqa: N802 - named as what it stands for
    """Return a watched `anthropic.Anthropic`."""
    client: anthropic.Anthropic = _library().Anthropic(*args, **kwargs)
    return watch(client)


def AsyncAnthropic(*args: Any, **kwargs: Any) -> anthropic.AsyncAnthropic:  # noqa: N802
    """Return a watched `anthropic.AsyncAnthropic`."""
    client: anthropic.AsyncAnthropic = _library().AsyncAnthropic(*args, **kwargs)
    return watch(client)


def _library() -> Any:
    import importlib

    try:
        return importlib.import_module("anthropic")
    except ModuleNotFoundError as error:
        from groundwork.core.errors import MissingDependencyError

        raise MissingDependencyError(
            "the client needs the library `anthropic`, which is not installed",
            hint="install it with `pip install anthropic`",
        ) from error
