"""The judges of a workspace: asked by name, measured by people's labels, trusted as far as their card goes."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from groundwork.core.clock import Clock
from groundwork.core.errors import GroundworkError, NotFoundError, SettingsError
from groundwork.core.improvement import JudgeSpec
from groundwork.core.principal import LOCAL, Principal
from groundwork.evaluation.judges import records
from groundwork.evaluation.judges.admission import trust_of
from groundwork.evaluation.judges.asking import BUILT_IN_PROMPTS, PAIR_LABELS, Jury, ModelGateway, ModelJudge
from groundwork.evaluation.judges.calibrating import Calibrating
from groundwork.evaluation.judges.labelling import Book
from groundwork.evaluation.judges.samples import Card, Sample
from groundwork.evaluation.judges.types import Trust
from groundwork.prompts.types import PromptVersion
from groundwork.storage.database import Database

if TYPE_CHECKING:
    from groundwork.evaluation.judges.correcting import Corrected

PromptOf = Callable[[Principal, str], PromptVersion]
"""Returns a prompt version of `name` or `name@version`; raises NotFoundError."""


@dataclass(frozen=True)
class Asking:
    """What is needed to ask: the gateway, the prompts, and what a model's name stands for."""

    gateway: Callable[[], ModelGateway]
    prompt: PromptOf
    identity: Callable[[str], Any] = lambda model: model


@dataclass(frozen=True, slots=True)
class JudgeInfo:
    """One judge at a glance.

    Attributes:
        spec: None where the spec does not name it any more; its samples and cards stay.
        version: digest; empty where it cannot be asked (`problem` says why).
        card: the newest of this version; stale: there is one of an older version only.
    """

    name: str
    spec: JudgeSpec | None
    version: str
    labels: tuple[str, ...]
    passing: str
    trust: Trust
    card: Card | None = None
    stale: bool = False
    problem: str = ""
    samples: tuple[Sample, ...] = ()

    @property
    def kind(self) -> str:
        return self.spec.kind if self.spec else "unknown"


