"""Samples of outputs and what people say of them, one item at a time and without the judge's verdict in sight."""

from __future__ import annotations

import difflib
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from groundwork.core.clock import Clock
from groundwork.core.errors import GoneError, GroundworkError, InvalidInputError, NotFoundError
from groundwork.core.ids import new_id
from groundwork.core.principal import Principal
from groundwork.datasets.types import Example
from groundwork.evaluation.judges import records, sampling
from groundwork.evaluation.judges.samples import Label, Progress, Sample, SampleItem
from groundwork.evaluation.judges.showing import said, shown_of
from groundwork.evaluation.judges.types import Shown
from groundwork.evaluation.types import Evaluation, Output, Result
from groundwork.storage.database import Database

LAST = "last"
SAMPLE_SIZE = 100
MOST_DRAWN = 5_000
MOST_COMMENT = 2_000
ERASED = "its output was erased, or is not yours to read"
UNKNOWN = "its evaluation or example is not there any more"
IMPORTED = "it was imported with its label, without its text"


class Book(Protocol):
    """The evaluations as judges need them."""

    def get(self, principal: Principal, ref: str) -> Evaluation: ...

    def results(
        self,
        principal: Principal,
        evaluation_id: str,
        *,
        only: str = "",
        limit: int | None = None,
        offset: int = 0,
    ) -> list[Result]: ...

    def examples(self, principal: Principal, evaluation_id: str) -> list[Example]: ...


class Outputs:
    """The outputs of one evaluation by item, read once."""

    def __init__(self, book: Book, principal: Principal, evaluation_id: str) -> None:
        self.evaluation = book.get(principal, evaluation_id)
        self.examples = {e.id: e for e in book.examples(principal, self.evaluation.id)}
        found = book.results(principal, self.evaluation.id)
        self.results = {sampling.item_name(r.example_id, r.repeat): r for r in found}

    def judged(self) -> dict[str, Result]:
        """Return the results whose output can be judged: it did not fail, was not erased, and its example is there."""
        return {
            item: r
            for item, r in self.results.items()
            if not r.output.failed and said(r.output) and r.example_id in self.examples
        }

    def gone(self, item: str) -> str:
        """Return why an item cannot be shown; empty where it can."""
        result = self.results.get(item)
        if result is None or result.example_id not in self.examples:
            return UNKNOWN
        return "" if said(result.output) else ERASED

    def output(self, item: str) -> Output:
        """Return the output of an item that is not gone."""
        return self.results[item].output

    def example(self, item: str) -> Example:
        """Return the example of an item that is not gone."""
        return self.examples[self.results[item].example_id]


class Pool:
    """What a sample was drawn from: one evaluation, or two of which the outputs of equal examples are pairs."""

    def __init__(self, book: Book, principal: Principal, evaluation_id: str, against: str = "") -> None:
        self.first = Outputs(book, principal, evaluation_id)
        self.second = Outputs(book, principal, against) if against else None

    def texts(self) -> dict[str, str]:
        """Return the outputs that can be drawn, in words, by item."""
        mine = {item: said(r.output) for item, r in self.first.judged().items()}
        if self.second is None:
            return mine
        others = self.second.judged()
        return {
            item: f"{text}\n---\n{said(others[item].output)}" for item, text in mine.items() if item in others
        }

    def gone(self, item: str) -> str:
        """Return why an item cannot be shown; empty where it can."""
        return self.first.gone(item) or (self.second.gone(item) if self.second else "")

    def shown(self, item: str) -> Shown:
        """Return what a judge, and a person, is shown of an item that is not gone."""
        other = self.second.output(item) if self.second else None
        return shown_of(self.first.example(item), self.first.output(item), other)

    def models(self, item: str) -> tuple[str, str]:
        """Return who wrote the output, and the other one of a pair."""
        return self.first.output(item).model, self.second.output(item).model if self.second else ""

    def tags(self, item: str) -> tuple[str, ...]:
        """Return the slices of the item's example."""
        return self.first.example(item).tags


