"""What a writer does to the dataset: publish, compact, restore, erase. Every step may be repeated after a crash.

The order is always: rows, then the structures that find them, then the note that names the structures, then the tag that
makes all of it a state. A crash leaves things that the next publish completes and the next `maintain` clears away.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from groundwork.core.digest import digest_json
from groundwork.core.errors import DamagedError
from groundwork.knowledge.indexes import _lance_vectors, _words_file
from groundwork.knowledge.indexes._lance_border import lance
from groundwork.knowledge.indexes._lance_reader import NOTE, forget_readers, gone, is_kept, words_directory
from groundwork.knowledge.indexes._lance_sql import any_of
from groundwork.knowledge.indexes._words_build import build, merge
from groundwork.knowledge.indexes._words_file import Words

LITERALS = 1000
"""Values in one SQL condition."""
MANY_FRAGMENTS = 32
ROWS_PER_FRAGMENT = 65_536
WORDS_FILES = 6
ROWS_PER_WORDS_FILE = 262_144
"""Words files are merged up to this size, so that a merge stays within a few hundred MB."""
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
    """Compact rows, merge deltas and words files of the newest state; free what no state needs."""
    data = lance().dataset(uri)
    deleted = sum(f.num_deletions for f in data.get_fragments())
    if len(data.fragment_ids()) > 4 or deleted > data.count_rows() / 10:
        data.optimize.compact_files(target_rows_per_fragment=ROWS_PER_FRAGMENT)
    data = lance().dataset(uri)
    _lance_vectors.merge_deltas(data)
    _complete(uri, dim, merge_all=True)
    _sync(Path(uri).parent)
    # Unverified files may belong to a writer that lost its lease and does not know it yet; they stay for a week.
    lance().dataset(uri).cleanup_old_versions(timedelta(0), error_if_tagged_old_versions=False)
    _words_file.remove(words_directory(uri), _words_in_use(uri))


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
    _words_file.remove(words_directory(uri), _words_in_use(uri))
    _sync(Path(uri).parent)
    return renamed


def unfindable(data: Any) -> int:
    """Return how many rows of the newest state at least one leg would not find."""
    rows = int(data.count_rows())
    note = json.loads(data.metadata.get(NOTE, "{}"))
    missing = rows
    if note.get("words"):
        files = [_words_file.read(words_directory(data.uri), name) for name in note["words"]]
        keys = data.to_table(columns=["key"])["key"].to_numpy()
        missing = int(np.count_nonzero(~np.isin(keys, np.concatenate([f.keys for f in files]))))
    for index in data.describe_indices():
        covered = set().union(*(set(segment.fragment_ids) for segment in index.segments))
        outside = [f.count_rows() for f in data.get_fragments() if f.fragment_id not in covered]
        missing = max(missing, sum(outside))
    return missing


def _complete(uri: str, dim: int, *, merge_all: bool = False) -> None:
    """Make every row of the newest state findable by both legs."""
    data = lance().dataset(uri)
    note: dict[str, Any] = json.loads(data.metadata.get(NOTE, "{}"))
    before = json.dumps(note, sort_keys=True)
    _lance_vectors.keep_index(data, dim, note)
    data = lance().dataset(uri)
    note["words"] = _keep_words(data, words_directory(uri), note.get("words", []), merge_all=merge_all)
    after = json.dumps(note, sort_keys=True)
    if after != before:
        data.update_metadata({NOTE: after})


def _keep_words(data: Any, directory: Path, named: Sequence[str], *, merge_all: bool) -> list[str]:
    keys = np.sort(data.to_table(columns=["key"])["key"].to_numpy())
    files = {name: _words_file.read(directory, name) for name in named}
    living = {name: np.isin(words.keys, keys) for name, words in files.items()}
    held = [words.keys[living[name]] for name, words in files.items()]
    new = keys[~np.isin(keys, np.concatenate(held))] if held else keys
    kept = {name: words for name, words in files.items() if living[name].any()}
    if len(new):
        added = _built(data, new)
        name = _words_file.write(directory, added)
        kept[name], living[name] = added, np.ones(len(added.keys), dtype=np.bool_)
    for group in _to_merge(kept, living, merge_all=merge_all):
        merged = merge([kept[n] for n in group], [living[n] for n in group])
        name = _words_file.write(directory, merged)
        for old in group:
            del kept[old]
        kept[name], living[name] = merged, np.ones(len(merged.keys), dtype=np.bool_)
    return sorted(kept)


def _built(data: Any, new: np.ndarray[Any, np.dtype[np.int64]]) -> Words:
    table = data.to_table(columns=["key", "terms"], filter=f"key >= {new[0]} AND key <= {new[-1]}")
    chosen = np.flatnonzero(np.isin(table["key"].to_numpy(), new))
    table = table.take(chosen)
    return build(table["key"].to_numpy(), table["terms"].combine_chunks())


def _to_merge(
    files: Mapping[str, Words], living: Mapping[str, np.ndarray[Any, np.dtype[np.bool_]]], *, merge_all: bool
) -> list[list[str]]:
    """Return which files to make one of: those mostly dead, and the small ones when there are many."""
    number = {name: int(living[name].sum()) for name in files}
    small = sorted((n for n in files if number[n] < ROWS_PER_WORDS_FILE), key=lambda n: (number[n], n))
    group: list[str] = []
    if merge_all or len(small) > WORDS_FILES:
        total = 0
        for name in small:
            # Files of a size are merged and larger ones left alone, so a row is rewritten a few times in its life.
            if (
                group
                and not merge_all
                and number[name] > 4 * max(total, 1)
                and len(small) - len(group) < WORDS_FILES
            ):
                break
            if total + number[name] > ROWS_PER_WORDS_FILE:
                break
            group.append(name)
            total += number[name]
    groups = [group] if len(group) > 1 else []
    taken = set(group) if groups else set()
    thin = [n for n in files if n not in taken and number[n] * 2 < len(files[n].keys)]
    return groups + [[name] for name in sorted(thin)]


def _rebuild_without(uri: str, dim: int, ref: str, document_ids: Sequence[str]) -> None:
    restore(uri, ref)
    data = lance().dataset(uri)
    delete(data, "document_id", document_ids)
    for index in data.describe_indices():
        # Centroids and quantised vectors are made of all rows, so they are made again of those that stay.
        data.drop_index(index.name)
    data = lance().dataset(uri)
    data.optimize.compact_files(materialize_deletions=True, materialize_deletions_threshold=0.0)
    data = lance().dataset(uri)
    data.update_metadata({NOTE: "{}"})
    _complete(uri, dim)


def _words_in_use(uri: str) -> set[str]:
    data = lance().dataset(uri)
    states = [data, *(lance().dataset(uri, version=tag) for tag in data.tags.list())]
    return {name for state in states for name in json.loads(state.metadata.get(NOTE, "{}")).get("words", [])}


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
            _words_file.sync_directory(Path(folder))


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
