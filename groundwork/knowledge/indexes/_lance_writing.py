"""What a writer does to the dataset: publish, compact, restore, erase. Every step may be repeated after a crash.

The order is always: rows, then the structures that find them, then the note that names the structures, then the tag that
makes all of it a state. A crash leaves things that the next publish completes and the next `maintain` clears away.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundwork.core.digest import digest_json
from groundwork.core.errors import DamagedError
from groundwork.knowledge.indexes import _lance_rows as arrow
from groundwork.knowledge.indexes import _sealed, _vectors, _words
from groundwork.knowledge.indexes._lance_border import lance
from groundwork.knowledge.indexes._lance_reader import NOTE, forget_readers, gone, is_kept, sealed_directory
from groundwork.knowledge.indexes._lance_sql import any_of

Bools = NDArray[np.bool_]
Keys = NDArray[np.int64]
LITERALS = 1000
"""Values in one SQL condition."""
MANY_FRAGMENTS = 32
ROWS_PER_FRAGMENT = 65_536
VECTORS_FROM = 16_384
"""States with fewer rows have no vectors files: reading all their vectors takes no longer, and is exact."""
MANY_FILES = 6
ROWS_PER_FILE = 262_144
"""Sealed files are merged up to this size, so that a merge stays within a GB of memory."""
BEFORE_ERASURE = "before-erasure"
"""Tag of the newest state while documents are erased."""


def check_counts(keep: Mapping[str, int], found: Mapping[str, int]) -> None:
    """Raise DamagedError when a version to keep has not its number of rows."""
    wrong = sorted(v for v, number in keep.items() if found.get(v, 0) != number)
    if wrong:
        first = wrong[0]
        raise DamagedError(
            f"{len(wrong)} of {len(keep)} document versions are not whole: `{first[:12]}` has "
            f"{found.get(first, 0)} of {keep[first]} rows",
            hint="ingest the documents again; they are read from their originals",
            versions=wrong[:100],
        )


def delete(data: Any, column: str, values: Sequence[str]) -> None:
    """Delete the rows whose column holds one of the values."""
    for start in range(0, len(values), LITERALS):
        data.delete(any_of(column, values[start : start + LITERALS]))


def publish(uri: str, dim: int) -> str:
    """Make the newest rows a state: findable by both legs, durable, tagged. Returns the ref."""
    data = lance().dataset(uri)
    if len(data.fragment_ids()) > MANY_FRAGMENTS:
        data.optimize.compact_files(target_rows_per_fragment=ROWS_PER_FRAGMENT)
    _complete(uri, dim)
    data = lance().dataset(uri)
    ref = f"s-{data.version}-{_name(data)}"
    _tag(data, ref)
    return ref


def restore(uri: str, ref: str) -> None:
    """Make the newest state equal to `ref`."""
    then = lance().dataset(uri, version=ref)
    if lance().dataset(uri).version != then.version:
        then.restore()


def maintain(uri: str, dim: int) -> None:
    """Compact the newest state where many rows left or it lies in many fragments; free what no state needs.

    Refs pin the files they were made of, so compacting costs disk space until they are dropped; hence the thresholds.
    """
    data = lance().dataset(uri)
    deleted = sum(fragment.num_deletions for fragment in data.get_fragments())
    if len(data.fragment_ids()) > MANY_FRAGMENTS or deleted * 4 > data.count_rows():
        data.optimize.compact_files(target_rows_per_fragment=ROWS_PER_FRAGMENT)
    _complete(uri, dim)
    _sync(Path(uri).parent)
    # Unverified files may belong to a writer that lost its lease and does not know it yet; they stay for a week.
    lance().dataset(uri).cleanup_old_versions(timedelta(0), error_if_tagged_old_versions=False)
    _sealed.remove_others(sealed_directory(uri), _in_use(uri))


def erase(uri: str, dim: int, document_ids: Sequence[str], refs: Sequence[str]) -> dict[str, str]:
    """Rebuild every kept state without the documents, then remove all that held them.

    New refs follow from the old ones and the documents, so a repetition after a crash goes on where it stopped and
    answers the same.
    """
    ids = sorted(set(document_ids))
    renamed = {ref: f"{ref.split('-x')[0]}-x{digest_json([ref, ids])[:8]}" for ref in refs}
    before = f"{BEFORE_ERASURE}-{digest_json([sorted(refs), ids])[:8]}"
    for ref in refs:
        if not (is_kept(uri, ref) or is_kept(uri, renamed[ref])):
            raise gone(ref)
    data = lance().dataset(uri)
    if before not in data.tags.list():
        data.tags.create(before, data.version)
    for ref, new in renamed.items():
        if not is_kept(uri, new):
            _rebuild_without(uri, dim, ref, ids)
            _tag(lance().dataset(uri), new)
    _rebuild_without(uri, dim, before, ids)
    data = lance().dataset(uri)
    kept = set(renamed.values())
    # The last thing to go is the mark that tells a repetition what the newest state was.
    for tag in sorted(data.tags.list(), key=lambda name: name == before):
        if tag not in kept:
            data.tags.delete(tag)
    forget_readers(uri)
    data.cleanup_old_versions(timedelta(0), delete_unverified=True, error_if_tagged_old_versions=False)
    _sealed.remove_others(sealed_directory(uri), _in_use(uri))
    _sync(Path(uri).parent)
    return renamed


def unfindable(data: Any) -> int:
    """Return how many rows of the newest state at least one leg would not find."""
    note = json.loads(data.metadata.get(NOTE, "{}"))
    keys = data.to_table(columns=["key"])["key"].to_numpy()
    missing = np.zeros(len(keys), dtype=np.bool_)
    for kind in ("words", "vectors"):
        if kind == "words" or note.get(kind):
            held = [_sealed.read(sealed_directory(data.uri), name)["keys"] for name in note.get(kind, [])]
            missing |= ~np.isin(keys, np.concatenate([np.zeros(0, np.int64), *held]))
    return int(np.count_nonzero(missing))


def _complete(uri: str, dim: int) -> None:
    """Make every row of the newest state findable by both legs."""
    data = lance().dataset(uri)
    before = json.loads(data.metadata.get(NOTE, "{}"))
    keys = np.sort(data.to_table(columns=["key"])["key"].to_numpy())
    directory = sealed_directory(uri)
    note = {"words": _kept(data, directory, WORDS, before.get("words", []), keys)}
    if dim and len(keys) >= VECTORS_FROM:
        note["vectors"] = _kept(data, directory, VECTORS, before.get("vectors", []), keys)
    if note != before:
        data.update_metadata({NOTE: json.dumps(note, sort_keys=True)})


@dataclass(frozen=True)
class Leg:
    """How the sealed files of one leg are made: of rows of the dataset, and of each other."""

    kind: str
    content: Callable[..., Any]
    built: Callable[[Any, Keys], Any]
    merged: Callable[[Sequence[Any], Sequence[Bools]], Any]


def _build_words(data: Any, keys: Keys) -> _words.Words:
    table = _rows_with(data, keys, "terms")
    return _words.build(table["key"].to_numpy(), table["terms"].combine_chunks())


def _build_vectors(data: Any, keys: Keys) -> _vectors.Vectors:
    table = _rows_with(data, keys, "vector")
    return _vectors.build(table["key"].to_numpy(), arrow.matrix_of(table))


def _rows_with(data: Any, keys: Keys, column: str) -> Any:
    table = data.to_table(columns=["key", column], filter=f"key >= {keys[0]} AND key <= {keys[-1]}")
    here = np.isin(table["key"].to_numpy(), keys)
    return table if here.all() else table.take(np.flatnonzero(here))


WORDS = Leg(_words.KIND, _words.Words, _build_words, _words.merge)
VECTORS = Leg(_vectors.KIND, _vectors.Vectors, _build_vectors, _vectors.merge)


def _kept(data: Any, directory: Path, leg: Leg, named: Sequence[str], keys: Keys) -> list[str]:
    """Return the names of sealed files that together hold these rows, each row in one of them."""
    files = {name: leg.content(**_sealed.read(directory, name)) for name in named}
    living = {name: np.isin(file.keys, keys) for name, file in files.items()}
    files = {name: file for name, file in files.items() if living[name].any()}
    held = np.concatenate([np.zeros(0, np.int64), *(file.keys[living[name]] for name, file in files.items())])
    new = keys[~np.isin(keys, held)]

    def add(content: Any) -> None:
        name = _sealed.write(directory, leg.kind, content.__dict__)
        files[name], living[name] = content, np.ones(len(content.keys), dtype=np.bool_)

    for start in range(0, len(new), ROWS_PER_FILE):
        add(leg.built(data, new[start : start + ROWS_PER_FILE]))
    numbers = {name: (int(living[name].sum()), len(file.keys)) for name, file in files.items()}
    for group in to_merge(numbers):
        old = [(files.pop(name), living.pop(name)) for name in group]
        add(leg.merged([file for file, _ in old], [alive for _, alive in old]))
    return sorted(files)


def to_merge(files: Mapping[str, tuple[int, int]]) -> list[list[str]]:
    """Return which files to make one of: the small ones when there are many, and each that is mostly dead.

    Args:
        files: number of living and of all rows of each file.
    """
    small = sorted((n for n in files if files[n][0] < ROWS_PER_FILE), key=lambda n: (files[n][0], n))
    group: list[str] = []
    total = 0
    if len(small) > MANY_FILES:
        for name in small:
            number = files[name][0]
            # Files of about one size are merged and larger ones left alone, so that a row is written anew only a
            # few times in its life.
            alone = number > 4 * total and len(small) - len(group) < MANY_FILES
            if group and (total + number > ROWS_PER_FILE or alone):
                break
            group.append(name)
            total += number
    groups = [group] if len(group) > 1 else []
    rest = sorted(set(files) - set(groups[0] if groups else ()))
    return groups + [[name] for name in rest if files[name][0] * 2 < files[name][1]]


def _rebuild_without(uri: str, dim: int, ref: str, document_ids: Sequence[str]) -> None:
    restore(uri, ref)
    data = lance().dataset(uri)
    delete(data, "document_id", document_ids)
    data.optimize.compact_files(materialize_deletions=True, materialize_deletions_threshold=0.0)
    data = lance().dataset(uri)
    # Words and centroids are made of all rows, so they are made again of those that stay.
    data.update_metadata({NOTE: "{}"})
    _complete(uri, dim)


def _in_use(uri: str) -> set[str]:
    data = lance().dataset(uri)
    states = [data, *(lance().dataset(uri, version=tag) for tag in data.tags.list())]
    notes = [json.loads(state.metadata.get(NOTE, "{}")) for state in states]
    return {name for note in notes for names in note.values() for name in names}


def _name(data: Any) -> str:
    return str((data.schema.metadata or {}).get(b"groundwork.name", b"0").decode())


def _tag(data: Any, ref: str) -> None:
    if ref not in data.tags.list():
        _sync(Path(data.uri).parent)
        data.tags.create(ref, data.version)
        _sync(Path(data.uri) / "_refs")


_synced: set[str] = set()


def _sync(directory: Path) -> None:
    """Make every file below survive a power cut; Lance itself leaves that to the operating system."""
    for folder, _, files in os.walk(directory):
        fresh = [os.path.join(folder, name) for name in files if os.path.join(folder, name) not in _synced]
        for path in fresh:
            _sync_file(path)
        if fresh:
            _sealed.sync_directory(Path(folder))


def _sync_file(path: str) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    # Lance writes files once; only the hint of the latest version is written over.
    if not path.endswith("latest_version_hint.json"):
        _synced.add(path)


def staged_counts(data: Any) -> dict[str, int]:
    """Return the number of rows of each document version."""
    counts: dict[str, int] = {}
    for batch in data.to_batches(columns=["version"]):
        for entry in batch.column("version").value_counts().to_pylist():
            counts[entry["values"]] = counts.get(entry["values"], 0) + entry["counts"]
    return counts


def bytes_below(paths: Iterable[Path]) -> int:
    """Return the size of all files below these directories."""
    total = 0
    for path in paths:
        for folder, _, files in os.walk(path):
            for name in files:
                try:
                    total += os.path.getsize(os.path.join(folder, name))
                except FileNotFoundError:
                    continue
    return total
