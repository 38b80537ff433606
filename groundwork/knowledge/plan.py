"""What an ingest has to do, as a pure function of what is on disk and what is known."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from groundwork.core.principal import PUBLIC
from groundwork.knowledge.manifest import Entry
from groundwork.knowledge.scan import RACY_NS, Found, is_under
from groundwork.knowledge.store import Source


@dataclass(frozen=True)
class Plan:
    """Files to read, sources that stand as they are, and sources whose file is gone; each ordered by path."""

    read: tuple[Found, ...] = ()
    keep: tuple[Source, ...] = ()
    gone: tuple[Source, ...] = ()
    access: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class AccessRules:
    """Who may read a document: what the caller says, else the spec's patterns, else as before, else everybody."""

    said: tuple[str, ...] | None
    patterns: Mapping[str, Sequence[str]]

    def of(self, name: str, before: tuple[str, ...] | None) -> tuple[str, ...]:
        """Return the access list of the document shown as `name`, sorted and never empty."""
        inner = name.partition("/")[2] or name
        chosen: Sequence[str] | None = self.said
        if chosen is None:
            for pattern, tokens in self.patterns.items():
                if fnmatch.fnmatch(inner, pattern) or fnmatch.fnmatch(name, pattern):
                    chosen = tokens
        if chosen is None:
            chosen = before
        return tuple(sorted(set(chosen))) if chosen else (PUBLIC,)


def make_plan(
    found: Sequence[Found],
    roots: Sequence[str],
    known: Mapping[str, Source],
    entries: Mapping[str, Entry],
    rules: AccessRules,
    *,
    reread: bool = False,
) -> Plan:
    """Return what to read, keep and remove.

    Args:
        found: the files there are, sorted by path.
        roots: the paths that were looked at; a known source under one of them that was not found is gone, except
            in a folder that could not be opened: nobody knows what is in there, so it stays.
        known: the sources of the index by path.
        entries: the documents of the head snapshot by document id.
        rules: who may read what.
        reread: read every file again, also those that seem unchanged.
    """
    read: list[Found] = []
    keep: list[Source] = []
    access: dict[str, tuple[str, ...]] = {}
    for file in found:
        source = known.get(file.key)
        entry = entries.get(source.document_id) if source else None
        access[file.key] = rules.of(
            source.name if source and source.name else file.label, entry.access if entry else None
        )
        stands = (
            source is not None
            and not reread
            and source.stamp == file.stamp
            and not _too_soon(source)
            and not file.problem
            and (source.state == "quarantined" or (entry is not None and entry.access == access[file.key]))
        )
        if stands and source is not None:
            keep.append(source)
        else:
            read.append(file)
    here = {f.key for f in found}
    closed = [f.key for f in found if f.problem]

    def is_gone(path: str) -> bool:
        return path not in here and is_under(path, roots) and not is_under(path, closed)

    keep += [s for path, s in known.items() if path not in here and not is_gone(path)]
    gone = tuple(s for path, s in known.items() if is_gone(path))
    return Plan(tuple(read), tuple(keep), gone, access)


def _too_soon(source: Source) -> bool:
    seen = datetime.fromisoformat(source.seen_at).timestamp() * 1e9
    return seen - max(source.stamp.mtime_ns, source.stamp.ctime_ns) < RACY_NS