class Judges(Calibrating):
    """The judges of one workspace. Safe to use from several threads.

    Args:
        specs: by name, as the spec has them. asking: how a model is reached.
        book: the evaluations whose outputs are drawn and labelled.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        specs: Mapping[str, JudgeSpec],
        asking: Asking,
        book: Callable[[], Book],
    ) -> None:
        super().__init__(database, clock, book)
        self.specs = dict(specs)
        self.asking = asking

    # -- asking -----------------------------------------------------------------------------------------------
    def names(self) -> tuple[str, ...]:
        """Return the names of the judges of the spec, sorted."""
        return tuple(sorted(self.specs))

    def asker(self, name: str, principal: Principal = LOCAL, *, cached: bool = True) -> ModelJudge | Jury:
        """Return a judge that can be asked, in the name and at the cost of a principal.

        Args:
            cached: False asks models anew even where the cache has their reply.

        Raises:
            NotFoundError: the spec has no such judge. SettingsError: its spec or its prompt does not make sense.
        """
        spec = self._spec(name)
        if spec.kind == "jury":
            return Jury(name, spec, tuple(self._member(name, m, principal, cached) for m in spec.members))
        if spec.kind == "pairwise" and "labels" in spec.model_fields_set and spec.labels != PAIR_LABELS:
            raise SettingsError(
                f"the judge `{name}` compares two outputs and says {', '.join(PAIR_LABELS)}; it takes no `labels`",
                hint="leave `labels` out",
            )
        prompt = self.asking.prompt(principal, spec.prompt or BUILT_IN_PROMPTS[spec.kind])
        identity = self.asking.identity(spec.model)
        return ModelJudge(name, spec, prompt, self.asking.gateway(), principal, identity, cached)

    def words(self, principal: Principal, name: str) -> tuple[str, ...]:
        """Return what a judge may say, worst first; raises NotFoundError."""
        spec = self._spec(name)
        if spec.kind == "jury":
            spec = self._spec(spec.members[0])
        return PAIR_LABELS if spec.kind == "pairwise" else spec.labels

    def passing_of(self, name: str) -> str:
        """Return the least label that passes; raises NotFoundError."""
        spec = self._spec(name)
        words = self.words(LOCAL, name)
        if spec.passing in words:
            return spec.passing
        member = self._spec(spec.members[0]) if spec.kind == "jury" else spec
        return member.passing if member.passing in words else words[-1]

    def corrected(self, principal: Principal, evaluation: str, scorer: str, sample: str = "") -> Corrected:
        """Return a judged rate of an evaluation, corrected by people's labels of a drawn part of it; see `correcting`."""
        from groundwork.evaluation.judges.correcting import correction

        return correction(principal, evaluation, scorer, judges=self, sample=sample)

    def _member(self, jury: str, name: str, principal: Principal, cached: bool) -> ModelJudge | Jury:
        if self._spec(name).kind == "jury":
            raise SettingsError(
                f"the jury `{jury}` names the jury `{name}` as a member", hint="name judges with a `model`"
            )
        return self.asker(name, principal, cached=cached)

    def _spec(self, name: str) -> JudgeSpec:
        if name in self.specs:
            return self.specs[name]
        near = difflib.get_close_matches(name, self.specs, 1)
        listed = f"the spec has: {', '.join(self.names())}" if self.specs else "the spec has no `[judges.…]`"
        raise NotFoundError(
            f"there is no judge `{name[:80]}`", hint=f"did you mean `{near[0]}`?" if near else listed
        )

    # -- trust ------------------------------------------------------------------------------------------------
    def card(self, principal: Principal, name: str) -> Card | None:
        """Return the newest card of the judge as it is now; None where this version has none."""
        version = self.version(principal, name)
        if not version:
            return None
        with self.database.read() as connection:
            found = records.cards_of(connection, principal.tenant, name, version=version, limit=1)
        return found[0] if found else None

    def cards(self, principal: Principal, name: str) -> list[Card]:
        """Return every card of a judge, of every version, newest first."""
        with self.database.read() as connection:
            return records.cards_of(connection, principal.tenant, name)

    def trust(self, principal: Principal, name: str) -> Trust:
        """Return what the newest card of the judge's present version allows it, and what would change that.

        Raises:
            NotFoundError: there is no such judge.
        """
        version = self.asker(name, principal).version
        newest = self.cards(principal, name)
        card = next((c for c in newest if c.version == version), None)
        return trust_of(name, version, card, stale=card is None and bool(newest))

    def version(self, principal: Principal, name: str) -> str:
        """Return the digest of the judge as it is now; empty where it cannot be asked."""
        return self._version_or_none(principal, name)

    # -- at a glance ------------------------------------------------------------------------------------------
    def overview(self, principal: Principal) -> list[JudgeInfo]:
        """Return every judge of the spec, and those that only have samples or cards, by name."""
        with self.database.read() as connection:
            known = records.judges_known(connection, principal.tenant)
        return [self.info(principal, name) for name in sorted({*self.specs, *known})]

    def info(self, principal: Principal, name: str) -> JudgeInfo:
        """Return one judge at a glance.

        Raises:
            NotFoundError: the spec has no such judge, and it has neither samples nor cards.
        """
        spec, problem = self.specs.get(name), ""
        samples, cards = tuple(self.samples(principal, name)), self.cards(principal, name)
        if spec is None and not samples and not cards:
            self._spec(name)
        try:
            asker = self.asker(name, principal)
        except GroundworkError as error:
            problem = error.message if spec is not None else "the spec does not name it"
            return self._without_asker(name, spec, problem, cards, samples)
        card = next((c for c in cards if c.version == asker.version), None)
        stale = card is None and bool(cards)
        trust = trust_of(name, asker.version, card, stale=stale)
        return JudgeInfo(
            name, spec, asker.version, asker.labels, asker.passing, trust, card, stale, "", samples
        )

    def _without_asker(
        self, name: str, spec: JudgeSpec | None, problem: str, cards: list[Card], samples: tuple[Sample, ...]
    ) -> JudgeInfo:
        card = cards[0] if cards else None
        labels = tuple(card.record["labels"]) if card else ()
        passing = str(card.record["passing"]) if card else ""
        trust = Trust(name, "", False, False, reason=f"it cannot be asked: {problem}")
        return JudgeInfo(name, spec, "", labels, passing, trust, card, False, problem, samples)
