"""An app under evaluation: it answers at one snapshot, with everything else as it was, and each answer is recorded."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from groundwork.answers import store
from groundwork.answers.spec import reader_spec
from groundwork.answers.types import Answer
from groundwork.app.once import failed_output, patiently
from groundwork.core.digest import digest_json, short
from groundwork.core.errors import BudgetExceededError, ConflictError, GoneError, GroundworkError
from groundwork.core.ids import scoped_id
from groundwork.core.principal import Principal
from groundwork.core.settings import AppSpec
from groundwork.datasets.types import Example
from groundwork.evaluation.types import CitedPassage, Output, OutputSentence, Passage
from groundwork.gateway.types import Caller

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace
    from groundwork.releases.types import Release

BRINGS = ("passages", "citations", "confidence")
OUT_OF_MONEY = BudgetExceededError.code
AT_ONCE = 8
MOST_ATTEMPTS = 50
USUAL_OUTPUT = 0.5
"""Share of `max_output_tokens` that an answer is thought to take, for what an evaluation may cost."""
FRAME_TOKENS = 400
"""Tokens of a prompt around the question and the passages, roughly."""


@dataclass(frozen=True)
class AppSubject:
    """An app, or a release of it, at one snapshot.

    An answer's id follows from the scope, so a second run finds the answer that the first one recorded. Answers that the
    fallback gave because money had run out are not the app's: the run ends there, and the next one asks again.
    """

    workspace: Workspace
    principal: Principal
    name: str
    spec: AppSpec
    snapshot: str
    of: Release | None = None

    def describe(self) -> Mapping[str, Any]:
        return self._described

    @cached_property
    def workers(self) -> int:
        """How many examples are worth running at a time: a reader that asks no model takes a core for each."""
        table = reader_spec(self.spec)
        asks = isinstance(table, Mapping) and table.get("name") == "generative"
        return AT_ONCE if asks else max(1, min(AT_ONCE, os.cpu_count() or 1))

    @cached_property
    def _described(self) -> Mapping[str, Any]:
        pipeline = self.workspace.rooms.pipeline
        if self.of is None:
            recipe = pipeline.recipe(self.principal, self.name, self.spec)
        else:
            recipe = pipeline.pinned_recipe(self.principal, self._pinned)
        model = recipe.model if isinstance(recipe.model, Mapping) else {}
        pins = {
            "app": self.name,
            "index": recipe.index,
            "snapshot": self.snapshot,
            "settings": digest_json(recipe.as_dict()),
            "reader": recipe.reader,
            "prompt": str(model.get("prompt") or self.spec.prompt or ""),
            "model": _named(model),
            "threshold": recipe.threshold,
            "calibration": recipe.calibration or "",
        }
        release = {} if self.of is None else {"release": self.of.digest}
        return {
            "kind": "app" if self.of is None else "release",
            "name": self.name if self.of is None else self.of.ref,
            "app": self.name,
            **release,
            "pins": {**pins, **release},
            "digest": digest_json({**pins, **release}),
            "brings": list(BRINGS),
            "retrieval": _strategy(recipe.strategy),
        }

    def run(self, example: Example, scope: str) -> Output:
        """Return the answer to the example's question; one that is recorded under the scope is taken as it is."""
        question = example.question
        for attempt in range(MOST_ATTEMPTS):
            identifier = scoped_id("ans", scope, attempt)
            answer = self._recorded(identifier)
            if answer is None:
                return self._asked(question, identifier, scope)
            if not _without_money(answer):
                return self._output(answer)
        raise BudgetExceededError(
            f"{MOST_ATTEMPTS} runs ended at this example for want of money", hint="start a new evaluation"
        )

    def estimate(self, examples: Sequence[Example]) -> float | None:
        from groundwork.gateway.prices import cost_nanousd
        from groundwork.gateway.records import NANO
        from groundwork.gateway.tokens import estimate_text
        from groundwork.gateway.types import Usage

        table = reader_spec(self.spec)
        if not isinstance(table, Mapping) or table.get("name") != "generative":
            return 0.0
        asked = table.get("model")
        tiers = [asked] if isinstance(asked, str) else [str(name) for name in asked or ()]
        candidates = self.workspace.catalog.resolve(tiers[0]).candidates if tiers else ()
        price = candidates[0].price if candidates else None
        if price is None:
            return None
        output = int(self.spec.max_output_tokens * USUAL_OUTPUT)
        shown = self.spec.context_tokens + FRAME_TOKENS
        spent = sum(cost_nanousd(Usage(shown + estimate_text(x.question), output), price) for x in examples)
        return spent / NANO

    def _asked(self, question: str, identifier: str, scope: str) -> Output:
        more: dict[str, Any] = {} if self.of is None else {"pinned": self._pinned}

        def ask() -> Answer:
            return self.workspace.rooms.pipeline.ask(
                self.principal,
                question,
                self.name,
                self.spec,
                self.snapshot,
                caller=Caller(
                    self.principal.tenant, self.principal.name, access=self.principal.readable(), once=scope
                ),
                identifier=identifier,
                **more,
            )

        try:
            answer = patiently(ask)
        except GroundworkError as error:
            return failed_output(error)
        if _without_money(answer):
            raise BudgetExceededError(
                f"no money is left: {_without_money(answer)}",
                hint="raise the budget, or wait for its next period, and resume the evaluation",
            )
        self._refuse_others(answer)
        return self._output(answer)

    @cached_property
    def _pinned(self) -> Any:
        from groundwork.releases.serving import pinned

        assert self.of is not None
        return pinned(self.of)

    def _recorded(self, identifier: str) -> Answer | None:
        with self.workspace.rooms.database.read() as connection:
            return store.answer(connection, self.principal, identifier)

    def _refuse_others(self, answer: Answer) -> None:
        """Raise where an answer was made with something else than the evaluation began with."""
        pins = self._described["pins"]
        now = {"snapshot": answer.pins.snapshot, "settings": answer.pins.settings}
        changed = [name for name, value in now.items() if value != pins[name]]
        if changed:
            raise ConflictError(
                f"the app `{self.name}` changed while it was evaluated: its {' and '.join(changed)} "
                f"{'is' if len(changed) == 1 else 'are'} not what it began with",
                hint="start a new evaluation; results of two versions are not mixed",
            )

    def _output(self, answer: Answer) -> Output:
        if answer.redacted:
            raise GoneError(f"the answer `{answer.id}` was redacted meanwhile", hint="start a new evaluation")
        return output_of(answer)


