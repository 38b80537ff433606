"""Samples, labels and cards in the database; every statement names the tenant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from groundwork.evaluation.judges.samples import Card, CardKind, Label, Sample
from groundwork.storage.improvement_tables import judge_cards as cards
from groundwork.storage.improvement_tables import judge_labels as labels
from groundwork.storage.improvement_tables import judge_samples as samples

_AT_ONCE = 400
_DRAWN = (
    "scheme", "items", "population", "population_digest", "seed", "against", "title", "weights", "strata", "recorded",
    "version",
)  # fmt: skip


def put_sample(connection: Connection, tenant: str, sample: Sample) -> None:
    """Keep a sample; it never changes afterwards."""
    values = sample.as_dict()
    row = {name: values[name] for name in ("id", "judge", "evaluation_id", "created_at", "created_by")}
    draw = {name: values[name] for name in _DRAWN}
    connection.execute(insert(samples), [{**row, "tenant": tenant, "draw": draw}])


def sample(connection: Connection, tenant: str, sample_id: str) -> Sample | None:
    """Return a sample of the tenant."""
    query = select(samples).where(samples.c.tenant == tenant, samples.c.id == sample_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else _sample(row)


def samples_of(
    connection: Connection, tenant: str, *, judge: str = "", evaluation_id: str = "", limit: int = 200
) -> list[Sample]:
    """Return samples, newest first."""
    query = select(samples).where(samples.c.tenant == tenant).order_by(samples.c.id.desc()).limit(limit)
    query = query.where(samples.c.judge == judge) if judge else query
    query = query.where(samples.c.evaluation_id == evaluation_id) if evaluation_id else query
    return [_sample(row) for row in connection.execute(query)]


def put_label(connection: Connection, tenant: str, label: Label) -> None:
    """Keep what a person says of an item in place of what they said of it before."""
    mine = (
        labels.c.tenant == tenant,
        labels.c.sample_id == label.sample_id,
        labels.c.item == label.item,
        labels.c.principal == label.rater,
    )
    connection.execute(delete(labels).where(*mine))
    connection.execute(insert(labels), [_label_row(tenant, label)])


def put_labels(connection: Connection, tenant: str, found: Iterable[Label]) -> None:
    """Keep labels of a new sample, which has none."""
    rows = [_label_row(tenant, label) for label in found]
    if rows:
        connection.execute(insert(labels), rows)


def newest_label(connection: Connection, tenant: str, sample_id: str, rater: str) -> Label | None:
    """Return what a person said last in a sample."""
    query = (
        select(labels)
        .where(labels.c.tenant == tenant, labels.c.sample_id == sample_id, labels.c.principal == rater)
        .order_by(labels.c.id.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else _label(row)


def remove_label(connection: Connection, tenant: str, label_id: str) -> None:
    """Take a label back."""
    connection.execute(delete(labels).where(labels.c.tenant == tenant, labels.c.id == label_id))


def labels_of(connection: Connection, tenant: str, sample_ids: Sequence[str]) -> list[Label]:
    """Return the labels of samples, in the order they were given."""
    found: list[Label] = []
    for start in range(0, len(sample_ids), _AT_ONCE):
        part = list(sample_ids[start : start + _AT_ONCE])
        query = select(labels).where(labels.c.tenant == tenant, labels.c.sample_id.in_(part))
        found += [_label(row) for row in connection.execute(query.order_by(labels.c.id))]
    return found


def label_counts(connection: Connection, tenant: str) -> dict[str, tuple[int, int]]:
    """Return by sample how many items have a label, and how many people labelled."""
    query = (
        select(
            labels.c.sample_id,
            func.count(labels.c.item.distinct()),
            func.count(labels.c.principal.distinct()),
        )
        .where(labels.c.tenant == tenant)
        .group_by(labels.c.sample_id)
    )
    return {str(s): (int(items), int(raters)) for s, items, raters in connection.execute(query)}


def blank_comments(connection: Connection, tenant: str, sample_id: str, items: Sequence[str]) -> int:
    """Blank what was remarked on items; the labels stay. Return how many remarks there were."""
    done = 0
    for start in range(0, len(items), _AT_ONCE):
        mine = (
            labels.c.tenant == tenant,
            labels.c.sample_id == sample_id,
            labels.c.item.in_(list(items[start : start + _AT_ONCE])),
            labels.c.comment != "",
        )
        done += int(connection.execute(update(labels).where(*mine).values(comment="")).rowcount)
    return done


def put_card(connection: Connection, tenant: str, card: Card) -> None:
    """Keep a card or a check."""
    row = {
        "id": card.id,
        "tenant": tenant,
        "judge": card.judge,
        "version": card.version,
        "kind": card.kind,
        "record": card.record,
        "created_at": card.created_at,
        "created_by": card.created_by,
    }
    connection.execute(insert(cards), [row])


def cards_of(
    connection: Connection,
    tenant: str,
    judge: str,
    *,
    kind: CardKind = "card",
    version: str = "",
    limit: int = 50,
) -> list[Card]:
    """Return cards, or checks, newest first."""
    query = (
        select(cards)
        .where(cards.c.tenant == tenant, cards.c.judge == judge, cards.c.kind == kind)
        .order_by(cards.c.id.desc())
        .limit(limit)
    )
    query = query.where(cards.c.version == version) if version else query
    return [_card(row) for row in connection.execute(query)]


def card(connection: Connection, tenant: str, card_id: str) -> Card | None:
    """Return a card or a check of the tenant."""
    row = connection.execute(
        select(cards).where(cards.c.tenant == tenant, cards.c.id == card_id)
    ).one_or_none()
    return None if row is None else _card(row)


def judges_known(connection: Connection, tenant: str) -> list[str]:
    """Return the names of judges that have samples or cards, also those that the spec no longer names."""
    named = select(samples.c.judge).where(samples.c.tenant == tenant).distinct()
    carded = select(cards.c.judge).where(cards.c.tenant == tenant).distinct()
    return sorted({str(n) for query in (named, carded) for (n,) in connection.execute(query)})


def _label_row(tenant: str, label: Label) -> dict[str, Any]:
    return {
        "id": label.id,
        "tenant": tenant,
        "sample_id": label.sample_id,
        "item": label.item,
        "label": label.label,
        "comment": label.comment,
        "principal": label.rater,
        "created_at": label.created_at,
    }


def _sample(row: Row[Any]) -> Sample:
    values = dict(row._mapping)
    draw: Mapping[str, Any] = values["draw"]
    known = {name: draw[name] for name in _DRAWN if name in draw}
    return Sample(
        id=values["id"],
        judge=values["judge"],
        evaluation_id=values["evaluation_id"],
        created_at=values["created_at"],
        created_by=values["created_by"],
        **{**known, "items": tuple(known["items"])},
    )


def _label(row: Row[Any]) -> Label:
    v = row._mapping
    return Label(
        v["id"], v["sample_id"], v["item"], v["label"], v["comment"], v["principal"], v["created_at"]
    )


def _card(row: Row[Any]) -> Card:
    v = row._mapping
    return Card(
        v["id"],
        v["judge"],
        v["version"],
        cast(CardKind, v["kind"]),
        v["record"],
        v["created_at"],
        v["created_by"],
    )
