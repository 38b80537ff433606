"""Make the next version of a dataset out of the newest: examples put in or taken out, splits dealt anew."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from groundwork.core.errors import ConflictError, NotFoundError
from groundwork.core.principal import Principal
from groundwork.datasets.content import read_example
from groundwork.datasets.splitting import split_by_cluster
from groundwork.datasets.store import Datasets
from groundwork.datasets.types import DatasetVersion, Example

Change = Callable[[list[Example]], Iterable[Example]]


def change(
    datasets: Datasets, principal: Principal, name: str, how: Change, note: str = ""
) -> DatasetVersion:
    """Return the version that `how` makes of the newest one's examples; it is the newest itself where nothing differs.

    Raises:
        ConflictError: somebody else made a version in the meantime; nothing was changed.
        NotFoundError: there is no such dataset.
    """
    newest = datasets.get(principal, name)
    held = datasets.examples(principal, f"{name}@{newest.number}")
    return datasets.create(principal, name, how(held), note=note, parent=newest.digest)


def put(
    datasets: Datasets,
    principal: Principal,
    name: str,
    examples: Sequence[Example],
    *,
    note: str = "",
    new: bool = False,
    summary: Mapping[str, Any] | None = None,
) -> DatasetVersion:
    """Put examples into a dataset; one whose id is there takes its place, and the dataset is made where there is none.

    Args:
        new: none of the ids may be there yet.

    Raises:
        ConflictError: an id is there and `new` was said, or somebody else made a version in the meantime.
    """
    try:
        newest = datasets.get(principal, name)
    except NotFoundError:
        return datasets.create(principal, name, examples, note=note, summary=summary)
    held = {x.id: x for x in datasets.examples(principal, f"{name}@{newest.number}")}
    taken = next((x.id for x in examples if x.id in held), None)
    if new and taken is not None:
        raise ConflictError(
            f"{newest.ref} has an example `{taken[:80]}` already",
            hint=f"change it with `groundwork dataset edit {name} {taken[:80]}`, or give another id",
        )
    held |= {x.id: x for x in examples}
    return datasets.create(principal, name, held.values(), note=note, parent=newest.digest, summary=summary)


def edit(
    datasets: Datasets,
    principal: Principal,
    name: str,
    example_id: str,
    fields: Mapping[str, Any],
    note: str = "",
) -> DatasetVersion:
    """Change fields of one example, by their names in `Example`; id and origin stay.

    Raises:
        NotFoundError: there is no such example. InvalidInputError: a field cannot have that value.
    """
    found = datasets.example(principal, name, example_id)
    values = {**found.as_dict(), **fields, "id": found.id, "origin": found.as_dict()["origin"]}
    edited = read_example(values, f"the example `{found.id[:80]}`")
    return put(datasets, principal, name, [edited], note=note or f"`{found.id[:80]}` edited")


def take(
    datasets: Datasets, principal: Principal, name: str, ids: Sequence[str], *, note: str = ""
) -> DatasetVersion:
    """Make a version without these examples; earlier versions keep them.

    Raises:
        NotFoundError: one is not in the newest version. InvalidInputError: none would be left.
    """
    for example_id in ids:
        datasets.example(principal, name, example_id)
    gone = set(ids)
    said = note or f"{len(gone)} taken out"
    return change(datasets, principal, name, lambda held: (x for x in held if x.id not in gone), said)


def split(
    datasets: Datasets,
    principal: Principal,
    name: str,
    ratios: Mapping[str, float],
    *,
    seed: int = 0,
    keep_holdout: bool = True,
    note: str = "",
) -> DatasetVersion:
    """Make a version whose examples are dealt to splits anew; see `splitting.split_by_cluster`."""
    said = note or f"split {', '.join(f'{s} {r:g}' for s, r in ratios.items())}, seed {seed}"
    return change(
        datasets,
        principal,
        name,
        lambda held: split_by_cluster(held, ratios, seed=seed, keep_holdout=keep_holdout),
        said,
    )


def tagged(example: Example, *tags: str) -> Example:
    """Return the example with more tags."""
    return replace(example, tags=tuple(sorted({*example.tags, *tags})))
