"""Ask a judge: one output by a rubric, two outputs in both orders, or several judges of whom the majority counts.

A verdict is a JSON object that the gateway holds against its schema and has mended once. What is no verdict even then is
asked for once more, with other words; what is none after that is an error and no verdict at all, least of all a pass.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, Literal, Protocol, cast

from groundwork.core.digest import digest_json
from groundwork.core.errors import (
    ContextLengthError,
    InvalidInputError,
    OutputRefusedError,
    RateLimitedError,
    SettingsError,
    UnavailableError,
    UpstreamError,
)
from groundwork.core.improvement import JudgeSpec
from groundwork.core.principal import Principal
from groundwork.evaluation.judges.fencing import fenced
from groundwork.evaluation.judges.types import Asker, JudgeVerdict, Preference, Shown
from groundwork.gateway.types import Caller, ChatRequest, Completion, Message, ResponseFormat, TextPart
from groundwork.prompts.template import render
from groundwork.prompts.types import PromptVersion

VERSION = 1
"""Part of every judge's version; raised whenever equal arguments may be shown or read otherwise."""
GARBAGE = "judge_garbage"
PAIR_LABELS = ("second", "tie", "first")
"""What a judge of pairs says, worst for the first output first."""
BUILT_IN_PROMPTS = {"pointwise": "judge-pointwise", "pairwise": "judge-pairwise"}
_PASSING_TROUBLE = (UpstreamError, RateLimitedError, UnavailableError, ContextLengthError)
_MOST_REASON = 2_000
_AGAIN = (
    "Your last reply could not be read as a verdict. Reply once more with the JSON object alone, "
    "the reason in at most twenty words."
)


class ModelGateway(Protocol):
    """The gateway as a judge needs it."""

    def complete(self, request: ChatRequest, caller: Caller) -> Completion: ...


