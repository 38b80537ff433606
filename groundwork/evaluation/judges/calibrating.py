"""Cards and checks: ask the judge for what people have labelled, and see later whether it still says the same."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from groundwork.core.digest import digest_json
from groundwork.core.errors import (
    CancelledError,
    GoneError,
    GroundworkError,
    InvalidInputError,
    NotFoundError,
)
from groundwork.core.ids import new_id
from groundwork.core.principal import Principal
from groundwork.evaluation.judges import records
from groundwork.evaluation.judges.asking import Jury, ModelJudge, family_of
from groundwork.evaluation.judges.cards import Judged, make_record, shown_interval
from groundwork.evaluation.judges.labelling import Labelling, Pool
from groundwork.evaluation.judges.samples import Card, Label, Sample
from groundwork.evaluation.judges.types import JudgeVerdict, Shown
from groundwork.evaluation.statistics.cusum import agreement_cusum
from groundwork.evaluation.statistics.rates import wilson

ANCHORS = 50
AT_ONCE = 4
DROP = 0.10
"""The loss of agreement that a check is meant to notice."""

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Drift:
    """Whether a judge still agrees with people as its card says, over all checks of its present version.

    Attributes:
        state: `unknown` (no card, or no check yet), `steady`, or `drifted`.
        checks: newest first. changed: verdicts of the newest check that are not those of the card, of `n`.
        cusum: what the cumulative sum says, see `statistics.cusum.Drift`; empty without a check.
    """

    judge: str
    state: str
    reason: str
    checks: tuple[Card, ...] = ()
    changed: int = 0
    n: int = 0
    cusum: Mapping[str, Any] | None = None


class Calibrating(Labelling):
    """Makes cards and checks; the part of `Judges` that asks people's labels and the judge the same questions."""

    def asker(self, name: str, principal: Principal, *, cached: bool = True) -> ModelJudge | Jury:
        """Return a judge that can be asked; `Judges` knows them."""
        raise NotImplementedError

    # -- cards ------------------------------------------------------------------------------------------------
    def make_card(
        self,
        principal: Principal,
        name: str,
        sample_ids: Sequence[str] = (),
        *,
        progress: OnProgress = lambda done, of: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Card:
        """Make and keep the card of a judge as it is now, from the labels that people gave.

        The judge is asked for every labelled item; what it was asked before is found in the cache. Without `sample_ids` all
        simple random samples of the judge count; where there is none, the newest stratified one, then what was imported.

        Raises:
            NotFoundError: no such judge or sample. InvalidInputError: nothing is labelled, samples of several kinds are
                named, or imported verdicts are of another version of the judge. CancelledError: nothing is kept.
        """
        samples = self._chosen(principal, name, sample_ids)
        with self.database.read() as connection:
            given = records.labels_of(connection, principal.tenant, [s.id for s in samples])
        if samples[0].imported:
            judged, about = self._imported(principal, name, samples, given)
        else:
            judged, about = self._asked(principal, name, samples, given, progress, cancelled)
        labels, passing, family = about.pop("labels"), about.pop("passing"), about.pop("family")
        version = about.pop("version")
        record = make_record(judged, labels, passing, family=family)
        evaluations = sorted({s.evaluation_id for s in samples if s.evaluation_id})
        record |= {"samples": [s.id for s in samples], "evaluations": evaluations, "family": family, **about}
        return self._keep(principal, name, version, "card", record)

    def card_by_id(self, principal: Principal, card_id: str) -> Card:
        """Return one card or check; raises NotFoundError."""
        with self.database.read() as connection:
            found = records.card(connection, principal.tenant, card_id)
        if found is None:
            raise NotFoundError(
                f"there is no card `{card_id[:60]}`", hint="list them with `groundwork judge show JUDGE`"
            )
        return found

    def _chosen(self, principal: Principal, name: str, sample_ids: Sequence[str]) -> list[Sample]:
        counts = self.counts(principal)
        if sample_ids:
            found = [self.sample(principal, i) for i in sample_ids]
            other = next((s for s in found if s.judge != name), None)
            if other is not None:
                raise InvalidInputError(
                    f"the sample `{other.id}` is of the judge `{other.judge}`, not of `{name}`"
                )
            if len({s.scheme for s in found}) > 1 or (len(found) > 1 and found[0].scheme == "stratified"):
                raise InvalidInputError(
                    "samples that were drawn in different ways cannot be one card",
                    hint="name one sample, or several simple random ones",
                )
        else:
            labelled = [s for s in self.samples(principal, name) if counts.get(s.id, (0, 0))[0]]
            simple = [s for s in labelled if s.scheme == "simple"]
            stratified = [s for s in labelled if s.scheme == "stratified"][:1]
            found = simple or stratified or [s for s in labelled if s.imported][:1]
        if not any(counts.get(s.id, (0, 0))[0] for s in found):
            raise InvalidInputError(
                f"nobody has labelled anything for the judge `{name}`",
                hint=f"draw with `groundwork judge sample {name} EVALUATION`, then `groundwork judge label SAMPLE`",
            )
        return found

    def _asked(
        self,
        principal: Principal,
        name: str,
        samples: Sequence[Sample],
        given: Sequence[Label],
        progress: OnProgress,
        cancelled: Callable[[], bool],
    ) -> tuple[list[Judged], dict[str, Any]]:
        asker = self.asker(name, principal)
        wanted: dict[str, tuple[Shown, Judged]] = {}
        gone = 0
        for sample in samples:
            pool = self._pool(principal, sample)
            people = _people([x for x in given if x.sample_id == sample.id])
            if pool is None:
                gone += len(people)
                continue
            for item in sample.items:
                if item not in people:
                    continue
                if pool.gone(item):
                    gone += 1
                    continue
                key = anchor_name(sample, item)
                known = wanted.get(key)
                both = {**(known[1].people if known else {}), **people[item]}
                wanted[key] = (pool.shown(item), _unjudged(key, both, sample, pool, item))
        if not wanted:
            raise GoneError(
                f"of {gone} labelled items none has its output any more",
                hint="their outputs were erased or their evaluations are gone; draw and label a new sample",
            )
        verdicts = ask_all(
            asker, {k: shown for k, (shown, _) in wanted.items()}, progress=progress, cancelled=cancelled
        )
        judged = [with_verdict(wanted[k][1], v) for k, v in verdicts.items()]
        about = {
            "labels": asker.labels,
            "passing": asker.passing,
            "family": asker.family,
            "version": asker.version,
            "origin": "drawn",
            "scheme": samples[0].scheme,
            "gone": gone,
            "cost_usd": round(sum(v.cost_usd for v in verdicts.values()), 9),
            "asked_with": described(asker),
        }
        return judged, about

    def _imported(
        self, principal: Principal, name: str, samples: Sequence[Sample], given: Sequence[Label]
    ) -> tuple[list[Judged], dict[str, Any]]:
        versions = {s.version for s in samples}
        recorded = samples[0].recorded.get("", {})
        now = self._version_or_none(principal, name)
        if len(versions) > 1 or (now and now not in versions):
            raise InvalidInputError(
                f"the imported verdicts are of another version of the judge `{name}` than it is now",
                hint="draw a sample, so that the judge can be asked; or import verdicts of the present version",
            )
        judged = []
        for sample in samples:
            people = _people([x for x in given if x.sample_id == sample.id])
            for item in sample.items:
                one = sample.recorded.get(item, {})
                judged.append(Judged(item=item, people=people.get(item, {}), **one))
        about = {
            "labels": tuple(recorded["labels"]),
            "passing": recorded["passing"],
            "family": recorded.get("family", ""),
            "version": samples[0].version,
            "origin": "imported",
            "scheme": "imported",
            "gone": 0,
            "cost_usd": 0.0,
            "asked_with": {},
        }
        return judged, about

    def import_judged(
        self,
        principal: Principal,
        name: str,
        judged: Sequence[Judged],
        labels: Sequence[str],
        passing: str,
        *,
        family: str = "",
        title: str = "",
    ) -> Sample:
        """Keep human labels and verdicts that were recorded elsewhere as a sample; no text comes with them.

        The verdicts count for the judge as it is now, on the word of whoever imports them; the card says so. A judge that
        the spec does not name is known by its imported card only.

        Raises:
            InvalidInputError: there is nothing, or the judge's labels are others.
        """
        if not judged:
            raise InvalidInputError("there is nothing to import")
        version = self._version_or_none(principal, name)
        if version:
            asker = self.asker(name, principal)
            if tuple(labels) != asker.labels:
                raise InvalidInputError(
                    f"the judge `{name}` says {', '.join(asker.labels)}, the file {', '.join(labels)}",
                    hint="leave `--labels` out, or import for another judge",
                )
            passing, family = asker.passing, family or asker.family
        recorded: dict[str, dict[str, Any]] = {
            "": {"labels": list(labels), "passing": passing, "family": family}
        }
        recorded |= {j.item: _recorded(j) for j in judged}
        sample = Sample(
            id=new_id("smp"),
            judge=name,
            evaluation_id="",
            scheme="imported",
            items=tuple(j.item for j in judged),
            population=len(judged),
            population_digest=digest_json(sorted([j.item, sorted(j.people.items())] for j in judged)),
            title=title,
            recorded=recorded,
            version=version or digest_json(["imported", name, list(labels), passing]),
            created_at=self._now(),
            created_by=principal.name,
        )
        given = [
            Label(new_id("lbl"), sample.id, j.item, label, "", rater, sample.created_at)
            for j in judged
            for rater, label in j.people.items()
        ]
        with self.database.write() as connection:
            records.put_sample(connection, principal.tenant, sample)
            records.put_labels(connection, principal.tenant, given)
        return sample

    # -- drift ------------------------------------------------------------------------------------------------
    def check(
        self,
        principal: Principal,
        name: str,
        n: int = ANCHORS,
        *,
        progress: OnProgress = lambda done, of: None,
    ) -> Card:
        """Ask a judge anew, past the cache, for the first items of its card, and keep what it says as a check.

        Raises:
            InvalidInputError: it has no card made from drawn items. GoneError: none of the items has its output any more.
        """
        asker = self.asker(name, principal, cached=False)
        with self.database.read() as connection:
            found = records.cards_of(connection, principal.tenant, name, version=asker.version)
        card = next((c for c in reversed(found) if c.record.get("origin") == "drawn"), None)
        if card is None:
            raise InvalidInputError(
                f"the judge `{name}` has no card with items that it can be asked again",
                hint=f"label a drawn sample and make one: `groundwork judge card {name} --make`",
            )
        anchors = [i for i in card.record["items"] if i["human"] and i["verdict"]][: max(1, n)]
        shown = self._shown_again(principal, card, [i["item"] for i in anchors])
        if not shown:
            raise GoneError(
                "no item of the card has its output any more", hint="draw, label and make a new card"
            )
        verdicts = ask_all(asker, shown, progress=progress)
        items = [
            {
                "item": i["item"],
                "human": i["human"],
                "before": i["verdict"],
                "verdict": verdicts[i["item"]].label,
                "error": verdicts[i["item"]].error,
            }
            for i in anchors
            if i["item"] in verdicts
        ]
        changed = sum(1 for i in items if i["verdict"] != i["before"])
        agreed = sum(1 for i in items if i["verdict"] == i["human"])
        record = {
            "card": card.id,
            "n": len(items),
            "gone": len(anchors) - len(items),
            "changed": shown_interval(wilson(changed, len(items))) | {"n": changed},
            "agreement": shown_interval(wilson(agreed, len(items))) | {"n": agreed},
            "agreement_before": round(sum(i["before"] == i["human"] for i in items) / len(items), 6),
            "items": items,
            "cost_usd": round(sum(v.cost_usd for v in verdicts.values()), 9),
        }
        return self._keep(principal, name, asker.version, "check", record)

    def drift(self, principal: Principal, name: str) -> Drift:
        """Return whether the judge as it is now still agrees with people as it did when its card was made."""
        version = self._version_or_none(principal, name)
        with self.database.read() as connection:
            checks = (
                records.cards_of(connection, principal.tenant, name, kind="check", version=version, limit=200)
                if version
                else []
            )
        if not checks:
            return Drift(
                name, "unknown", f"it was never checked; `groundwork judge check {name}` asks it again"
            )
        newest = checks[0]
        agreed = [int(i["verdict"] == i["human"]) for c in reversed(checks) for i in c.record["items"]]
        expected = float(checks[-1].record["agreement_before"])
        cusum = agreement_cusum(agreed, expected, drop=DROP, horizon=max(500, len(agreed)))
        changed, n = int(newest.record["changed"]["n"]), int(newest.record["n"])
        now = newest.record["agreement"]
        moved = f"{changed} of {n} verdicts are not those of the card; it agrees with people in {now['value']:.2f}"
        if cusum.alarm:
            reason = f"{moved}, {expected:.2f} when its card was made: label a new sample and make a new card"
        else:
            reason = f"{moved}, {expected:.2f} when its card was made; no loss of {DROP:.2f} is shown"
        path = [round(p, 4) for p in cusum.path]
        told = {"alarm": cusum.alarm, "at": cusum.at, "threshold": round(cusum.threshold, 4), "path": path}
        return Drift(name, "drifted" if cusum.alarm else "steady", reason, tuple(checks), changed, n, told)

    def _shown_again(self, principal: Principal, card: Card, wanted: Sequence[str]) -> dict[str, Shown]:
        found: dict[str, Shown] = {}
        for sample_id in card.record.get("samples", ()):
            sample = self.sample(principal, sample_id)
            pool = self._pool(principal, sample)
            if pool is None:
                continue
            names = {anchor_name(sample, item): item for item in sample.items}
            found |= {w: pool.shown(names[w]) for w in wanted if w in names and not pool.gone(names[w])}
        return {w: found[w] for w in wanted if w in found}

    def _version_or_none(self, principal: Principal, name: str) -> str:
        try:
            return self.asker(name, principal).version
        except GroundworkError:
            return ""

    def _keep(
        self, principal: Principal, name: str, version: str, kind: Any, record: Mapping[str, Any]
    ) -> Card:
        card = Card(new_id("jcd"), name, version, kind, record, self._now(), principal.name)
        with self.database.write() as connection:
            records.put_card(connection, principal.tenant, card)
        return card


def anchor_name(sample: Sample, item: str) -> str:
    """Return how a card names an item: with its evaluation, and the second one of a pair."""
    against = f"+{sample.against}" if sample.against else ""
    return f"{sample.evaluation_id}{against}:{item}"


def ask_all(
    asker: ModelJudge | Jury,
    shown: Mapping[str, Shown],
    *,
    progress: OnProgress = lambda done, of: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> dict[str, JudgeVerdict]:
    """Return the verdict on each item, a few asked at a time.

    Raises:
        CancelledError: verdicts that were given stay in the cache, so the next run goes on from there.
        GroundworkError: the judge cannot be asked at all, or of everything nothing came back but the same trouble.
    """

    def ask(entry: tuple[str, Shown]) -> tuple[str, JudgeVerdict]:
        if cancelled():
            raise CancelledError(
                "asking the judge was cancelled", hint="what it said is cached; run it again to go on"
            )
        return entry[0], asker.ask(entry[1], scope=entry[0])

    found: dict[str, JudgeVerdict] = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for done, (key, verdict) in enumerate(pool.map(ask, shown.items()), 1):
            found[key] = verdict
            progress(done, len(shown))
    return found


def with_verdict(judged: Judged, verdict: JudgeVerdict) -> Judged:
    """Return an item with what the judge said of it."""
    return replace(
        judged,
        verdict=verdict.label,
        preference=verdict.preference or "",
        swapped=verdict.swapped or "",
        error=verdict.error,
    )


def described(asker: ModelJudge | Jury) -> dict[str, Any]:
    """Return what a judge is made of, for its card."""
    if isinstance(asker, Jury):
        return {"kind": "jury", "members": {m.name: m.version for m in asker.members}}
    return {
        "kind": asker.spec.kind,
        "model": asker.spec.model,
        "prompt": f"{asker.prompt.name}@{asker.prompt.digest}",
        "rubric": asker.spec.rubric,
    }


def _people(given: Iterable[Label]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for label in given:
        found.setdefault(label.item, {})[label.rater] = label.label
    return found


def _unjudged(key: str, people: Mapping[str, str], sample: Sample, pool: Pool, item: str) -> Judged:
    shown = pool.shown(item)
    mine, other = pool.models(item)
    first, second = len(shown.output) + 1, len(shown.other) + 1
    return Judged(
        item=key,
        people=people,
        verdict="",
        log_ratio=math.log(first / second) if sample.against else math.log(first),
        family=family_of(mine) if mine else "",
        other_family=family_of(other) if other else "",
        weight=sample.weights.get(item, 1.0),
        stratum=sample.strata.get(item, ""),
    )


def _recorded(judged: Judged) -> dict[str, Any]:
    return {
        "verdict": judged.verdict,
        "preference": judged.preference,
        "swapped": judged.swapped,
        "error": judged.error,
        "log_ratio": judged.log_ratio,
        "family": judged.family,
        "other_family": judged.other_family,
    }
