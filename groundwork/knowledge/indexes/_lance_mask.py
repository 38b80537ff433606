"""Which rows of a state a scope may see, computed over columns held in memory; the meaning of `_visible.visible`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from groundwork.knowledge.filters import And, Eq, Exists, Filter, In, Not, Or, Range, Value
from groundwork.knowledge.indexes import Scope

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Strings:
    """A column of strings: a code for each row, -1 where there is none, and the string of each code."""

    codes: NDArray[np.int32]
    values: pa.Array

    def any_of(self, wanted: list[str]) -> Bools:
        """Return where the string is one of these."""
        found = pc.is_in(self.values, value_set=pa.array(wanted, type=pa.string()))
        known = np.append(np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.bool_), False)
        return np.asarray(known[self.codes], dtype=np.bool_)


@dataclass(frozen=True)
class Numbers:
    """A column of whole numbers and where there is one."""

    values: NDArray[np.int64]
    present: Bools


@dataclass(frozen=True)
class Lists:
    """A column of lists of strings, flattened: the row of each entry and its string."""

    rows: NDArray[np.int64]
    entries: Strings


Column = Strings | Numbers | Lists


def column_of(values: pa.ChunkedArray) -> Column:
    """Return a column of a table in the form that masks are computed from."""
    array = values.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], type=array.type)
    if pa.types.is_list(array.type):
        parents = pc.list_parent_indices(array).to_numpy(zero_copy_only=False).astype(np.int64)
        return Lists(parents, _strings(array.flatten()))
    if pa.types.is_integer(array.type):
        present = np.asarray(pc.is_valid(array).to_numpy(zero_copy_only=False), dtype=np.bool_)
        return Numbers(pc.fill_null(array, 0).to_numpy(zero_copy_only=False).astype(np.int64), present)
    return _strings(array)


def mask_of(scope: Scope, column: Callable[[str], Any], rows: int) -> Bools | None:
    """Return which of the rows the scope may see; None when it may see all."""
    parts = [
        _unless_all(column("tenant").any_of([scope.tenant])),
        None if scope.access is None else _unless_all(_open_to(column("access"), scope.access, rows)),
        None if scope.filter is None else _unless_all(_passing(scope.filter, column, rows)),
    ]
    limits = [part for part in parts if part is not None]
    return None if not limits else np.asarray(np.logical_and.reduce(limits), dtype=np.bool_)


def _strings(array: pa.Array) -> Strings:
    coded = array.dictionary_encode()
    codes = pc.fill_null(coded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int32)
    return Strings(codes, coded.dictionary)


def _unless_all(mask: Bools) -> Bools | None:
    return None if mask.all() else mask


def _open_to(access: Lists, tokens: tuple[str, ...], rows: int) -> Bools:
    mask = np.zeros(rows, dtype=np.bool_)
    mask[access.rows[access.entries.any_of(list(tokens))]] = True
    return mask


def _passing(tree: Filter, column: Callable[[str], Any], rows: int) -> Bools:
    match tree:
        case Eq(name, value):
            return _one_of(column(name), [value])
        case In(name, values):
            return _one_of(column(name), list(values))
        case Range(name, low, high):
            held = column(name)
            if not isinstance(held, Numbers):
                return np.zeros(rows, dtype=np.bool_)
            mask = held.present.copy()
            if low is not None:
                mask &= held.values >= low
            if high is not None:
                mask &= held.values <= high
            return mask
        case Exists(name):
            held = column(name)
            return held.present.copy() if isinstance(held, Numbers) else np.asarray(held.codes >= 0)
        case And(parts):
            return _joined(np.logical_and, parts, column, rows, empty=True)
        case Or(parts):
            return _joined(np.logical_or, parts, column, rows, empty=False)
        case Not(part):
            return ~_passing(part, column, rows)


def _joined(
    join: np.ufunc, parts: tuple[Filter, ...], column: Callable[[str], Any], rows: int, *, empty: bool
) -> Bools:
    mask = np.full(rows, empty, dtype=np.bool_)
    for part in parts:
        join(mask, _passing(part, column, rows), out=mask)
    return mask


def _one_of(column: Strings | Numbers, values: list[Value]) -> Bools:
    if isinstance(column, Strings):
        return column.any_of([v for v in values if isinstance(v, str)])
    numbers = [v for v in values if isinstance(v, int) and -(2**63) <= v < 2**63]
    return np.asarray(column.present & np.isin(column.values, np.array(numbers, dtype=np.int64)))
