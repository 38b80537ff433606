"""A workspace of plain values: situations that a real one needs minutes or faults for, such as a job half done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

from groundwork.answers.types import (
    Answer,
    Citation,
    Conversation,
    Deletion,
    Difference,
    Explanation,
    Pins,
    Replay,
)
from groundwork.core.digest import digest_bytes, digest_text
from groundwork.core.errors import NotFoundError
from groundwork.core.principal import Principal
from groundwork.core.settings import Layer, resolve
from groundwork.knowledge.records import (
    ChunkInfo,
    DocumentChange,
    DocumentInfo,
    DocumentView,
    QuarantineEntry,
    SearchResult,
    SnapshotDiff,
    SnapshotInfo,
)
from groundwork.knowledge.types import Hit, Leg, Mark

LEAVE = """\
# Annual leave

Everyone employed for longer than six months has 28 days of paid leave in a calendar year. Part-time colleagues have \
the share that follows from their hours.

## Carrying days over

Up to five days may be carried into the next year. They lapse on 31 March unless illness kept you from taking them. Ask \
your lead before the middle of December, so that the plan for January can be made.

## How to apply

Enter the days in the calendar and name a deputy. Your lead answers within three working days; silence counts as consent.

| kind | days | paid |
|---|---|---|
| annual | 28 | yes |
| moving house | 1 | yes |
| unpaid | up to 60 | no |

```sh
hr leave request --from 2026-07-01 --to 2026-07-14
```
"""
TRAVEL = """\
Travel policy

Trains are booked in second class; above four hours first class is fine. Flights inside the country are not paid for.

Receipts are handed in within 30 days. Later ones are paid only when finance agrees in writing.

