"""A folder goes into an index: one file is refused and mended, one is out of date and leaves.

Which file is damaged, which is out of date, how many there are and what they say is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from groundwork.pathways.labs import Bench, Point, Sheet, _facts

INDEX = "lab-documents"


class FirstDocuments:
    """Bring documents into an index, see what was refused and why, mend it, and let one go."""

    title = "Bring your first documents into an index"
    summary = "Ingest a folder, find the file that was refused, mend it, and let an outdated one leave."
    minutes = 25
    skills: Sequence[str] = ("document-ingestion",)
    milestones: Sequence[str] = ("y1-ml-data-pipeline", "m-rag-system", "d30-vector-db")
    after: Sequence[str] = ()
    stream = "technical"
    test_out = True

    def draw(self, random: Random) -> dict[str, Any]:
        count = random.randint(5, 8)
        facts = _facts.draw_facts(random, count)
        damaged, outdated = random.sample(sorted({f["topic"] for f in facts}), 2)
        asked = random.choice([f for f in facts if f["topic"] == damaged])
        page = _facts.file_of(damaged)
        return {
            "facts": facts,
            "damaged": page.removesuffix(".md") + ".pdf",
            "spare": page,
            "outdated": f"old-{_facts.file_of(outdated)}",
            "year": random.randint(2009, 2017),
            "question": asked["question"],
            "figure": asked["number"],
            "readable": count,
            "all": count + 1,
            "count": count,
        }

    def prepare(self, bench: Bench, draw: Mapping[str, Any]) -> None:
        for name, text in _facts.documents(draw["facts"]).items():
            bench.write(f"{'spare' if name == draw['spare'] else 'documents'}/{name}", text)
        bench.write(f"documents/{draw['damaged']}", b"%PDF-1.7\nThe rest of this file was lost on the way.\n")
        bench.write(
            f"documents/{draw['outdated']}",
            f"# Notice of {draw['year']}\n\nThis notice is valid until further notice.\n",
        )
        bench.spec({"indexes": {INDEX: {"backend": "memory", "embedder": "none"}}})

    def points(self, draw: Mapping[str, Any]) -> Sequence[Point]:
        after = {"after": "$lab.started_at"}
        return (
            Point(
                "refused",
                f"An ingest into `{INDEX}` refused one file, and `refused` names it",
                check={
                    "find": "ingest",
                    "where": {"index": INDEX, "quarantined": 1, "at": after},
                    "because": f"nothing was brought into `{INDEX}` yet that met a damaged file",
                    "do": f"groundwork ingest labs/first_documents/documents --index {INDEX}",
                },
                sheet=Sheet("refused", draw["damaged"]),
                hint="the name of the file alone, as the quarantine shows it",
            ),
            Point(
                "mended",
                "After you mended it every document is in the index",
                check={
                    "find": "snapshot",
                    "where": {"index": INDEX, "documents": draw["all"], "at": after},
                    "because": f"no snapshot of `{INDEX}` has all {draw['all']} documents",
                    "do": f"groundwork ingest labs/first_documents/documents --index {INDEX}",
                },
            ),
            Point(
                "gone",
                "The outdated document left the index, and the snapshot before it still has it",
                check={
                    "all": [
                        {
                            "find": "snapshot",
                            "as": "full",
                            "where": {"index": INDEX, "documents": draw["all"], "at": after},
                            "because": f"no snapshot of `{INDEX}` has all {draw['all']} documents",
                            "do": f"groundwork ingest labs/first_documents/documents --index {INDEX}",
                        },
                        {
                            "find": "snapshot",
                            "where": {"index": INDEX, "documents": draw["count"], "parent": "$full.digest"},
                            "because": "no later snapshot is without the outdated document",
                            "do": f"groundwork ingest labs/first_documents/documents --index {INDEX}",
                        },
                    ]
                },
            ),
            Point(
                "figure",
                "The figure that only the mended document has",
                sheet=Sheet("figure", draw["figure"]),
                hint="search the index for the question; the number alone",
            ),
        )

    def hints(self, draw: Mapping[str, Any]) -> Sequence[str]:
        return (
            f"The ingest itself says which file it refused; `groundwork knowledge quarantine {INDEX}` says it again.",
            "A good copy of the damaged file lies in the folder `spare`: copy it to `documents`, delete the other.",
            "A document leaves an index when its file is gone from the folder and the folder is ingested again.",
            f"Delete `documents/{draw['outdated']}`, ingest, and look at `groundwork knowledge snapshots {INDEX}`.",
        )


plugin = FirstDocuments
