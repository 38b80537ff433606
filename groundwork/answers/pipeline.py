"""The way of one question: retrieve from a pinned snapshot, read, check citations, compare with the threshold, record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from groundwork.answers import store
from groundwork.answers.citations import Assembly, Checked, check
from groundwork.answers.generating.condensing import MAX_TURNS, condensed
from groundwork.answers.readers import READERS, ModelReader, Occasion, Reader
from groundwork.answers.spec import reader_spec
from groundwork.answers.types import (
    Answer,
    AnswerEvent,
    Citation,
    Claim,
    Draft,
    Exchange,
    Passage,
    Pins,
    Quote,
    Sentence,
    Turn,
    Unsupported,
)
from groundwork.core.clock import Clock
from groundwork.core.digest import digest_json
from groundwork.core.errors import NotFoundError
from groundwork.core.ids import new_id
from groundwork.core.principal import Principal
from groundwork.core.settings import AppSpec
from groundwork.gateway.types import Caller
from groundwork.knowledge.records import DocumentView, SearchResult
from groundwork.knowledge.searching import Searcher, check_question
from groundwork.knowledge.types import Hit
from groundwork.storage.database import Database
from groundwork.telemetry.current import current
from groundwork.telemetry.ids import span_id

DEFAULT_THRESHOLD = 0.5
NEW = "new"
"""In place of a conversation's id: begin one."""


@dataclass(frozen=True)
class Recipe:
    """Everything an answer is made with besides the question and the snapshot; its digest is the pin `settings`.

    Attributes:
        escalate_below: the calibrated confidence under which a cascade goes on; None where none was calibrated.
    """

    app: str
    index: str
    strategy: Any
    passages: int
    model: Any
    reader: str
    threshold: float
    calibration: str | None
    tenant: str
    access: tuple[str, ...] | None
    escalate_below: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the recipe as JSON-compatible values."""
        return {
            "app": self.app,
            "index": self.index,
            "strategy": self.strategy,
            "passages": self.passages,
            "model": self.model,
            "reader": self.reader,
            "threshold": self.threshold,
            "calibration": self.calibration,
            "access": None if self.access is None else list(self.access),
            **({} if self.escalate_below is None else {"escalate_below": self.escalate_below}),
        }

    def principal(self, name: str) -> Principal:
        """Return a principal that sees what the asker saw."""
        return Principal(self.tenant, name, frozenset(self.access or ()), owner=self.access is None)


@dataclass(frozen=True)
class Pinned:
    """What a release fixes of an answer: its id, the snapshot, and the recipe as `Recipe.as_dict` without the access.

    Attributes:
        notes: what has to be said about how it came to serve the answer.
    """

    release: str
    snapshot: str
    recipe: Mapping[str, Any]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What the pipeline made of a question, before it is recorded; `timings` in milliseconds, see `Answer`."""

    text: str
    abstained: bool
    reason: str
    citations: tuple[Citation, ...]
    confidence: float
    hits: tuple[Hit, ...]
    snapshot: str
    draft: Draft
    sentences: tuple[Sentence, ...] = ()
    removed: tuple[Sentence, ...] = ()
    timings: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Understood:
    """A question within its conversation.

    Attributes:
        standalone: how it is understood without the conversation; equal to the question when nothing was to be added.
        exchanges: the model calls that took.
        documents: ids of the documents that earlier answers used, whose text may show in the question.
    """

    standalone: str
    conversation: str | None = None
    exchanges: tuple[Exchange, ...] = ()
    documents: tuple[str, ...] = ()


OnEvent = Callable[[AnswerEvent], None]


@dataclass
class Course:
    """How far a question came: filled in while it is answered, told to whoever traces when it failed.

    Attributes:
        stages: each stage that began, with the monotonic second of its beginning.
        ended_at: wall time; `ended` the monotonic second, of the end.
    """

    app: str
    question: str
    principal: Principal
    answer_id: str = ""
    trace_id: str = ""
    parent_span: str = ""
    conversation: str | None = None
    stages: list[tuple[str, float]] = field(default_factory=list)
    ended: float = 0.0
    ended_at: str = ""
    error: Exception | None = None


