"""Answer in a model's own words, each sentence held against the passages before anybody sees it.

The model gets the question and as many whole passages as fit, and marks what it writes with their numbers. Of that only
sentences survive for which a supporting quote is found; the others are taken out, or shown and marked. The confidence
combines how well the first sentence is supported with how likely the passages answer the question at all, as the extractive
reader judges it. It is known with the first sentence, so what is streamed is never taken back.

With several models the first is asked first, and the next one where it fails, says that there is no answer although there
seems to be one, or is not sure enough. When none answers, the extractive reader does, and the answer says so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from groundwork.answers.generating.claims import Said, read_output, settled
from groundwork.answers.generating.condensing import MAX_TURNS, condensed, usable
from groundwork.answers.generating.packing import Count, Packed, pack, repack
from groundwork.answers.generating.prompting import Prompting, Prompts, built_in, condense_request
from groundwork.answers.generating.support import Judge, trained
from groundwork.answers.generating.talking import Live, ModelGateway, Recorded, Voice
from groundwork.answers.generating.verifying import Finding, Verifier, leads_in
from groundwork.answers.readers.extractive import Extractive
from groundwork.answers.types import Asked, Claim, Draft, Exchange, Passage, Quote, Turn, Unsupported
from groundwork.core.digest import digest_json
from groundwork.core.errors import GroundworkError, SettingsError, UnavailableError, UpstreamError
from groundwork.gateway.tokens import estimate_text

if TYPE_CHECKING:
    from groundwork.answers.readers import Occasion
    from groundwork.prompts.types import PromptTemplate

VERSION = 1
"""Raised whenever equal question, passages and model output may give another draft."""
SUPPORTED_FROM = 0.5
"""Support score from which a sentence is kept."""
ESCALATE_BELOW = 0.5
"""Where neither the app nor a calibration says so."""


@dataclass(frozen=True)
class Generative:
    """Asks the models in `model`, cheap first; not deterministic, its answers are replayed from the recorded exchanges.

    Args:
        model: name of a model of the gateway, or several, cheap first.
        prompt: `name` or `name@label-or-digest`; `answer` comes with Groundwork.
        context_tokens: tokens of passages that the model is shown.
        unsupported: what becomes of sentences that no passage supports.
        fallback: who answers when no model does.
        escalate_below: confidence under which the next model is asked; None: the calibrated threshold, else .5.
        encoder, models: of the extractive reader, see there.
        gateway, prompts, count: given by the installation; `count` returns the tokens of a text for a model.
    """

    model: str | Sequence[str] = ""
    prompt: str = "answer"
    context_tokens: int = 3_000
    max_output_tokens: int = 600
    unsupported: Unsupported = "remove"
    fallback: Literal["extractive", "none"] = "extractive"
    escalate_below: float | None = None
    encoder: Literal["auto", "minilm", "none"] = "auto"
    models: str = ""
    gateway: ModelGateway | None = field(default=None, compare=False, repr=False)
    prompts: Prompts | None = field(default=None, compare=False, repr=False)
    count: Any = field(default=None, compare=False, repr=False)
    deterministic: ClassVar[bool] = False
    default_threshold: ClassVar[float] = 0.3

    @property
    def tiers(self) -> tuple[str, ...]:
        """The models, cheap first.

        Raises:
            SettingsError: none is named.
        """
        named = (self.model,) if isinstance(self.model, str) else tuple(self.model)
        if not named or not all(named):
            raise SettingsError(
                "the reader `generative` needs a model", hint='set `model = "provider/model"` in the app'
            )
        return named

    @cached_property
    def _template(self) -> PromptTemplate:
        name, _, reference = self.prompt.partition("@")
        return (self.prompts or built_in)(name, reference or "latest").template

    @property
    def prompt_pin(self) -> str:
        """The prompt version as `name@digest`."""
        return f"{self._template.name}@{self._template.digest}"

    @cached_property
    def _extractive(self) -> Extractive:
        return Extractive(encoder=self.encoder, models=self.models)

    @cached_property
    def _judge(self) -> Judge:
        return trained()

    @property
    def fingerprint(self) -> str:
        """Digest of version, parameters, prompt, and everything that checks what the model says."""
        return digest_json(
            {
                "reader": "generative",
                "version": VERSION,
                "model": list(self.tiers),
                "prompt": self._template.digest,
                "context_tokens": self.context_tokens,
                "max_output_tokens": self.max_output_tokens,
                "unsupported": self.unsupported,
                "fallback": self.fallback,
                "escalate_below": self.escalate_below,
                "support": self._judge.digest,
                "extractive": self._extractive.fingerprint,
            }
        )

    def pinned(self) -> dict[str, object]:
        """Return name and parameters, the prompt by its digest."""
        return {
            "name": "generative",
            "model": list(self.tiers),
            "prompt": self.prompt_pin,
            "context_tokens": self.context_tokens,
            "max_output_tokens": self.max_output_tokens,
            "unsupported": self.unsupported,
            "fallback": self.fallback,
            "escalate_below": self.escalate_below,
            "encoder": self._extractive.pinned()["encoder"],
        }

    def read(self, question: str, passages: Sequence[Passage]) -> Draft:
        """Return the draft of a call on nobody's account, see `read_for`."""
        from groundwork.answers.readers import Occasion

        return self.read_for(question, passages, Occasion())

    def read_for(self, question: str, passages: Sequence[Passage], occasion: Occasion) -> Draft:
        """Return what the first model says that is sure enough, checked, or what stands in for it."""
        quoted = self._extractive.read(question, passages)
        packed = repack(passages, occasion.shown) if occasion.shown else None
        if packed is None:
            packed = pack(passages, self.context_tokens, self._count(occasion))
        if not packed.blocks or not question.strip():
            return replace(quoted, text="", quotes=(), confidence=0.0)
        reading = _Reading(self, question, packed, quoted, occasion, self._voice(occasion))
        return reading.draft(passages)

    def condense(
        self, turns: Sequence[Turn], question: str, occasion: Occasion
    ) -> tuple[str, tuple[Exchange, ...]]:
        """Return the question as the first model rewrites it; by rule where it does not answer with one question."""
        if not turns:
            return question, ()
        template = (self.prompts or built_in)("condense", "latest").template
        request = condense_request(template, self.tiers[0], turns[-2 * MAX_TURNS :], question)
        caller = replace(occasion.caller, prompt=f"{template.name}@{template.digest}")
        exchange = self._voice(occasion).ask(request, "condense", "first", caller, None)
        written = "" if exchange.error else usable(exchange.text, question)
        return written or condensed(turns, question), (exchange,)

    def _voice(self, occasion: Occasion) -> Voice:
        if occasion.recorded is not None:
            return Recorded(occasion.recorded, occasion.strict)
        if self.gateway is None:
            raise UnavailableError(
                f"the model `{self.tiers[0]}` cannot be asked: this reader was made without a gateway",
                hint="ask through a workspace",
            )
        return Live(self.gateway)

    def _count(self, occasion: Occasion) -> Count:
        # Nothing that is replayed may depend on whether the model can still be asked for.
        if self.count is None or occasion.recorded is not None:
            return estimate_text
        given, model = self.count, self.tiers[0]
        return lambda text: int(given(text, model))


