"""An index that is cut anew for a tuning: in a folder of its own, known to no record, and removed afterwards."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundwork.core.principal import Principal
from groundwork.knowledge.building import Builder
from groundwork.knowledge.indexes import Scope
from groundwork.knowledge.manifest import Manifest
from groundwork.knowledge.pipeline import IndexVersion
from groundwork.knowledge.records import SearchResult
from groundwork.knowledge.retrievers import RETRIEVERS
from groundwork.knowledge.searching import check_question
from groundwork.knowledge.view import SnapshotView

if TYPE_CHECKING:
    from groundwork.app.build import Rooms


@dataclass(frozen=True)
class Scratch:
    """The documents of a snapshot, cut by another chunker; everything else is as it was."""

    rooms: Rooms
    principal: Principal
    index: str
    snapshot: str
    manifest: Manifest
    view: SnapshotView
    folder: Path

    @classmethod
    def build(
        cls,
        rooms: Rooms,
        principal: Principal,
        index: str,
        snapshot: str,
        chunker: Mapping[str, Any],
        folder: str,
        check: Callable[[], None],
    ) -> Scratch:
        """Cut and embed every document of a snapshot; `check` is asked between batches and raises to stop.

        The principal's tenant alone is read, and a search sees what the principal may read.
        """
        catalogue = rooms.catalogue
        base, digest = catalogue.view(principal, index, snapshot)
        manifest = catalogue.manifest(digest)
        parts = IndexVersion({**base.parts.spec, "chunker": dict(chunker)}, base.parts.embedder)
        place = Path(folder)
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        try:
            opened = parts.open(str(place / "index"))
            builder = Builder(
                rooms.database,
                rooms.blobs,
                parts,
                opened,
                principal.tenant,
                lambda done, of, name: None,
                check,
            )
            names = {e.version: e.document for e in manifest.entries}
            built = builder.build(list(names), names, {})
            ref = opened.publish({version: chunks for version, (chunks, _) in built.entries.items()})
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            raise
        view = SnapshotView(parts, opened, ref, Scope(principal.tenant, principal.readable()))
        return cls(rooms, principal, index, digest, manifest, view, place)

    def search(self, question: str, strategy: str | Mapping[str, Any], k: int) -> SearchResult:
        """Return the k best passages, under the name of the snapshot whose documents they are of."""
        searcher = self.rooms.searcher
        asked = check_question(question, searcher.max_question_chars)
        begun = time.perf_counter()
        ranked = RETRIEVERS.make(strategy).search(self.view, asked, k)
        hits = searcher.hits(self.principal, self.view, self.manifest, ranked)
        name = strategy if isinstance(strategy, str) else str(strategy["name"])
        return SearchResult(
            self.index, self.snapshot, name, tuple(hits), round((time.perf_counter() - begun) * 1000, 3)
        )

    def remove(self) -> None:
        """Delete its files."""
        shutil.rmtree(self.folder, ignore_errors=True)
