"""The official client of OpenAI, watched: `from groundwork.openai import OpenAI` in place of `from openai import OpenAI`.

Every call becomes a span under the one that runs; see `groundwork.observe` for where spans go. `watch` does the same to a
client that is there already. The library `openai` is imported with the first client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import openai

    from groundwork.sdk.observing import Client

T = TypeVar("T")
PATHS = {
    "chat.completions.create": "generation",
    "chat.completions.parse": "generation",
    "completions.create": "generation",
    "responses.create": "generation",
    "responses.parse": "generation",
    "embeddings.create": "embedding",
}

__all__ = ["AsyncAzureOpenAI", "AsyncOpenAI", "AzureOpenAI", "OpenAI", "watch"]


def watch(client: T, *, to: Client | None = None, provider: str = "openai") -> T:
    """Return the client, its calls watched from now on; doing so twice changes nothing more.

    Args:
        to: where spans go; None: where `observe` sends its own. provider: who serves, in the words of OpenTelemetry.
    """
    from groundwork.sdk.models import watched

    watched(client, provider, PATHS, to)
    return client


def OpenAI(*args: Any, **kwargs: Any) -> openai.OpenAI:  # noqa: N802 - named as what it stands for
    """Return a watched `openai.OpenAI`."""
    client: openai.OpenAI = _library().OpenAI(*args, **kwargs)
    return watch(client)


def AsyncOpenAI(*args: Any, **kwargs: Any) -> openai.AsyncOpenAI:  # noqa: N802
    """Return a watched `openai.AsyncOpenAI`."""
    client: openai.AsyncOpenAI = _library().AsyncOpenAI(*args, **kwargs)
    return watch(client)


def AzureOpenAI(*args: Any, **kwargs: Any) -> openai.AzureOpenAI:  # noqa: N802
    """Return a watched `openai.AzureOpenAI`."""
    client: openai.AzureOpenAI = _library().AzureOpenAI(*args, **kwargs)
    return watch(client, provider="azure.ai.openai")


def AsyncAzureOpenAI(*args: Any, **kwargs: Any) -> openai.AsyncAzureOpenAI:  # noqa: N802
    """Return a watched `openai.AsyncAzureOpenAI`."""
    client: openai.AsyncAzureOpenAI = _library().AsyncAzureOpenAI(*args, **kwargs)
    return watch(client, provider="azure.ai.openai")


def _library() -> Any:
    import importlib

    try:
        return importlib.import_module("openai")
    except ModuleNotFoundError as error:
        from groundwork.core.errors import MissingDependencyError

        raise MissingDependencyError(
            "the client needs the library `openai`, which is not installed",
            hint="install it with `pip install openai`",
        ) from error