@dataclass(frozen=True)
class Pipeline:
    """Answers questions of one workspace.

    Args:
        make_reader: builds a reader from its spec with what this installation adds, such as a folder of models.
        failed: told of each question that could not be answered, of which there is no record.
        document: returns a document of a snapshot as the principal may see it: (principal, document id, snapshot digest).
    """

    database: Database
    searcher: Searcher
    document: Callable[[Principal, str, str], DocumentView]
    clock: Clock
    make_reader: Callable[[str | Mapping[str, Any]], Reader] = READERS.make
    failed: Callable[[Course], None] = lambda course: None

    def recipe(self, principal: Principal, name: str, spec: AppSpec) -> Recipe:
        """Return what the app is made with now: the spec, the reader's fingerprint, and the newest fitting calibration."""
        reader = self.make_reader(reader_spec(spec))
        threshold, calibration, escalate = spec.threshold, None, None
        if threshold is None:
            with self.database.read() as connection:
                record = store.calibration(connection, principal.tenant, name)
            if (
                record is not None
                and record["threshold"] is not None
                and _without_escalation(record["holds_for"]) == holds_for(spec, reader.fingerprint)
            ):
                threshold, calibration = float(record["threshold"]), str(record["id"])
                escalate = record["holds_for"].get(ESCALATE)
            else:
                threshold = float(getattr(reader, "default_threshold", DEFAULT_THRESHOLD))
        return Recipe(
            name, spec.index, spec.strategy, spec.passages, reader.pinned(), reader.fingerprint, threshold, calibration,
            principal.tenant, principal.readable(), None if escalate is None else float(escalate),
        )  # fmt: skip

    def pinned_recipe(self, principal: Principal, pinned: Pinned) -> Recipe:
        """Return the recipe of a release for a principal; `reader` is the fingerprint of the reader as it is now."""
        s = pinned.recipe
        reader = self.make_reader(s["model"]).fingerprint
        return Recipe(
            s["app"], s["index"], s["strategy"], s["passages"], s["model"], reader, s["threshold"], s["calibration"],
            principal.tenant, principal.readable(), s.get("escalate_below"),
        )  # fmt: skip

    def ask(
        self,
        principal: Principal,
        question: str,
        name: str,
        spec: AppSpec,
        snapshot: str | None = None,
        *,
        conversation: str | None = None,
        history: Sequence[Turn] = (),
        caller: Caller | None = None,
        on_event: OnEvent | None = None,
        identifier: str = "",
        pinned: Pinned | None = None,
    ) -> Answer:
        """Answer a question and record it.

        Args:
            conversation: id of the conversation it goes on in, or `new` to begin one; the turns before it are looked up.
            history: what was said before, oldest first, where the client keeps the conversation itself.
            caller: on whose account models are asked; None: the principal's.
            on_event: told each sentence as soon as it is checked; see `AnswerEvent`. An exception of it ends the answer.
            identifier: id of the answer, for whoever has to find it again; empty: a new one.
            pinned: the release that serves it; its recipe and snapshot count instead of those of the spec.

        Raises:
            InvalidInputError: the question is empty or too long.
            NotFoundError: the index has no snapshot yet, or there is no such conversation of the principal.
            GroundworkError: no model answered and nobody is to stand in, see `AppSpec.fallback`.
        """
        course = Course(name, question.strip(), principal, conversation=conversation)
        try:
            return self._ask(
                course, question, spec, snapshot, conversation, history, caller, on_event, identifier, pinned
            )
        except Exception as error:
            if course.answer_id:
                course.ended, course.ended_at = self.clock.monotonic(), self.clock.now().isoformat()
                course.error = error
                self.failed(course)
            raise

    def _ask(
        self,
        course: Course,
        question: str,
        spec: AppSpec,
        snapshot: str | None,
        conversation: str | None,
        history: Sequence[Turn],
        caller: Caller | None,
        on_event: OnEvent | None,
        identifier: str,
        pinned: Pinned | None,
    ) -> Answer:
        principal, name = course.principal, course.app
        begun = self.clock.monotonic()
        if pinned is None:
            recipe = self.recipe(principal, name, spec)
        else:
            recipe, snapshot = self.pinned_recipe(principal, pinned), pinned.snapshot
        asked = check_question(question, self.searcher.max_question_chars)
        identifier = identifier or new_id("ans")
        caller = self._caller(principal, name, identifier, caller)
        if pinned is not None:
            caller = replace(caller, release=pinned.release)
        parent = caller.span_id
        course.answer_id, course.trace_id, course.parent_span = identifier, caller.trace_id, parent
        course.stages.append(("understanding", begun))
        # What models are asked hangs under the stage that asks them.
        asking = replace(caller, span_id=span_id(identifier, "understanding"))
        understood = self.understand(principal, asked, recipe, conversation, history, asking)
        searching = self.clock.monotonic()
        course.stages.append(("retrieval", searching))
        found = self.searcher.search(
            principal, understood.standalone, recipe.index, recipe.strategy, recipe.passages, snapshot
        )
        occasion = Occasion(
            replace(
                caller,
                snapshot=found.snapshot,
                documents=understood.documents,
                span_id=span_id(identifier, "reading"),
            ),
            calibrated=recipe.escalate_below,
        )
        retrieved = self.clock.monotonic()
        course.stages.append(("reading", retrieved))
        outcome = self.read(
            principal, understood.standalone, recipe, found, occasion=occasion, on_event=on_event
        )
        draft = outcome.draft
        settings = recipe.as_dict()
        exchanges = (*understood.exchanges, *draft.exchanges)
        answer = Answer(
            id=identifier,
            app=name,
            question=question.strip(),
            text=outcome.text,
            abstained=outcome.abstained,
            reason=outcome.reason,
            citations=outcome.citations,
            pins=Pins(
                None if pinned is None else pinned.release,
                outcome.snapshot,
                self._prompt_pin(recipe, spec),
                _model_pin(recipe, draft),
                digest_json(settings),
            ),
            confidence=outcome.confidence,
            threshold=recipe.threshold,
            calibration=recipe.calibration,
            usage={
                "passages": len(outcome.hits),
                "characters": sum(len(h.text) for h in outcome.hits),
                **_with_condensing(draft.usage, understood.exchanges),
            },
            trace_id=caller.trace_id,
            created_at=self.clock.now().isoformat(),
            principal=principal.name,
            retrieved=tuple(h.as_dict() for h in outcome.hits),
            signals=dict(draft.signals),
            settings=settings,
            sentences=outcome.sentences,
            removed=outcome.removed,
            exchanges=exchanges,
            shown=draft.shown,
            served_by=draft.served_by or _reader_name(recipe),
            standalone="" if understood.standalone == asked else understood.standalone,
            conversation=understood.conversation,
            incomplete=draft.incomplete,
            notes=draft.notes if pinned is None else (*pinned.notes, *draft.notes),
            timings={
                "understanding": _ms(begun, searching),
                "retrieval": _ms(searching, retrieved),
                **outcome.timings,
                "total": _ms(begun, self.clock.monotonic()),
            },
            parent_span=parent,
        )
        with self.database.write() as connection:
            store.put_answer(connection, principal.tenant, answer, understood.documents)
        if on_event is not None:
            on_event(AnswerEvent("done", answer=answer))
        return answer

    def understand(
        self,
        principal: Principal,
        question: str,
        recipe: Recipe,
        conversation: str | None,
        history: Sequence[Turn],
        caller: Caller,
    ) -> Understood:
        """Return the question made to stand alone, from the recorded conversation or from the turns that were handed in."""
        turns: tuple[Turn, ...] = tuple(history)
        documents: tuple[str, ...] = ()
        identifier: str | None = None
        if conversation == NEW:
            # After the answer that begins it: whoever knows the one knows the other before anything is recorded.
            identifier = f"con_{caller.answer_id[4:]}" if caller.answer_id else new_id("con")
        elif conversation is not None:
            identifier = conversation
            turns, documents = self._turns(principal, conversation)
        if not turns:
            return Understood(question, identifier)
        reader = self.make_reader(recipe.model)
        if isinstance(reader, ModelReader):
            # Turns that a client hands in may hold the text of documents that are not known: nothing of it is cached.
            paying = replace(caller, documents=documents, cache="auto" if conversation else "off")
            standalone, exchanges = reader.condense(turns, question, Occasion(paying))
        else:
            standalone, exchanges = condensed(turns, question), ()
        return Understood(standalone, identifier, exchanges, documents)

    def _turns(self, principal: Principal, conversation: str) -> tuple[tuple[Turn, ...], tuple[str, ...]]:
        with self.database.read() as connection:
            before = store.conversation(connection, principal, conversation)
            if not before:
                raise NotFoundError(
                    f"there is no conversation `{conversation}`",
                    hint="begin one with `groundwork ask --conversation`, or go on with `--continue`",
                )
            documents = store.documents_of(connection, principal.tenant, [a.id for a in before[-MAX_TURNS:]])
        return turns_of(before), tuple(documents)

    def produce(self, principal: Principal, question: str, recipe: Recipe, snapshot: str | None) -> Outcome:
        """Make an answer without recording it; a reader that asks models asks them on the principal's account."""
        found = self.searcher.search(
            principal, question, recipe.index, recipe.strategy, recipe.passages, snapshot
        )
        caller = replace(self._caller(principal, recipe.app, "", None), snapshot=found.snapshot)
        return self.read(
            principal,
            question.strip(),
            recipe,
            found,
            occasion=Occasion(caller, calibrated=recipe.escalate_below),
        )

    def read(
        self,
        principal: Principal,
        question: str,
        recipe: Recipe,
        found: SearchResult,
        leave_out: str = "",
        occasion: Occasion | None = None,
        on_event: OnEvent | None = None,
    ) -> Outcome:
        """Read the hits of a search; `leave_out` is a chunk that the reader does not get to see."""
        hits = [h for h in found.hits if h.chunk_id != leave_out]
        passages = [
            Passage(h.rank, h.score, h.document, h.document_id, h.chunk_id, h.start, h.end, h.text, h.context)
            for h in hits
        ]
        views: dict[str, DocumentView] = {}

        def document(identifier: str) -> DocumentView:
            if identifier not in views:
                views[identifier] = self.document(principal, identifier, found.snapshot)
            return views[identifier]

        begun = self.clock.monotonic()
        reader = self.make_reader(recipe.model)
        teller = None if on_event is None else _Teller(on_event, recipe, passages, document)
        if isinstance(reader, ModelReader):
            say = None if teller is None else teller.say
            draft = reader.read_for(question, passages, replace(occasion or Occasion(), say=say))
        else:
            draft = reader.read(question, passages)
        drafted = self.clock.monotonic()
        checked = check(draft, passages, document)
        reason = _reason(draft, checked.text, recipe.threshold, len(hits))
        if reason:
            dropped = tuple(replace(s, start=-1, end=-1, citations=()) for s in checked.sentences)
            checked = Checked(removed=(*dropped, *checked.removed) if draft.claims is not None else ())
        if teller is not None:
            teller.end(checked, draft)
        return Outcome(
            checked.text, bool(reason), reason, checked.citations, draft.confidence, found.hits, found.snapshot,
            draft, checked.sentences, checked.removed,
            {"reading": _ms(begun, drafted), "checking": _ms(drafted, self.clock.monotonic())},
        )  # fmt: skip

    def _caller(self, principal: Principal, app: str, answer_id: str, given: Caller | None) -> Caller:
        caller = given or Caller(principal.tenant, principal.name, access=principal.readable())
        if not caller.trace_id:
            work = current()
            caller = replace(caller, trace_id=work.trace_id, span_id=work.span_id)
        return replace(caller, app=app, answer_id=answer_id, trace_id=caller.trace_id or new_id("trc"))

    def _prompt_pin(self, recipe: Recipe, spec: AppSpec) -> str | None:
        reader = self.make_reader(recipe.model)
        return reader.prompt_pin if isinstance(reader, ModelReader) else spec.prompt