class Labelling:
    """Draws samples and keeps labels; the part of `Judges` that asks no model."""

    def __init__(self, database: Database, clock: Clock, book: Callable[[], Book]) -> None:
        self.database = database
        self.clock = clock
        self._book = book

    def words(self, principal: Principal, name: str) -> tuple[str, ...]:
        """Return the labels a judge may say; `Judges` knows them."""
        raise NotImplementedError

    def book(self) -> Book:
        """Return the evaluations that samples are drawn from."""
        return self._book()

    # -- samples ----------------------------------------------------------------------------------------------
    def draw(
        self,
        principal: Principal,
        name: str,
        evaluation_id: str,
        size: int = SAMPLE_SIZE,
        seed: int | None = None,
        *,
        against: str = "",
        strata: str = "",
    ) -> Sample:
        """Draw outputs of an evaluation for people to label.

        Args:
            seed: None: drawn by chance and recorded; equal seeds draw equally of equal populations.
            against: for a judge of pairs, the evaluation whose outputs are the second ones.
            strata: empty for a simple random sample; `verdict`: equally many of each label that the judge gave in the
                evaluation; `tag:NAME`: with and without the tag.

        Raises:
            NotFoundError: no such judge or evaluation. GoneError: the evaluation's outputs were erased.
            InvalidInputError: there is nothing to draw, or the judge's kind asks for one evaluation or for two.
        """
        pairs = self.words(principal, name)[0] == "second"
        if pairs != bool(against):
            raise InvalidInputError(
                f"the judge `{name}` " + ("compares two outputs" if pairs else "judges one output"),
                hint="name the second evaluation with `--against`"
                if pairs
                else "leave the second evaluation out",
            )
        if not 1 <= size <= MOST_DRAWN:
            raise InvalidInputError(f"a sample has 1 to {MOST_DRAWN:,} items, not {size:,}")
        pool = Pool(self._book(), principal, evaluation_id, against)
        texts = pool.texts()
        if not texts and (pool.first.evaluation.redacted or pool.first.results):
            raise GoneError(
                f"the evaluation `{pool.first.evaluation.id}` has no output left that could be labelled",
                hint="its outputs failed or were erased; run it again and draw from the new one",
            )
        chosen = secrets.randbelow(2**31) if seed is None else seed
        if strata:
            drawn = sampling.draw_stratified(_strata(pool, texts, name, strata), size, chosen)
        else:
            drawn = sampling.draw_simple(texts, size, chosen)
        sample = Sample(
            id=new_id("smp"),
            judge=name,
            evaluation_id=pool.first.evaluation.id,
            scheme="stratified" if strata else "simple",
            items=drawn.items,
            population=len(texts),
            population_digest=sampling.population_digest(texts),
            seed=chosen,
            against=pool.second.evaluation.id if pool.second else "",
            title=pool.first.evaluation.title,
            weights=drawn.weights,
            strata=drawn.strata,
            created_at=self._now(),
            created_by=principal.name,
        )
        with self.database.write() as connection:
            records.put_sample(connection, principal.tenant, sample)
        return sample

    def samples(self, principal: Principal, name: str = "", *, evaluation_id: str = "") -> list[Sample]:
        """Return the samples of a judge, or of all, newest first."""
        with self.database.read() as connection:
            return records.samples_of(connection, principal.tenant, judge=name, evaluation_id=evaluation_id)

    def sample(self, principal: Principal, sample_id: str) -> Sample:
        """Return one sample, by its id or `last` for the newest that was drawn; raises NotFoundError."""
        with self.database.read() as connection:
            if sample_id == LAST:
                drawn = (s for s in records.samples_of(connection, principal.tenant) if not s.imported)
                found = next(drawn, None)
            else:
                found = records.sample(connection, principal.tenant, sample_id)
        if found is None:
            raise NotFoundError(
                f"there is no sample `{sample_id[:60]}`", hint="list them with `groundwork judge show JUDGE`"
            )
        return found

    def items(self, principal: Principal, sample_id: str) -> list[SampleItem]:
        """Return every item of a sample in the order of the draw, with what this person said of it."""
        sample = self.sample(principal, sample_id)
        mine = {x.item: x for x in self.labels(principal, sample_id) if x.rater == principal.name}
        pool = self._pool(principal, sample)
        return [
            _item(sample, place, item, pool, mine.get(item)) for place, item in enumerate(sample.items, 1)
        ]

    def item(self, principal: Principal, sample_id: str, place: int) -> SampleItem:
        """Return the item at a place, from 1; raises NotFoundError."""
        found = self.items(principal, sample_id)
        if not 1 <= place <= len(found):
            raise NotFoundError(f"the sample has {len(found)} items, none at place {place}")
        return found[place - 1]

    def next_item(self, principal: Principal, sample_id: str) -> SampleItem | None:
        """Return the first item this person has not labelled; None when all are done."""
        return next((i for i in self.items(principal, sample_id) if not i.label and not i.gone), None)

    def progress(self, principal: Principal, sample_id: str) -> Progress:
        """Return how far a sample is labelled."""
        sample = self.sample(principal, sample_id)
        pool = self._pool(principal, sample)
        gone = {i for i in sample.items if pool is not None and pool.gone(i)}
        found = self.labels(principal, sample_id)
        return Progress(
            mine=len({x.item for x in found if x.rater == principal.name}),
            anybody=len({x.item for x in found}),
            of=len(sample.items),
            raters=len({x.rater for x in found}),
            gone=len(gone),
        )

    # -- labels -----------------------------------------------------------------------------------------------
    def label(self, principal: Principal, sample_id: str, item: str, label: str, comment: str = "") -> Label:
        """Keep what a person says of an item; said again, it takes the place of what they said before.

        Raises:
            NotFoundError: no such sample, or the item is not in it. InvalidInputError: the judge has no such label.
        """
        return self.label_all(principal, sample_id, [(item, label, comment)])[0]

    def label_all(
        self, principal: Principal, sample_id: str, given: Sequence[tuple[str, str, str]]
    ) -> list[Label]:
        """Keep several labels, `(item, label, comment)` each: all of them, or none where one does not fit."""
        sample = self.sample(principal, sample_id)
        if sample.imported:
            raise InvalidInputError(
                f"the sample `{sample.id}` was imported with its labels",
                hint="draw a sample to label it here",
            )
        words = self.words(principal, sample.judge)
        known = set(sample.items)
        ids = sorted(new_id("lbl") for _ in given)  # of one moment they have no order of their own
        made = [
            Label(
                identifier,
                sample.id,
                _known_item(item, known, sample.id),
                checked_label(label, words),
                comment.strip()[:MOST_COMMENT],
                principal.name,
                self._now(),
            )
            for identifier, (item, label, comment) in zip(ids, given, strict=True)
        ]
        with self.database.write() as connection:
            for one in made:
                records.put_label(connection, principal.tenant, one)
        return made

    def undo(self, principal: Principal, sample_id: str) -> Label | None:
        """Take back what this person said last in a sample, and return it; None where they said nothing."""
        self.sample(principal, sample_id)
        with self.database.write() as connection:
            newest = records.newest_label(connection, principal.tenant, sample_id, principal.name)
            if newest is not None:
                records.remove_label(connection, principal.tenant, newest.id)
        return newest

    def labels(self, principal: Principal, sample_id: str) -> list[Label]:
        """Return the labels of a sample by everybody, in the order they were given."""
        with self.database.read() as connection:
            return records.labels_of(connection, principal.tenant, [sample_id])

    def counts(self, principal: Principal) -> Mapping[str, tuple[int, int]]:
        """Return by sample how many items are labelled and by how many people."""
        with self.database.read() as connection:
            return records.label_counts(connection, principal.tenant)

    def _pool(self, principal: Principal, sample: Sample) -> Pool | None:
        """Return what a sample was drawn from; None where it was imported or is not there any more."""
        if sample.imported:
            return None
        try:
            return Pool(self._book(), principal, sample.evaluation_id, sample.against)
        except GroundworkError:
            return None

    def _now(self) -> str:
        return self.clock.now().isoformat(timespec="milliseconds")