plugin = Generative


@dataclass
class _Reading:
    """One reading: models are asked in order, and what each says is checked as it comes."""

    reader: Generative
    question: str
    packed: Packed
    quoted: Draft
    occasion: Occasion
    voice: Voice
    exchanges: list[Exchange] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def draft(self, passages: Sequence[Passage]) -> Draft:
        """Ask the tiers in order and return the draft of the first that will do, or of who stands in."""
        tiers = self.reader.tiers
        least = self.reader.escalate_below
        if least is None:
            least = ESCALATE_BELOW if self.occasion.calibrated is None else self.occasion.calibrated
        reason: Asked = "first"
        best: Draft | None = None
        for place, model in enumerate(tiers):
            last = place + 1 == len(tiers)
            checking = self._ask(model, reason, None if last else least)
            if checking is None:
                reason = "fallback"
                continue
            found = self._made(checking)
            best = found
            if last or checking.sure >= least or checking.told:
                break
            self.notes.append(
                f"{checking.exchange.served_by} was not sure enough ({checking.sure:.2f} under {least:.2f})"
            )
            reason = "escalation"
        if best is None:
            return self._stand_in()
        return replace(best, exchanges=tuple(self.exchanges), notes=tuple(self.notes))

    def _ask(self, model: str, reason: Asked, least: float | None) -> _Checking | None:
        """Ask one model; None when nothing that could be read came of it."""
        caller = replace(
            self.occasion.caller,
            documents=tuple(
                sorted({*self.occasion.caller.documents, *(b.document_id for b in self.packed.blocks)})
            ),
            prompt=self.reader.prompt_pin,
        )
        prompting = Prompting(self.reader._template, self.reader.max_output_tokens)
        request = prompting.request(model, self.question, self.packed.blocks)
        checking = _Checking(self, least)
        hears = checking.hear if self.occasion.say is not None else None
        exchange = self.voice.ask(request, "answer", reason, caller, hears)
        self.exchanges.append(exchange)
        checking.finish(exchange)
        if exchange.error:
            what = "broke off" if exchange.finish == "broken" else "did not answer"
            self.notes.append(f"{model} {what}: {exchange.message}")
        elif exchange.finish == "length":
            self.notes.append(f"{model} was cut off at {self.reader.max_output_tokens} tokens")
        if exchange.error and not checking.kept:
            return None
        if checking.verdict in ("empty", "page"):
            what = "nothing" if checking.verdict == "empty" else "a web page"
            self.notes.append(f"{model} wrote {what} in place of an answer")
            return None
        if exchange.finish == "content_filter" and not checking.kept:
            self.notes.append(f"the provider of {model} refused to answer")
            return None
        return checking

    def _made(self, checking: _Checking) -> Draft:
        exchange = checking.exchange
        signals = {**self.quoted.signals, "answerable": self.quoted.confidence, **checking.signals()}
        blocks = self.packed.blocks
        text = "".join(
            c.gap + c.text + "".join(f" [{n}]" for n in c.quotes) for c in checking.claims if c.quotes
        ).strip()
        return Draft(
            text,
            tuple(checking.quotes),
            checking.confidence if text else 0.0,
            signals,
            self._usage(),
            tuple(checking.claims),
            tuple(b.passage() for b in blocks),
            shown=tuple(b.shown() for b in blocks),
            served_by=exchange.served_by or exchange.model,
            declined=checking.declined(),
            incomplete=exchange.finish in ("length", "broken"),
            unsupported=self.reader.unsupported,
        )

    def _stand_in(self) -> Draft:
        if self.reader.fallback == "none":
            failed = [e for e in self.exchanges if e.error]
            if self.exchanges and self.exchanges[-1].error and self.voice.refused is not None:
                raise self._told(self.voice.refused)
            raise UpstreamError(
                f"no model answered: {failed[-1].message if failed else '; '.join(self.notes)}",
                hint='`groundwork model check` tries each; with `fallback = "extractive"` the app quotes instead',
            )
        self.notes.append("no model answered, so the extractive reader did")
        return replace(
            self.quoted,
            usage=self._usage(),
            exchanges=tuple(self.exchanges),
            notes=tuple(self.notes),
            served_by="extractive",
        )

    def _told(self, error: GroundworkError) -> GroundworkError:
        """Return why the last model did not answer, as an error of the same kind: what to do next depends on it."""
        hint = '`groundwork model check` tries each; with `fallback = "extractive"` the app quotes instead'
        ours = isinstance(error, UpstreamError | UnavailableError)
        return type(error)(
            f"no model answered: {error.message}", hint=hint if ours else error.hint, **error.details
        )

    def _usage(self) -> dict[str, float]:
        total: dict[str, float] = {"model_calls": float(len(self.exchanges))}
        for exchange in self.exchanges:
            for name in ("input_tokens", "output_tokens"):
                total[name] = total.get(name, 0.0) + exchange.usage.get(name, 0.0)
        total["cost_usd"] = sum(e.cost_usd for e in self.exchanges)
        return total


