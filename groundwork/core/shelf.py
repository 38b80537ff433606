"""A shelf holds the plug-ins of one kind, each in one file, and imports one only when it is asked for.

A name is looked up first among installed entry points (group `groundwork.<kind>`), then as a module of the shelf's home
package. The module (or entry point) gives the implementation as `plugin`.
"""

from __future__ import annotations

import difflib
import pkgutil
from collections.abc import Mapping
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from groundwork.core.errors import MissingDependencyError, NotFoundError, SettingsError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")


class Shelf(Generic[T]):
    """The plug-ins of one kind.

    Args:
        kind: the field's word for it, such as `chunker`; also the entry-point group `groundwork.<kind>`.
        home: the package whose modules are the built-in implementations; a leading underscore hides a module.
        aside: modules of the home that are public and no implementations.
    """

    def __init__(self, kind: str, home: str, aside: frozenset[str] = frozenset()) -> None:
        self.kind = kind
        self.home = home
        self.aside = aside
        self._made: dict[str, type[T]] = {}

    def names(self) -> list[str]:
        """Return every name that can be asked for, sorted; imports none of them."""
        return sorted(self._built_in | set(self._entry_points))

    def get(self, name: str) -> type[T]:
        """Return the implementation called `name`; after the first time at no cost.

        Raises:
            NotFoundError: nothing of that name; the hint names the nearest.
            MissingDependencyError: it needs a library that is not installed.
        """
        if name not in self._made:
            self._made[name] = self._import(name)
        return self._made[name]

    def _import(self, name: str) -> type[T]:
        entry = self._entry_points.get(name)
        if entry is not None:
            return cast("type[T]", entry.load())
        if name not in self._built_in:
            near = difflib.get_close_matches(name, self.names(), 1)
            hint = f"did you mean `{near[0]}`? " if near else ""
            raise NotFoundError(
                f"there is no {self.kind} called `{name}`", hint=f"{hint}known: {', '.join(self.names())}"
            )
        try:
            module = import_module(f"{self.home}.{name}")
        except ModuleNotFoundError as error:
            raise MissingDependencyError(
                f"the {self.kind} `{name}` needs the library `{error.name}`, which is not installed",
                hint=f"install it with `pip install {error.name}`",
            ) from error
        return cast("type[T]", module.plugin)

    def make(self, spec: str | Mapping[str, Any]) -> T:
        """Build a plug-in from its spec: a name, or a table with `name` and the constructor's parameters.

        Raises:
            SettingsError: the table has no name, or a parameter the plug-in does not know.
        """
        parameters = {} if isinstance(spec, str) else {k: v for k, v in spec.items() if k != "name"}
        name = spec if isinstance(spec, str) else spec.get("name")
        if not isinstance(name, str):
            raise SettingsError(f"a {self.kind} needs a `name`", hint=f"known: {', '.join(self.names())}")
        try:
            return self.get(name)(**parameters)
        except TypeError as error:
            raise SettingsError(f"the {self.kind} `{name}` cannot be built: {error}") from error

    # Both are looked up once in a process: reading the metadata of every installed package takes some ten milliseconds.
    @cached_property
    def _built_in(self) -> frozenset[str]:
        spec = find_spec(self.home)
        paths = list(spec.submodule_search_locations or []) if spec else []
        return frozenset(
            m.name
            for m in pkgutil.iter_modules(paths)
            if not m.name.startswith("_") and m.name not in self.aside
        )

    @cached_property
    def _entry_points(self) -> dict[str, EntryPoint]:
        from importlib.metadata import entry_points

        return {e.name: e for e in entry_points(group=f"groundwork.{self.kind}")}