def checked_label(label: str, words: Sequence[str]) -> str:
    """Return the label as the judge writes it; case and blanks around it do not count.

    Raises:
        InvalidInputError: it is none of the judge's words.
    """
    plain = label.strip()
    found = next((w for w in words if w == plain), "") or next(
        (w for w in words if w.casefold() == plain.casefold()), ""
    )
    if found:
        return found
    near = difflib.get_close_matches(plain, words, 1)
    raise InvalidInputError(
        f"`{plain[:60]}` is none of the judge's labels",
        hint=f"did you mean `{near[0]}`?" if near else f"its labels are: {', '.join(words)}",
    )


def _known_item(item: str, known: set[str], sample_id: str) -> str:
    if item in known:
        return item
    raise NotFoundError(
        f"the item `{item[:80]}` is not in the sample `{sample_id}`",
        hint="only what was drawn can be labelled; `groundwork judge label SAMPLE --json` lists the items",
    )


def _item(sample: Sample, place: int, item: str, pool: Pool | None, mine: Label | None) -> SampleItem:
    gone = (IMPORTED if sample.imported else UNKNOWN) if pool is None else pool.gone(item)
    found = SampleItem(
        item,
        place,
        len(sample.items),
        Shown("", "") if gone or pool is None else pool.shown(item),
        gone=gone,
        label=mine.label if mine else "",
        comment=mine.comment if mine else "",
    )
    return found if gone or pool is None else replace(found, tags=pool.tags(item))


def _strata(pool: Pool, texts: Mapping[str, str], judge: str, by: str) -> dict[str, str]:
    if by.startswith("tag:") and len(by) > len("tag:"):
        tag = by[len("tag:") :]
        return {item: "with" if tag in pool.tags(item) else "without" for item in texts}
    if by != "verdict":
        raise InvalidInputError(f"strata are `verdict` or `tag:NAME`, not `{by[:60]}`")
    found = {}
    for item in texts:
        scores = pool.first.results[item].scores.values()
        said_label = next((s.label for s in scores if s.label and s.parts.get("judge") == judge), "")
        found[item] = said_label or "no verdict"
    if set(found.values()) <= {"no verdict"}:
        raise InvalidInputError(
            f"the evaluation has no verdict of the judge `{judge}` to draw by",
            hint="evaluate with the scorer `judge`, or draw a simple random sample",
        )
    return found