def turns_of(answers: Sequence[Answer]) -> tuple[Turn, ...]:
    """Return what the last answers of a conversation said, oldest first; of erased ones nothing is left."""
    turns: list[Turn] = []
    for answer in answers[-MAX_TURNS:]:
        if not answer.redacted:
            turns.append(Turn("user", answer.question, answer.id))
            if answer.text:
                turns.append(Turn("assistant", answer.text, answer.id))
    return tuple(turns)


@dataclass
class _Teller:
    """Passes the sentences of an answer on as they are checked, each once and never one that is not in the answer."""

    on_event: OnEvent
    recipe: Recipe
    passages: Sequence[Passage]
    document: Callable[[str], DocumentView]
    _assembly: Assembly | None = None
    _told: int = 0
    _cited: int = 0

    def say(self, confidence: float, claim: Claim, quotes: Sequence[Quote], shown: Sequence[Passage]) -> None:
        """Tell a claim; nothing is told of a draft that is not sure enough to be given."""
        if confidence < self.recipe.threshold:
            return
        if self._assembly is None:
            policy: Unsupported = "mark" if dict(self.recipe.model).get("unsupported") == "mark" else "remove"
            self._assembly = Assembly(self.passages, self.document, policy)
        added = self._assembly.add(claim, quotes, shown)
        if added is not None:
            gap, text, sentence, fresh = added
            self._tell(gap, text, sentence, dict(fresh))

    def end(self, checked: Checked, draft: Draft) -> None:
        """Tell what was not told yet, and that the model broke off where it did."""
        for place in range(self._told, len(checked.sentences)):
            sentence = checked.sentences[place]
            following = checked.sentences[place + 1 : place + 2]
            stop = len(checked.text) if not following else following[0].start
            text = checked.text[sentence.start : stop].rstrip()
            before = checked.text[: sentence.start]
            gap = before[len(before.rstrip()) :]
            cited = {n: checked.citations[n - 1] for n in sentence.citations if n > self._cited}
            self._tell(gap, text, sentence, cited)
        if draft.incomplete:
            self.on_event(AnswerEvent("error", text="; ".join(draft.notes) or "the model was cut off"))

    def _tell(self, gap: str, text: str, sentence: Sentence, cited: Mapping[int, Citation]) -> None:
        for number, citation in sorted(cited.items()):
            self._cited = max(self._cited, number)
            self.on_event(AnswerEvent("citation", number=number, citation=citation))
        self._told += 1
        self.on_event(AnswerEvent("sentence", text=text, gap=gap, sentence=sentence))


