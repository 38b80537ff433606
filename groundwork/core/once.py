"""A part that is made when it is first asked for, once, also when several threads ask at the same time."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    once = cached_property
else:

    class once(cached_property):  # noqa: N801 - a decorator, named as `cached_property` is
        """`cached_property` under the owner's re-entrant `_lock`; from Python 3.12 on the former has no lock of its own."""

        def __get__(self, instance: Any, owner: Any = None) -> Any:
            if instance is None:
                return self
            with instance._lock:
                return super().__get__(instance, owner)