@dataclass(frozen=True)
class ModelJudge:
    """A judge that is one model. Safe to use from several threads.

    Args:
        prompt: the version it is asked with. identity: what its model's name stands for, part of its version.
        cached: False asks the model anew, where it would be found in the cache: to see whether it still says the same.
    """

    name: str
    spec: JudgeSpec
    prompt: PromptVersion
    gateway: ModelGateway
    principal: Principal
    identity: Any = None
    cached: bool = True

    @property
    def labels(self) -> tuple[str, ...]:
        return PAIR_LABELS if self.is_pairwise else self.spec.labels

    @property
    def passing(self) -> str:
        return "first" if self.is_pairwise else self.spec.passing or self.spec.labels[-1]

    @property
    def is_pairwise(self) -> bool:
        return self.spec.kind == "pairwise"

    @property
    def family(self) -> str:
        """Whose model it is, such as `gpt`."""
        return self.spec.family or family_of(self.spec.model)

    @cached_property
    def version(self) -> str:
        """Digest of everything that what it says depends on; a card holds for one."""
        spec = self.spec.model_dump(mode="json", exclude={"family", "members"})
        return digest_json(
            {
                "judge": VERSION,
                "spec": spec,
                "prompt": self.prompt.digest,
                "labels": list(self.labels),
                "model": self.identity if self.identity is not None else self.spec.model,
            }
        )

    def ask(self, shown: Shown, scope: str = "") -> JudgeVerdict:
        """Return the verdict on one output, or on a pair: then both orders are asked, and a win counts only in both.

        Raises:
            GroundworkError: the judge cannot be asked at all: no such model, no right to it, no money left.
        """
        if not self.is_pairwise:
            heard = self._ask(self._values(shown, output=fenced(shown.output, "output")), shown, scope)
            return self._one(heard)
        orders = ((shown.output, shown.other), (shown.other, shown.output))
        heard_both: list[_Heard] = []
        for turn, (first, second) in enumerate(orders):
            values = self._values(shown, first=fenced(first, "first"), second=fenced(second, "second"))
            heard_both.append(self._ask(values, shown, f"{scope}/{turn}" if scope else ""))
        return _pair(heard_both[0], heard_both[1])

    def _values(self, shown: Shown, **outputs: str) -> dict[str, Any]:
        shows = self.spec.shows
        values: dict[str, Any] = {"rubric": self.spec.rubric, "labels": list(self.labels), **outputs}
        values["input"] = fenced(shown.input, "question") if "input" in shows and shown.input else ""
        values["expected"] = (
            fenced(shown.expected, "expected") if "expected" in shows and shown.expected else ""
        )
        contexts = shown.contexts if {"contexts", "citations"} & set(shows) else ()
        values["contexts"] = [
            {"n": n, "text": fenced(text, "passage")} for n, text in enumerate(contexts, start=1)
        ]
        known = {i.name for i in self.prompt.template.inputs}
        return {name: value for name, value in values.items() if name in known}

    def _request(self, values: Mapping[str, Any]) -> ChatRequest:
        hints = self.prompt.template.hints
        schema = {
            "type": "object",
            "properties": {"reason": {"type": "string"}, "verdict": {"enum": list(self.labels)}},
            "required": ["reason", "verdict"],
            "additionalProperties": False,
        }
        try:
            messages = render(self.prompt.template, values)
        except InvalidInputError as error:
            raise SettingsError(
                f"the prompt `{self.prompt.name}` cannot be filled for the judge `{self.name}`: {error.message}",
                hint=f"its inputs are those of `{BUILT_IN_PROMPTS[self.spec.kind]}`: see `groundwork prompt show`",
            ) from error
        return ChatRequest(
            self.spec.model,
            tuple(Message(m.role, (TextPart(m.text),)) for m in messages),
            max_output_tokens=self.spec.max_output_tokens,
            temperature=float(hints.get("temperature", 0)),
            top_p=hints.get("top_p"),
            seed=hints.get("seed"),
            response_format=ResponseFormat("json_schema", "verdict", schema, strict=True),
        )

    def _ask(self, values: Mapping[str, Any], shown: Shown, scope: str) -> _Heard:
        request = self._request(values)
        caller = self._caller(request, shown, scope)
        heard = self._heard(request, caller)
        if heard.error != GARBAGE:
            return heard
        asked = (*request.messages, Message("user", (TextPart(_AGAIN),)))
        longer = request.changed(messages=asked, max_output_tokens=2 * self.spec.max_output_tokens)
        key = f"{caller.idempotency_key}/again" if caller.idempotency_key else ""
        again = self._heard(longer, replace(caller, idempotency_key=key))
        return replace(again, cost_usd=again.cost_usd + heard.cost_usd, cached=again.cached and heard.cached)

    def _caller(self, request: ChatRequest, shown: Shown, scope: str) -> Caller:
        exact = request.temperature == 0
        return Caller(
            tenant=self.principal.tenant,
            principal=self.principal.name,
            access=self.principal.readable(),
            documents=shown.documents,
            prompt=f"{self.prompt.name}@{self.prompt.digest}",
            cache="auto" if self.cached else "off",
            idempotency_key="" if exact or not scope or not self.cached else _key(self.version, scope),
        )

    def _heard(self, request: ChatRequest, caller: Caller) -> _Heard:
        try:
            completion = self.gateway.complete(request, caller)
        except OutputRefusedError as error:
            return _Heard(error=GARBAGE, reason=error.message)
        except _PASSING_TROUBLE as error:
            return _Heard(error=error.code, reason=error.message)
        meta = completion.meta
        paid = 0.0 if meta.cached else meta.cost_usd
        label, reason = _read(completion.text, self.labels)
        if not label:
            said = completion.text.strip()[:200] or "nothing"
            return _Heard(
                error=GARBAGE, reason=f"the judge said no verdict: {said}", cost_usd=paid, cached=meta.cached
            )
        return _Heard(label, reason, cost_usd=paid, cached=meta.cached)

    def _one(self, heard: _Heard) -> JudgeVerdict:
        return JudgeVerdict(
            heard.label,
            value_of(heard.label, self.labels),
            heard.reason,
            error=heard.error,
            cost_usd=heard.cost_usd,
            cached=heard.cached,
        )


@dataclass(frozen=True)
class Jury:
    """Several judges that are asked the same; the label that most of them say counts, the worst of those that tie."""

    name: str
    spec: JudgeSpec
    members: tuple[Asker, ...]

    def __post_init__(self) -> None:
        if len({m.labels for m in self.members}) > 1:
            raise SettingsError(
                f"the members of the jury `{self.name}` do not say the same labels",
                hint="give them equal `labels`, and do not mix judges of one output with judges of pairs",
            )

    @property
    def labels(self) -> tuple[str, ...]:
        return self.members[0].labels

    @property
    def passing(self) -> str:
        return self.spec.passing if self.spec.passing in self.labels else self.members[0].passing

    @property
    def is_pairwise(self) -> bool:
        return self.labels == PAIR_LABELS

    @property
    def family(self) -> str:
        """The family all members share; empty where they are of several."""
        families = {str(getattr(m, "family", "")) for m in self.members}
        return families.pop() if len(families) == 1 else ""

    @cached_property
    def version(self) -> str:
        """Digest of its members' versions and of what it passes."""
        return digest_json(
            {
                "jury": VERSION,
                "members": [[m.name, m.version] for m in self.members],
                "labels": list(self.labels),
                "passing": self.passing,
            }
        )

    def ask(self, shown: Shown, scope: str = "") -> JudgeVerdict:
        """Return the majority's verdict with what each member said; fewer than half of them readable is an error."""
        said = {m.name: m.ask(shown, f"{scope}/{m.name}" if scope else "") for m in self.members}
        members = {name: verdict.as_dict() for name, verdict in said.items()}
        cost = sum(v.cost_usd for v in said.values())
        cached = all(v.cached for v in said.values())
        votes = [v for v in said.values() if not v.error]
        if 2 * len(votes) <= len(said):
            first = next(v for v in said.values() if v.error)
            reason = f"only {len(votes)} of {len(said)} members gave a verdict: {first.reason}"
            return JudgeVerdict(
                "", None, reason, members=members, error=first.error, cost_usd=cost, cached=cached
            )
        label = majority([v.label for v in votes], self.labels)
        for_it = sum(v.label == label for v in votes)
        how = "all agree" if for_it == len(said) else f"{for_it} of {len(said)} members"
        word = next(v.reason for v in votes if v.label == label)
        return JudgeVerdict(
            label,
            value_of(label, self.labels),
            f"{how}: {word}",
            preference=_preferred(votes, "preference") if self.is_pairwise else None,
            swapped=_preferred(votes, "swapped") if self.is_pairwise else None,
            members=members,
            cost_usd=cost,
            cached=cached,
        )