ESCALATE = "escalate_below"
"""Beside what a calibration holds for: the confidence under which its cascade went on."""


def _without_escalation(held: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in held.items() if name != ESCALATE}


def holds_for(spec: AppSpec, reader: str) -> dict[str, str]:
    """Return digests of what a calibration depends on: the reader, and how its passages are found."""
    return {
        "reader": reader,
        "retrieval": digest_json([spec.index, spec.strategy, spec.passages]),
        "model": str(spec.model),
    }


def first_tier(recipe: Recipe) -> Recipe | None:
    """Return the recipe with the first model of its cascade alone; None where nothing is to be calibrated for one."""
    table = dict(recipe.model) if isinstance(recipe.model, Mapping) else {}
    tiers = table.get("model")
    if not isinstance(tiers, list) or len(tiers) < 2 or table.get("escalate_below") is not None:
        return None
    return replace(recipe, model={**table, "model": tiers[:1]})


def _ms(begun: float, ended: float) -> float:
    return round((ended - begun) * 1000, 3)


def _reason(draft: Draft, text: str, threshold: float, passages: int) -> str:
    if passages == 0:
        return "no passage was found"
    if draft.declined:
        return draft.declined
    if not draft.quotes:
        return "no sentence of the passages that were found answers it"
    if draft.confidence < threshold:
        return f"the confidence {draft.confidence:.2f} is under the threshold {threshold:.2f}"
    if not text:
        return "no sentence of the passages could be quoted for it"
    return ""


