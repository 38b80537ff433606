"""Everything a workspace says, without what may differ between two equal ones (times, ids of records, file layout)."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from groundwork.core.principal import LOCAL


def logical_dump(root: Path, questions: Sequence[str] = (), index: str = "default") -> dict[str, Any]:
    """Return snapshots, documents, rows with digests, search results with scores, blobs and what `verify` finds.

    Two workspaces that came to the same state on different ways give equal dumps.
    """
    from groundwork.app.workspace import Workspace

    with Workspace.open(root) as workspace:
        verified = workspace.verify()
        snapshots = workspace.snapshots(index)
        documents = workspace.documents(index, limit=1_000_000)[0] if snapshots else []
        return {
            "verify": [f"{d.kind} {d.id}: {d.problem}" for d in verified.damaged],
            "snapshots": [
                [s.id, s.parent, s.documents, s.chunks, s.embedder, s.head, dict(s.counts)] for s in snapshots
            ],
            "documents": sorted(
                [d.document, d.id, d.version, d.title, d.chunks, list(d.access)] for d in documents
            ),
            "quarantine": sorted([q.path, q.reason] for q in workspace.quarantine(index)),
            "rows": _rows(workspace, index) if snapshots else {},
            "search": _search(workspace, index, questions) if snapshots else {},
            "blobs": sorted(workspace.rooms.blobs.digests()),
        }


def differences(expected: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """Return in words where two dumps differ; empty when they are equal."""
    said = [
        f"{key}: {_difference(expected[key], found[key])}" for key in expected if expected[key] != found[key]
    ]
    if found["rows"].get("doubled"):
        said.append(f"doubled rows: {found['rows']['doubled']}")
    if found["verify"]:
        said.append(f"verify: {found['verify'][:3]}")
    return said


def _difference(expected: Any, found: Any) -> str:
    if isinstance(expected, dict):
        return "; ".join(
            f"{k}: {_difference(expected[k], found.get(k))}" for k in expected if expected[k] != found.get(k)
        )[:2000]
    if isinstance(expected, list) and isinstance(found, list):
        missing = [e for e in expected if e not in found]
        extra = [f for f in found if f not in expected]
        return f"missing {missing[:3]} extra {extra[:3]} ({len(expected)} expected, {len(found)} found)"
    return f"{expected!r} expected, {found!r} found"


def _rows(workspace: Any, index: str) -> dict[str, Any]:
    catalogue = workspace.rooms.catalogue
    with workspace.rooms.database.read() as connection:
        snapshot = catalogue.resolve(connection, LOCAL, index, None)
        parts = catalogue.parts(connection, LOCAL.tenant, snapshot.index_version)
    back_end = catalogue.index(LOCAL.tenant, index, parts)
    rows = sorted(
        [
            r.chunk_id,
            r.document_id,
            r.version,
            r.ordinal,
            r.start,
            r.end,
            r.text,
            r.context,
            _digest(r.vector),
        ]
        for r in back_end.scan(snapshot.ref)
    )
    counts = Counter(r[0] for r in rows)
    return {
        "at_head": rows,
        "doubled": [chunk for chunk, count in counts.items() if count > 1],
        "staged": dict(sorted(back_end.staged().items())),
    }


def _digest(vector: Any) -> str:
    return "" if vector is None else hashlib.sha256(vector.tobytes()).hexdigest()[:16]


def _search(workspace: Any, index: str, questions: Sequence[str]) -> dict[str, Any]:
    return {
        f"{strategy}: {question}": [
            [h.chunk_id, h.score]
            for h in workspace.search(question, index=index, strategy=strategy, k=10).hits
        ]
        for question in questions
        for strategy in ("lexical", "dense", "hybrid")
    }