def output_of(answer: Answer) -> Output:
    """Return a recorded answer as the output of an example."""
    usage = answer.usage
    asked = [e for e in answer.exchanges if not e.error]
    return Output(
        text=answer.text,
        abstained=answer.abstained,
        reason=answer.reason,
        confidence=min(1.0, max(0.0, answer.confidence)),
        passages=tuple(_passage(hit) for hit in answer.retrieved),
        citations=tuple(
            CitedPassage(c.quote, c.document, c.document_id, c.chunk_id, c.start, c.end)
            for c in answer.citations
        ),
        sentences=tuple(
            OutputSentence(answer.text[s.start : s.end], tuple(s.citations), bool(s.citations))
            for s in answer.sentences
        ),
        latency_ms=float(answer.timings.get("total", 0.0)),
        cost_usd=float(usage.get("cost_usd", 0.0)),
        input_tokens=int(usage.get("input_tokens", 0)),
        output_tokens=int(usage.get("output_tokens", 0)),
        model=answer.served_by,
        cached=bool(asked) and all(e.cached for e in asked),
        answer_id=answer.id,
        trace_id=answer.trace_id,
        documents=tuple(sorted({str(hit["document_id"]) for hit in answer.retrieved})),
    )


def _passage(hit: Mapping[str, Any]) -> Passage:
    return Passage(
        text=str(hit.get("text", "")),
        document=str(hit.get("document", "")),
        document_id=str(hit.get("document_id", "")),
        chunk_id=str(hit.get("chunk_id", "")),
        rank=int(hit.get("rank", 0)),
        score=float(hit.get("score", 0.0)),
        start=int(hit.get("start", 0)),
        end=int(hit.get("end", 0)),
    )


def _named(model: Mapping[str, Any]) -> str:
    asked = model.get("model") or model.get("name") or ""
    return asked if isinstance(asked, str) else ", ".join(map(str, asked))


def _strategy(strategy: Any) -> str:
    """Return the retrieval strategy as evaluations are told apart by it: its name, with a digest of its parameters."""
    if not isinstance(strategy, Mapping):
        return str(strategy)
    parameters = {k: v for k, v in strategy.items() if k != "name"}
    name = str(strategy.get("name", ""))
    return f"{name} {short(digest_json(parameters))}" if parameters else name


def _without_money(answer: Answer) -> str:
    """Return why a model could not be paid for an answer; empty where money was no trouble."""
    return next((e.message or e.error for e in answer.exchanges if e.error == OUT_OF_MONEY), "")