Meals: breakfast 9 €, lunch 16 €, dinner 24 €. <script>alert("never")</script> & other marks are text.
"""
NOW = "2026-11-20T12:00:00+00:00"


@dataclass(frozen=True)
class FakeIndex:
    name: str
    head: SnapshotInfo | None
    documents: int
    chunks: int
    quarantined: int
    embedder: str
    strategy: str
    apps: tuple[str, ...] = ("default",)


@dataclass(frozen=True)
class FakeFinding:
    level: str
    topic: str
    message: str
    hint: str = ""


@dataclass(frozen=True)
class FakeDamage:
    kind: str
    id: str
    problem: str


@dataclass(frozen=True)
class FakeReport:
    checked: dict[str, int]
    damaged: tuple[FakeDamage, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.damaged


def view_of(name: str, text: str, marks: tuple[Mark, ...], title: str, media_type: str) -> DocumentView:
    """Make a document whose chunks are its paragraphs, two at a time."""
    ends = [i + 2 for i in range(len(text)) if text.startswith("\n\n", i)][1::2]
    cuts = sorted({0, *ends, len(text)})
    chunks = tuple(
        ChunkInfo(f"chk_{digest_text(name + str(i))[:26]}", i, a, b, title)
        for i, (a, b) in enumerate(pairwise(cuts))
    )
    info = DocumentInfo(
        id=f"doc_{digest_text(name)[:26]}",
        document=name,
        title=title,
        version=digest_text(text),
        media_type=media_type,
        language="en",
        size=len(text.encode()),
        chars=len(text),
        chunks=len(chunks),
        ingested_at="2026-11-18T09:30:00+00:00",
        modified_at="2026-10-02T08:00:00+00:00",
        warnings=("one table was flattened",) if "Travel" in text else (),
    )
    return DocumentView(info, text, marks, chunks)


def _mark(text: str, kind: Any, piece: str, label: str, level: int = 0) -> Mark:
    start = text.index(piece)
    return Mark(kind, start, start + len(piece), label, level)


def documents() -> dict[str, DocumentView]:
    """Return the two documents by id."""
    table = LEAVE[LEAVE.index("| kind") : LEAVE.index("```sh")].rstrip()
    leave = view_of(
        "handbook/leave.md",
        LEAVE,
        (
            _mark(LEAVE, "heading", "# Annual leave", "Annual leave", 1),
            _mark(LEAVE, "heading", "## Carrying days over", "Carrying days over", 2),
            _mark(LEAVE, "heading", "## How to apply", "How to apply", 2),
            _mark(LEAVE, "table", table, ""),
            _mark(LEAVE, "code", LEAVE[LEAVE.index("```sh") :].rstrip(), "sh"),
        ),
        "Annual leave",
        "text/markdown",
    )
    half = TRAVEL.index("Receipts")
    travel = view_of(
        "handbook/travel policy.pdf",
        TRAVEL,
        (
            Mark("page", 0, half, "1"),
            _mark(TRAVEL, "heading", "Travel policy", "Travel policy", 1),
            Mark("page", half, len(TRAVEL), "2"),
        ),
        "Travel policy",
        "application/pdf",
    )
    return {v.info.id: v for v in (leave, travel)}


@dataclass
class FakeWorkspace:
    """The facade over two documents, three snapshots, three answers and three jobs."""

    root: Path
    empty: bool = False
    jobs_: list[Any] = field(default_factory=list)
    raises: Mapping[str, Exception] = field(default_factory=dict)
    calls: list[tuple[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        (self.root / ".groundwork").mkdir(parents=True, exist_ok=True)
        self.resolved = resolve(
            [Layer("environment", {"settings": {"database": "postgresql://gw:secret@db.internal/gw"}})]
        )
        self._documents = {} if self.empty else documents()
        ids = [digest_text(f"snapshot {n}") for n in (3, 2, 1)]
        self._snapshots = [
            SnapshotInfo(
                s, "default", f"2026-11-{18 - i:02d}T09:30:00+00:00", "local", 2 if i == 0 else 1, 5 - i, i == 0,
                ids[i + 1] if i < 2 else None, "minilm", {"added": 1, "changed": 1 if i == 0 else 0, "quarantined": 2},
            )
            for i, s in enumerate(ids)
        ]  # fmt: skip
        if self.empty:
            self._snapshots = []
        self._answers = [] if self.empty else self._recorded()

    settings = property(lambda self: self.resolved.spec.settings)
    spec = property(lambda self: self.resolved.spec)

    # The gateway and the prompts are the real ones, over a small database of their own.
    @cached_property
    def rooms(self) -> Any:
        from groundwork.app.build import build_rooms
        from groundwork.core.settings import Spec

        rooms = build_rooms(self.root / ".groundwork", Spec())
        rooms.database.migrate()
        return rooms

    @cached_property
    def door(self) -> Any:
        from groundwork.app.gateway import GatewayRoom

        return GatewayRoom(self)  # type: ignore[arg-type]

    @cached_property
    def telemetry(self) -> Any:
        from groundwork.app.telemetry import TelemetryRoom
        from groundwork.storage.database import Database

        room = TelemetryRoom(self)  # type: ignore[arg-type]
        # The settings name a PostgreSQL that is nowhere.
        room.__dict__["database"] = Database(self.root / ".groundwork" / "telemetry.db")
        return room

    @cached_property
    def accounts(self) -> Any:
        from groundwork.app.accounts import AccountsRoom

        return AccountsRoom(self)  # type: ignore[arg-type]

    @cached_property
    def evaluation(self) -> Any:
        from groundwork.app.improving import EvaluationRoom

        return EvaluationRoom(self)  # type: ignore[arg-type]

    @cached_property
    def releases(self) -> Any:
        from groundwork.app.releasing import ReleasesRoom

        return ReleasesRoom(self)  # type: ignore[arg-type]

    @cached_property
    def pathways(self) -> Any:
        from groundwork.app.pathways import PathwaysRoom

        return PathwaysRoom(self)  # type: ignore[arg-type]

    datasets = property(lambda self: self.rooms.datasets)
    keys = property(lambda self: self.door.keys)
    usage = property(lambda self: self.door.usage)
    catalog = property(lambda self: self.door.catalog)
    secrets = property(lambda self: self.door.secrets)
    gateway = property(lambda self: self.door.blocking)
    prompts = property(lambda self: self.rooms.prompts)

    def _check(self, name: str) -> None:
        if name in self.raises:
            raise self.raises[name]

    def _recorded(self) -> list[Answer]:
        leave, travel = self._documents.values()
        return [
            self._answer("ans_0003", "How many days may I carry over, and when do they lapse?", [
                (leave, "Up to five days may be carried into the next year."),
                (leave, "They lapse on 31 March unless illness kept you from taking them."),
            ], "Ask early."),
            self._answer("ans_0002", "What is the wifi password of the guest network?", []),
            self._answer("ans_0001", "Until when must receipts be handed in?", [
                (travel, "Receipts are handed in within 30 days."),
                (leave, "Your lead answers within three working days; silence counts as consent."),
            ]),
        ]  # fmt: skip

    def _answer(
        self, identifier: str, question: str, quotes: list[tuple[DocumentView, str]], tail: str = ""
    ) -> Answer:
        hits = self._hits()
        citations = []
        for view, quote in quotes:
            start = view.text.index(quote)
            chunk = next(c for c in view.chunks if c.start <= start < c.end)
            place = view.place(type("S", (), {"start": start})())
            citations.append(
                Citation(
                    view.info.document,
                    view.info.id,
                    chunk.chunk_id,
                    start,
                    start + len(quote),
                    quote,
                    **place,
                )
            )
        text = " ".join([*(f"{q} [{i}]" for i, (_, q) in enumerate(quotes, 1)), *([tail] if tail else [])])
        settings = {
            "app": "default",
            "index": "default",
            "strategy": "hybrid",
            "model": "extractive",
            "passages": 6,
        }
        return Answer(
            id=identifier,
            app="default",
            question=question,
            text=text,
            abstained=not quotes,
            reason="" if quotes else "the best passage covers 0.12 of the question; the threshold is 0.40",
            citations=tuple(citations),
            pins=Pins(
                None,
                self._snapshots[int(identifier[-1]) % 2].id,
                None,
                digest_text("extractive"),
                digest_text("s"),
            ),
            confidence=0.73 if quotes else 0.12,
            threshold=0.4,
            calibration=None,
            usage={},
            trace_id="trc_1",
            created_at=f"2026-11-20T1{identifier[-1]}:58:00+00:00",
            principal="local",
            retrieved=tuple(h.as_dict() for h in hits),
            signals={"overlap": 0.73},
            settings=settings,
        )

    def _hits(self) -> list[Hit]:
        hits: list[Hit] = []
        for view in self._documents.values():
            for c in view.chunks:
                n = len(hits) + 1
                legs = {
                    "lexical": Leg(n, 12.5 - n, 0.3 / n),
                    "dense": Leg(4 - n if n < 4 else n, 0.8 - n / 10, 0.2 / n),
                }
                hits.append(
                    Hit(n, 0.9 / n, view.info.document, view.info.id, c.chunk_id, c.start, c.end, view.text[c.start : c.end],
                        c.context, legs)
                )  # fmt: skip
        return hits

    # -- the facade ----------------------------------------------------------------------------------------------------
    def search(self, question: str, **given: Any) -> SearchResult:
        self._check("search")
        self.calls.append(("search", given))
        return SearchResult(
            "default", self._snapshots[0].id, "hybrid", tuple(self._hits()[: given["k"]]), 12.0
        )

    def ask(
        self,
        question: str,
        *,
        app: str = "default",
        principal: Principal,
        snapshot: str | None = None,
        conversation: str | None = None,
    ) -> Answer:
        self._check("ask")
        self.calls.append(("ask", question))
        identifier = f"ans_{len(self._answers) + 1:04d}"
        inside = f"con_{identifier[4:]}" if conversation == "new" else conversation
        made = replace(self._answers[0], id=identifier, question=question, conversation=inside)
        self._answers.insert(0, made)
        return made

    def answer(self, answer_id: str, principal: Principal) -> Answer:
        self._check("answer")
        found = next((a for a in self._answers if a.id == answer_id), None)
        if found is None:
            raise NotFoundError(
                f"there is no answer `{answer_id}`", hint="list them with `groundwork answers`"
            )
        return found

    def answers(
        self, principal: Principal, *, limit: int = 50, before: str | None = None, app: str | None = None
    ) -> list[Answer]:
        self._check("answers")
        ids = [a.id for a in self._answers]
        first = ids.index(before) + 1 if before in ids else 0
        return self._answers[first : first + limit]

    def conversation(self, conversation_id: str, principal: Principal) -> list[Answer]:
        found = [a for a in reversed(self._answers) if a.conversation == conversation_id]
        if not found:
            raise NotFoundError(
                f"there is no conversation `{conversation_id}`", hint="begin one with `groundwork ask`"
            )
        return found

    def conversations(
        self, principal: Principal, *, limit: int = 50, before: str | None = None
    ) -> list[Conversation]:
        ids = sorted({a.conversation for a in self._answers if a.conversation}, reverse=True)
        kept = [i for i in ids if before is None or i < before][:limit]
        turns = {i: self.conversation(i, principal) for i in kept}
        return [
            Conversation(i, t[0].app, t[0].question, len(t), t[-1].id, t[0].created_at)
            for i, t in turns.items()
        ]

    def replay(self, answer_id: str, principal: Principal) -> Replay:
        self.answer(answer_id, principal)
        if answer_id == "ans_0001":
            return Replay(answer_id, "drifted", (Difference("text", "within 30 days", "within 14 days"),))
        return Replay(answer_id, "identical")

    def explain(self, answer_id: str, principal: Principal) -> Explanation:
        a = self.answer(answer_id, principal)
        cited = {c.chunk_id for c in a.citations}
        passages = tuple({**p, "cited": p["chunk_id"] in cited} for p in a.retrieved)
        checks = ({"name": "confidence", "value": a.confidence, "threshold": 0.4, "passed": not a.abstained},)
        deletions = tuple(Deletion(c, "handbook/leave.md", "", True, 0.2, True) for c in sorted(cited))
        return Explanation(
            a, passages, checks, deletions, ("The lexical leg brought the cited passage first.",)
        )

    def indexes(self, principal: Principal) -> list[FakeIndex]:
        self._check("indexes")
        head = self._snapshots[0] if self._snapshots else None
        count = len(self._documents)
        return [
            FakeIndex(
                "default",
                head,
                count,
                5 if count else 0,
                2 if count else 0,
                "minilm" if count else "",
                "hybrid",
            )
        ]

    def index_spec(self, name: str) -> Any:
        if name != "default":
            raise NotFoundError(f"there is no index `{name}`", hint="known: default")
        return self.spec.indexes["default"]

    def documents(
        self,
        index: str,
        principal: Principal,
        *,
        snapshot: str | None = None,
        contains: str = "",
        limit: int = 100,
        offset: int = 0,
    ) -> tuple[list[DocumentInfo], int]:
        self.index_spec(index)
        if snapshot:
            self.snapshot(index, snapshot, principal)
        found = [
            v.info
            for v in self._documents.values()
            if contains.lower() in f"{v.info.document} {v.info.title}".lower()
        ]
        return found[offset : offset + limit], len(found)

    def document(
        self,
        document_id: str,
        principal: Principal,
        *,
        snapshot: str | None = None,
        version: str | None = None,
    ) -> DocumentView:
        if document_id not in self._documents:
            raise NotFoundError(
                f"there is no document `{document_id}`",
                hint="list them with `groundwork knowledge documents`",
            )
        return self._documents[document_id]

    def original(
        self, document_id: str, principal: Principal, *, version: str | None = None
    ) -> tuple[bytes, str]:
        view = self.document(document_id, principal)
        return view.text.encode(), view.info.media_type

    def snapshots(self, index: str, principal: Principal) -> list[SnapshotInfo]:
        self.index_spec(index)
        return self._snapshots

    def snapshot(self, index: str, prefix: str, principal: Principal) -> SnapshotInfo:
        for i, s in enumerate(self.snapshots(index, principal)):
            if s.id.startswith(prefix) or prefix == f"head~{i}" or (prefix == "head" and s.head):
                return s
        raise NotFoundError(f"the index `{index}` has no snapshot `{prefix}`", hint="list them")

    def diff(self, index: str, old: str, new: str, principal: Principal) -> SnapshotDiff:
        leave, travel = self._documents.values()
        return SnapshotDiff(
            index,
            self.snapshot(index, old, principal).id,
            self.snapshot(index, new, principal).id,
            (
                DocumentChange("added", travel.info.id, travel.info.document, "", 2, 0, 0),
                DocumentChange("changed", leave.info.id, leave.info.document, "", 1, 1, 2),
                DocumentChange("removed", "doc_old", "handbook/parking.md", "", 0, 1, 0),
            ),
            {"added": 3, "removed": 2, "kept": 2},
            {"chunker": ("sentences", "structure")},
        )

    def rollback(self, index: str, snapshot: str, principal: Principal, reason: str = "") -> SnapshotInfo:
        target = self.snapshot(index, snapshot, principal)
        self.calls.append(("rollback", (target.id, reason)))
        self._snapshots = [replace(s, head=s.id == target.id) for s in self._snapshots]
        return replace(target, head=True)

    def quarantine(self, index: str, principal: Principal) -> list[QuarantineEntry]:
        self.index_spec(index)
        if self.empty:
            return []
        return [
            QuarantineEntry("handbook/old.doc", "unsupported", "files of the type application/msword cannot be read",
                            "application/msword", 20480, digest_bytes(b"1"), NOW),
            QuarantineEntry("handbook/salary.pdf", "encrypted", "the file is encrypted and needs a password",
                            "application/pdf", 8000, digest_bytes(b"2"), NOW),
        ]  # fmt: skip

    def verify(self, principal: Principal, progress: Any = None) -> FakeReport:
        return FakeReport({"blobs": 12, "manifests": 3, "chunks": 5})

    def doctor(self) -> list[FakeFinding]:
        return [
            FakeFinding("ok", "database", "the schema is current"),
            FakeFinding("warn", "encoder", "the weights of MiniLM are not here; LSA is used",
                        "fetch them with `groundwork model fetch minilm`"),
        ]  # fmt: skip

    def start_ingest(
        self,
        paths: Any,
        *,
        index: str,
        principal: Principal,
        access: Any = None,
        idempotency_key: str | None = None,
    ) -> str:
        self.calls.append(("start_ingest", (list(paths), index, idempotency_key)))
        return str(self.jobs_[0].id)

    def jobs(self, principal: Principal, *, limit: int = 50) -> list[Any]:
        return self.jobs_[:limit]

    def job(self, job_id: str, principal: Principal) -> Any:
        found = next((j for j in self.jobs_ if j.id == job_id), None)
        if found is None:
            raise NotFoundError(f"there is no job `{job_id}`", hint="list them with `groundwork jobs list`")
        return found

    def cancel(self, job_id: str, principal: Principal) -> Any:
        self.calls.append(("cancel", job_id))
        return self.job(job_id, principal)

    def close(self) -> None:
        self.calls.append(("close", None))
        for made in ("telemetry", "door", "rooms"):
            if made in self.__dict__:
                self.__dict__.pop(made).close()
