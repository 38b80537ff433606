"""Compare two evaluations example by example: which examples, which metrics, what differs and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence

from groundwork.core.errors import ConflictError, InvalidInputError, NotFoundError
from groundwork.core.principal import Principal
from groundwork.evaluation.book import Evaluations
from groundwork.evaluation.differences import difference
from groundwork.evaluation.gates.types import Comparison, MetricDifference, Pair, Side
from groundwork.evaluation.gates.wording import count
from groundwork.evaluation.metrics.measuring import expressions
from groundwork.evaluation.pairing import Loaded, load_pairs
from groundwork.evaluation.types import Evaluation

LOOKED_BACK = 200
ALL_SLICES = ("*",)


class Comparisons:
    """Compares evaluations of a workspace. Safe to use from several threads."""

    def __init__(self, book: Evaluations) -> None:
        self._book = book

    def find(self, principal: Principal, ref: str) -> Evaluation:
        """Return the evaluation that is meant: by id, `last`, or the newest done of an app or release.

        Raises:
            NotFoundError: there is none. ConflictError: several ids begin so.
        """
        word = ref.strip()
        if word.startswith("evl_") or word == "last":
            return self._book.get(principal, word)
        app, mark, number = word.partition("@")
        done = [e for e in self._book.list(principal, app=app, limit=LOOKED_BACK) if e.state == "done"]
        for found in done:
            if not mark or _is_release(found, word):
                return found
        what = f"release `{word[:60]}`" if mark and number else f"app `{word[:60]}`"
        raise NotFoundError(
            f"no finished evaluation of the {what} is there",
            hint=f"make one with `groundwork evaluate {word[:60]}`, or list them with `groundwork evaluation list`",
        )

    def compare(
        self,
        principal: Principal,
        a: str,
        b: str,
        metrics: Sequence[str] | None = None,
        *,
        shared: bool = False,
        slices: Sequence[str] = ALL_SLICES,
    ) -> Comparison:
        """Return what differs from `a` (baseline) to `b` (candidate).

        Args:
            a, b: see `find`. metrics: as gates write them; None: all that both report.
            shared: compare examples of the same id although the versions of the dataset differ, and say so.
            slices: tags, or beginnings that end in `:`; all of them unless said otherwise.

        Raises:
            NotFoundError: one of them is not there, or a metric names no scorer of both.
            ConflictError: they are of different datasets, or one has nothing yet.
            InvalidInputError: both are the same, or a metric cannot be read.
        """
        before, after, notes = self._loaded(principal, a, b, shared)
        named = list(dict.fromkeys(metrics)) if metrics else _both_report(before, after)
        ids = [e.id for e in after.examples]
        there = {e.id for e in before.examples}
        common = [i for i in ids if i in there]
        kept = set(common)
        left, right = before.only(common), after.only(common)
        found: list[MetricDifference] = []
        for metric in named:
            pairs = load_pairs(left, right, metric)
            tags = sorted({t for of in pairs.tags for t in of}) if tuple(slices) == ALL_SLICES else slices
            found.append(difference(pairs, slices=tags))
            notes += _scorer_notes(before.evaluation, after.evaluation, metric)
        return Comparison(
            baseline=_side(before),
            candidate=_side(after),
            n=len(common),
            only_baseline=tuple(e.id for e in before.examples if e.id not in kept),
            only_candidate=tuple(i for i in ids if i not in kept),
            shared=before.evaluation.dataset_version != after.evaluation.dataset_version,
            metrics=tuple(found),
            notes=tuple(dict.fromkeys(notes)),
        )

    def pairs(self, principal: Principal, a: str, b: str, metric: str, *, shared: bool = False) -> list[Pair]:
        """Return both sides of every example for one metric: what got worse first, then what got better, the furthest first.

        A score that is missing is None on that side; the difference is then what a gate would count.
        """
        before, after, _ = self._loaded(principal, a, b, shared)
        there = {e.id for e in before.examples}
        common = [e.id for e in after.examples if e.id in there]
        found = load_pairs(before.only(common), after.only(common), metric)
        gone = set(found.missing_baseline), set(found.missing_candidate)
        rows: list[tuple[float, int, Pair]] = []
        for n, identifier in enumerate(found.ids):
            one, other = float(found.baseline[n]), float(found.candidate[n])
            better = (other - one) * (1 if found.higher_is_better else -1)
            pair = Pair(
                identifier,
                None if identifier in gone[0] else one,
                None if identifier in gone[1] else other,
                other - one,
                found.tags[n],
            )
            rank = 0 if better < 0 else 1 if better > 0 else 2
            rows.append((rank - 1 / (1 + abs(better)) * 0.5 if rank < 2 else rank, n, pair))
        return [pair for _, _, pair in sorted(rows, key=lambda row: row[:2])]

    def _loaded(self, principal: Principal, a: str, b: str, shared: bool) -> tuple[Loaded, Loaded, list[str]]:
        one, other = self.find(principal, a), self.find(principal, b)
        if one.id == other.id:
            raise InvalidInputError(
                f"`{a}` and `{b}` are the same evaluation `{one.id}`", hint="name another one"
            )
        for e in (one, other):
            if e.state not in ("done", "failed", "cancelled"):
                raise ConflictError(f"the evaluation `{e.id}` is {e.state}", hint="wait until it is done")
        notes = [
            f"The evaluation `{e.id}` is {e.state}: examples without a result count as missing."
            for e in (one, other)
            if e.state != "done"
        ]
        if one.dataset_version != other.dataset_version:
            if not shared:
                raise ConflictError(
                    f"`{one.id}` is of `{one.dataset}` {one.dataset_version[:7]} and `{other.id}` of `{other.dataset}` "
                    f"{other.dataset_version[:7]}: not the same examples",
                    hint="say `--shared` to compare the examples that both have",
                )
            notes.append("The versions of the dataset differ; only examples with the same id are compared.")
        elif one.split != other.split:
            notes.append(f"The splits differ: `{one.split or 'all'}` and `{other.split or 'all'}`.")
        loaded = [
            Loaded.of(e, self._book.examples(principal, e.id), self._book.results(principal, e.id))
            for e in (one, other)
        ]
        return loaded[0], loaded[1], notes


def _is_release(found: Evaluation, word: str) -> bool:
    subject = found.subject
    return word in (subject.get("name"), subject.get("word"), subject.get("ref")) or word == found.release


def _both_report(before: Loaded, after: Loaded) -> list[str]:
    there = set(expressions(before.scorers))
    named = [m for m in expressions(after.scorers) if m in there]
    if not named:
        raise ConflictError(
            f"`{before.evaluation.id}` and `{after.evaluation.id}` share no scorer",
            hint="score both with one scorer, such as `correct`",
        )
    return named


def _scorer_notes(before: Evaluation, after: Evaluation, metric: str) -> list[str]:
    from groundwork.evaluation.pairing import scorer_of

    name = scorer_of(metric)
    one, other = before.scorers.get(name) or {}, after.scorers.get(name) or {}
    if (one.get("version"), one.get("parameters")) == (other.get("version"), other.get("parameters")):
        return []
    return [
        f"The scorer `{name}` is not the same on both sides (another version or other parameters): compare with care."
    ]


def _side(side: Loaded) -> Side:
    e = side.evaluation
    return Side(
        e.id, e.title, e.app, e.dataset, e.dataset_version, e.split, e.release, len(side.examples), side.failed,
        e.created_at, {k: v for k, v in e.subject.items() if k in ("kind", "name", "digest", "word")},
    )  # fmt: skip


def in_words(found: Comparison) -> list[str]:
    """Return the comparison in sentences, the most important first."""
    said = [m.sentence for m in found.metrics]
    if found.only_baseline or found.only_candidate:
        said.append(
            f"{count(len(found.only_baseline), 'example')} only on the first side and "
            f"{count(len(found.only_candidate), 'example')} only on the second are not compared."
        )
    return [*said, *found.notes]