def _with_condensing(usage: Mapping[str, float], exchanges: Sequence[Exchange]) -> dict[str, float]:
    """Return the usage of a draft with what it took to understand the question."""
    total = dict(usage)
    for exchange in exchanges:
        spent = {"model_calls": 1.0, "cost_usd": exchange.cost_usd}
        spent |= {n: exchange.usage.get(n, 0.0) for n in ("input_tokens", "output_tokens")}
        for name, value in spent.items():
            total[name] = total.get(name, 0.0) + value
    return total


def _model_pin(recipe: Recipe, draft: Draft) -> str:
    """Return who wrote the answer, with the digest of the reader that checked it."""
    return f"{draft.served_by or _reader_name(recipe)}@{recipe.reader}"


def _reader_name(recipe: Recipe) -> str:
    return recipe.model if isinstance(recipe.model, str) else str(recipe.model["name"])


def recipe_of(answer: Answer, tenant: str) -> Recipe:
    """Return the recipe that a recorded answer was made with."""
    s: Mapping[str, Any] = answer.settings
    access = None if s["access"] is None else tuple(s["access"])
    return Recipe(
        s["app"],
        s["index"],
        s["strategy"],
        s["passages"],
        s["model"],
        s["reader"],
        s["threshold"],
        s["calibration"],
        tenant,
        access,
        s.get("escalate_below"),
    )