def majority(said: Sequence[str], labels: Sequence[str]) -> str:
    """Return the label said most often; of several said equally often the worst, for pairs a tie."""
    counts = Counter(said)
    most = max(counts.values())
    tied = [label for label in labels if counts.get(label) == most]
    if len(tied) > 1 and tuple(labels) == PAIR_LABELS:
        return "tie"
    return tied[0]


def value_of(label: str, labels: Sequence[str]) -> float | None:
    """Return a label's place among the labels, from 0 (worst) to 1 (best); None for what is none of them."""
    return labels.index(label) / (len(labels) - 1) if label in labels else None


_FAMILIES: Mapping[str, tuple[str, ...]] = {
    "gpt": ("gpt", "o1", "o3", "o4", "chatgpt", "davinci"),
    "claude": ("claude",),
    "gemini": ("gemini", "palm", "bard", "gemma"),
    "llama": ("llama", "alpaca", "vicuna"),
    "mistral": ("mistral", "mixtral", "ministral"),
    "qwen": ("qwen", "qwq"),
    "deepseek": ("deepseek",),
    "phi": ("phi",),
    "command": ("command", "cohere"),
}


def family_of(model: str) -> str:
    """Return the family that a model's name begins with, such as `gpt` of `openai/gpt-5-mini`; else its first word."""
    name = model.rsplit("/", 1)[-1].lower()
    for family, begins in _FAMILIES.items():
        if any(name.startswith(begin) for begin in begins):
            return family
    return name.split("-", 1)[0].split(":", 1)[0]


@dataclass(frozen=True)
class _Heard:
    label: str = ""
    reason: str = ""
    error: str = ""
    cost_usd: float = 0.0
    cached: bool = False


def _pair(straight: _Heard, other_way: _Heard) -> JudgeVerdict:
    """Return the verdict on a pair; `swapped` is told in terms of the same two outputs, not of the places they stood in."""
    cost, cached = straight.cost_usd + other_way.cost_usd, straight.cached and other_way.cached
    failed = next((h for h in (straight, other_way) if h.error), None)
    preference = _as_preference(straight.label)
    swapped = _turned(_as_preference(other_way.label))
    if failed is not None:
        return JudgeVerdict(
            "", None, failed.reason, preference, swapped, error=failed.error, cost_usd=cost, cached=cached
        )
    agreed = preference == swapped and preference is not None
    label = cast(str, preference) if agreed else "tie"
    reason = (
        straight.reason
        if agreed
        else f"not the same in both orders: {straight.reason} / {other_way.reason}"[:_MOST_REASON]
    )
    return JudgeVerdict(
        label, value_of(label, PAIR_LABELS), reason, preference, swapped, cost_usd=cost, cached=cached
    )


def _as_preference(label: str) -> Preference | None:
    return cast(Preference, label) if label in PAIR_LABELS else None


def _turned(preference: Preference | None) -> Preference | None:
    turned: Mapping[str, Preference] = {"first": "second", "second": "first", "tie": "tie"}
    return None if preference is None else turned[preference]


def _preferred(votes: Sequence[JudgeVerdict], which: Literal["preference", "swapped"]) -> Preference | None:
    said = [p for p in (getattr(v, which) for v in votes) if p]
    return cast(Preference, majority(said, PAIR_LABELS)) if said else None


def _read(text: str, labels: Sequence[str]) -> tuple[str, str]:
    """Return label and reason of a reply; an empty label where there is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return "", ""
    if not isinstance(value, dict) or value.get("verdict") not in labels:
        return "", ""
    reason = value.get("reason", "")
    return str(value["verdict"]), str(reason)[:_MOST_REASON] if isinstance(reason, str) else ""


def _key(version: str, scope: str) -> str:
    return f"judge/{digest_json([version, scope])}"


def as_recorded(verdict: JudgeVerdict) -> dict[str, Any]:
    """Return a verdict as it is kept in a card: without the words, which may quote what was judged."""
    kept = asdict(verdict)
    kept.pop("reason")
    kept["members"] = {
        name: {"label": m["label"], "error": m["error"]} for name, m in verdict.members.items()
    }
    return kept