@dataclass
class _Checking:
    """The sentences of one model, checked in order; the same whether they come at once or bit by bit."""

    reading: _Reading
    least: float | None
    claims: list[Claim] = field(default_factory=list)
    quotes: list[Quote] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    confidence: float = 0.0
    verdict: str = ""
    told: bool = False
    _waiting: Finding | None = None
    _heard: int = 0
    exchange: Exchange = field(default_factory=lambda: Exchange("answer", "first", "", ""))

    @property
    def kept(self) -> bool:
        """Whether any sentence is supported."""
        return bool(self.quotes)

    @cached_property
    def _verifier(self) -> Verifier:
        reading = self.reading
        return Verifier(reading.question, reading.packed.blocks, reading.reader._judge, SUPPORTED_FROM)

    def hear(self, text: str) -> None:
        """Check the sentences that are finished in what was said so far."""
        # Reading starts from the beginning each time, so it waits for more the longer the text is.
        if len(text) >= self._heard + max(24, self._heard // 64):
            self._heard = len(text)
            self._check(settled(text))

    def finish(self, exchange: Exchange) -> None:
        """Check what is left when the model has ended; the last sentence only if it was finished."""
        self.exchange = exchange
        output = read_output(exchange.text)
        self.verdict = output.verdict
        sentences = list(output.sentences)
        if exchange.finish in ("length", "broken") and sentences and not _ended(sentences[-1].text):
            sentences.pop()
        if [f.said.text for f in self.findings] != [s.text for s in sentences[: len(self.findings)]]:
            # What came later made other sentences of it; the answer depends on the whole output alone, as in replay.
            self.claims, self.quotes, self.findings, self._waiting, self.confidence = [], [], [], None, 0.0
        self._check(sentences)
        self._claim()

    @property
    def sure(self) -> float:
        """How sure this tier is of what it says; of saying that there is no answer as well."""
        if self.verdict == "no answer":
            return round(1.0 - self.reading.quoted.confidence, 6)
        return self.confidence if self.kept else 0.0

    def _check(self, sentences: Sequence[Said]) -> None:
        for said in sentences[len(self.findings) :]:
            finding = self._verifier.check(said)
            self.findings.append(finding)
            self._add(finding)

    def _add(self, finding: Finding) -> None:
        """Turn a finding into a claim; a line that only announces shares the fate of what it announces."""
        if not finding.supported and leads_in(finding.said, self.reading.question):
            self._claim()
            self._waiting = finding
            return
        self._claim(finding)

    def _claim(self, finding: Finding | None = None) -> None:
        waiting, self._waiting = self._waiting, None
        numbers: tuple[int, ...] = ()
        if finding is not None:
            numbers = tuple(self._quote(p.block - 1, p.start, p.end, p.score) for p in finding.places)
        if waiting is not None:
            announced = numbers[:1]
            score = finding.score if finding is not None and announced else waiting.score
            note = "it announces what follows" if announced else waiting.note
            said = waiting.said
            self._tell(Claim(said.gap, said.text, announced, bool(announced), round(score, 6), note))
        if finding is not None:
            said = finding.said
            self._tell(
                Claim(said.gap, said.text, numbers, bool(numbers), round(finding.score, 6), finding.note)
            )

    def _tell(self, claim: Claim) -> None:
        self.claims.append(claim)
        if claim.supported and len([c for c in self.claims if c.supported]) == 1:
            self.confidence = combined(claim.score, self.reading.quoted.confidence)
        say = self.reading.occasion.say
        if say is None or not self.kept or (self.least is not None and self.confidence < self.least):
            return
        passages = [b.passage() for b in self.reading.packed.blocks]
        for waiting in self.claims[-1:] if self.told else self.claims:
            say(self.confidence, waiting, self.quotes, passages)
        self.told = True

    def _quote(self, passage: int, start: int, end: int, score: float) -> int:
        """Return the number of a quote from 1, a new one for a place that was not quoted yet."""
        for number, quote in enumerate(self.quotes, 1):
            if (quote.passage, quote.start, quote.end) == (passage, start, end):
                return number
        self.quotes.append(Quote(passage, start, end, round(score, 6)))
        return len(self.quotes)

    def declined(self) -> str:
        """Return why there is no answer."""
        if self.verdict == "no answer":
            return "the model found no answer in the passages"
        if not self.kept:
            notes = "; ".join(dict.fromkeys(c.note for c in self.claims if c.note))
            return f"no sentence of the model is supported by the passages ({notes})"[:400]
        return ""

    def signals(self) -> dict[str, float]:
        """Return the figures behind the confidence."""
        supported = [c.score for c in self.claims if c.supported]
        total = len(self.claims)
        return {
            "support": supported[0] if supported else 0.0,
            "support_least": min(supported, default=0.0),
            "sentences": float(total),
            "supported_share": round(len(supported) / total, 4) if total else 0.0,
        }


def combined(support: float, answerable: float) -> float:
    """Return the confidence of a draft: the mean of both probabilities on the scale of their log odds."""

    def logit(p: float) -> float:
        p = min(max(p, 0.001), 0.999)
        return math.log(p / (1 - p))

    return round(1 / (1 + math.exp(-(logit(support) + logit(answerable)) / 2)), 6)


def _ended(text: str) -> bool:
    return text.rstrip().rstrip("\"'”’»)*_]」』】").endswith((".", "!", "?", "…", "。", "！", "？", "؟", "।"))
