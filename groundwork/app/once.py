"""What subjects of an evaluation share: patience with a rate limit, and which errors are an output of their own."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from groundwork.core.errors import (
    ContextLengthError,
    GroundworkError,
    InvalidInputError,
    RateLimitedError,
    SettingsError,
    UpstreamError,
)
from groundwork.evaluation.types import Output

T = TypeVar("T")
TRIES = 4
LONGEST_WAIT_S = 20.0
OF_ONE_EXAMPLE = (UpstreamError, RateLimitedError, ContextLengthError, InvalidInputError)
"""Errors that say something of one example; all others would befall every further one too."""


def patiently(ask: Callable[[], T], wait: Callable[[float], None] = time.sleep) -> T:
    """Return what `ask` returns; where a rate limit is reached it is asked again when the limit says so, three times."""
    for attempt in range(TRIES - 1):
        try:
            return ask()
        except RateLimitedError as error:
            told = error.details.get("retry_after_s")
            pause = float(told) if isinstance(told, int | float) else 2.0**attempt
            if pause > LONGEST_WAIT_S:
                raise
            wait(max(0.05, pause))
    return ask()


def failed_output(error: GroundworkError) -> Output:
    """Return an error as the output of the one example it is of.

    Raises:
        GroundworkError: the error itself where it ends the whole evaluation.
    """
    if not isinstance(error, OF_ONE_EXAMPLE) or isinstance(error, SettingsError):
        raise error
    return Output(error=error.code, message=error.message[:1000])
