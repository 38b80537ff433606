"""Published sets with human labels and the verdicts of judges, read as the items that a card is made of.

A folder is known by the columns of its files, not by its name, so any part of such a set is read the same way. What is in
none of the known forms is read as `groundwork judge import` reads it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from groundwork.core.digest import digest_bytes
from groundwork.core.errors import InvalidInputError
from groundwork.evaluation.judges.asking import PAIR_LABELS, family_of
from groundwork.evaluation.judges.cards import Judged
from groundwork.evaluation.judges.labels_import import read_file, rows

XSTEST_LABELS = ("2_full_refusal", "3_partial_refusal", "1_full_compliance")
WICE_LABELS = ("not_supported", "partially_supported", "supported")
PANDALM_PUBLISHED = {"1-2": 0.85, "1-3": 0.88, "2-3": 0.86}
"""README of WeOpenML/PandaLM, test data: Cohen's kappa of the three annotators on all 999 pairs."""


@dataclass(frozen=True, slots=True)
class JudgedSet:
    """The items of one judge on one set.

    Attributes:
        judge: who judged; empty where there are human labels only. labels: worst first.
        said: what the judge wrote, also where it is no label, in the order of `items`.
    """

    judge: str
    labels: tuple[str, ...]
    passing: str
    items: tuple[Judged, ...]
    said: tuple[str, ...] = ()
    family: str = ""
    rounds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReadSet:
    """What a folder holds."""

    kind: str
    judged: tuple[JudgedSet, ...]
    digest: str
    published: Mapping[str, float] = field(default_factory=dict)
    note: str = ""


def read_set(folder: Path) -> ReadSet:
    """Return what a folder holds.

    Raises:
        InvalidInputError: no file in it has human labels, or verdicts beside them.
    """
    files = sorted(f for f in folder.iterdir() if re.search(r"\.(jsonl|csv|tsv)(\.gz)?\Z", f.name))
    for file in files:
        found = _known(file)
        if found is not None:
            return found
    for file in files:
        try:
            return ReadSet("judged pairs or outputs", _own_form(file), _digest(file))
        except InvalidInputError:
            continue
    raise InvalidInputError(
        f"no file in {folder} holds human labels with verdicts of a judge",
        hint="see `groundwork judge import --help` for the columns",
    )


def _known(file: Path) -> ReadSet | None:
    try:
        _, first = next(iter(rows(file)))
    except (InvalidInputError, StopIteration):
        return None
    if "annotator1" in first and "gpt35_verdict" in first:
        return ReadSet("pandalm", _pandalm(_every(file)), _digest(file), PANDALM_PUBLISHED)
    if "judge_winners" in first:
        return ReadSet("llmbar", _llmbar(_every(file)), _digest(file))
    if "annotation_1" in first and "final_label" in first:
        return ReadSet("xstest", _xstest(_every(file)), _digest(file))
    if "claim" in first and _wice_columns(first) is not None:
        return ReadSet("wice", _wice(_every(file)), _digest(file))
    if "claim" in first and "supporting_sentences" in first and not _beside(file):
        note = "it has one human label a claim and no verdict of a judge, so there is no agreement to compute"
        return ReadSet("wice", (), _digest(file), note=note)
    return None


def _every(file: Path) -> list[Mapping[str, Any]]:
    return [row for _, row in rows(file)]


def _beside(file: Path) -> bool:
    """Whether another file of the folder has verdicts, which then is the one to read."""
    return any("verdict" in f.name and f != file for f in file.parent.iterdir())


def _own_form(file: Path) -> tuple[JudgedSet, ...]:
    found = [row for _, row in rows(file)]
    if not found or not any(str(k).lower().startswith(("human", "annotat", "rater")) for k in found[0]):
        raise InvalidInputError("there are no human labels")
    people = [
        str(v)
        for r in found
        for k, v in r.items()
        if str(k).lower().startswith(("human", "annotat", "rater"))
        if v
    ]
    pairs = {p.lower() for p in people} <= {"first", "second", "tie", "1", "2", "0", "a", "b"}
    labels = PAIR_LABELS if pairs else tuple(sorted(set(people)))
    passing = "first" if pairs else labels[-1]
    return (JudgedSet(file.stem, labels, passing, tuple(read_file(file, labels))),)


def _pandalm(found: Sequence[Mapping[str, Any]]) -> tuple[JudgedSet, ...]:
    sets = []
    for judge, column in (("gpt-3.5-turbo", "gpt35_verdict"), ("pandalm-7b", "pandalm7b_verdict")):
        items = [
            Judged(
                item=f"{row['idx']}/{n}",
                people={f"annotator {k}": _preference(row[f"annotator{k}"]) for k in (1, 2, 3)},
                verdict=_preference(row[column]),
                error="" if _preference(row[column]) else "judge_garbage",
                log_ratio=_ratio(row["response1"], row["response2"]),
                family=family_of(str(row["cmp_key"]).split("_")[0]),
                other_family=family_of(str(row["cmp_key"]).split("_")[-1]),
            )
            for n, row in enumerate(found)
        ]
        said = tuple(str(row[column]) for row in found)
        family = "llama" if judge == "pandalm-7b" else "gpt"
        sets.append(JudgedSet(judge, PAIR_LABELS, "first", tuple(items), said, family))
    return tuple(sets)


def _llmbar(found: Sequence[Mapping[str, Any]]) -> tuple[JudgedSet, ...]:
    names = sorted({name for row in found for name in row["judge_winners"]})
    return tuple(_llmbar_judge(name, found) for name in names)


def _llmbar_judge(name: str, found: Sequence[Mapping[str, Any]]) -> JudgedSet:
    items, said, right, same, counted = [], [], 0.0, 0, 0
    for n, row in enumerate(found):
        gold = _preference(row["label"])
        last = _last_round(row["judge_winners"].get(name))
        first, second = (_preference(w) for w in last)
        both = bool(first and second)
        if both:
            counted += 1
            right += ((first == gold) + (second == gold)) / 2
            same += first == second
        verdict = first if first == second else "tie"
        items.append(
            Judged(
                item=f"{row['id']}#{n}",
                people={"gold": gold},
                verdict=verdict if both else "",
                preference=first,
                swapped=second,
                error="" if both else "judge_garbage",
                log_ratio=_ratio(row["output_1"], row["output_2"]),
            )
        )
        said.append(verdict if both else str(last))
    rounds = {
        "average_accuracy": right / counted if counted else 0.0,
        "positional_agreement": same / counted if counted else 0.0,
    }
    return JudgedSet(name, PAIR_LABELS, "first", tuple(items), tuple(said), rounds=rounds)


def _last_round(rounds: Any) -> tuple[Any, Any]:
    """Return what a judge settled on in both orders; a strategy of several rounds leaves the earlier ones empty."""
    found = [r for r in rounds or () if isinstance(r, list | tuple) and len(r) == 2]
    return (found[-1][0], found[-1][1]) if found else (None, None)


def _xstest(found: Sequence[Mapping[str, Any]]) -> tuple[JudgedSet, ...]:
    sets = []
    for judge, column in (("gpt-4", "gpt4_label"), ("string match", "strmatch_label")):
        if column not in found[0]:
            continue
        items = []
        for n, row in enumerate(found):
            said = str(row[column])
            people = {k: str(row[k]) for k in ("annotation_1", "annotation_2") if row.get(k)}
            items.append(
                Judged(
                    item=f"{row['id']}/{row['model']}/{n}",
                    people=people,
                    verdict=said if said in XSTEST_LABELS else "",
                    error="" if said in XSTEST_LABELS else "judge_garbage",
                    log_ratio=math.log(len(str(row.get("completion", ""))) + 1),
                    family=family_of(str(row["model"])),
                    members={"final": {"label": str(row["final_label"])}},
                )
            )
        family = "gpt" if judge == "gpt-4" else ""
        said_all = tuple(str(row[column]) for row in found)
        sets.append(JudgedSet(judge, XSTEST_LABELS, "1_full_compliance", tuple(items), said_all, family))
    return tuple(sets)


def _wice(found: Sequence[Mapping[str, Any]]) -> tuple[JudgedSet, ...]:
    columns = _wice_columns(found[0])
    assert columns is not None
    human, judges = columns
    sets = []
    for judge in judges:
        items = tuple(
            Judged(
                item=str(n),
                people={"human": _wice_label(row[human])},
                verdict=_wice_label(row.get(judge)),
                error="" if _wice_label(row.get(judge)) else "judge_garbage",
                log_ratio=math.log(len(str(row.get("claim", ""))) + 1),
            )
            for n, row in enumerate(found)
        )
        name = "gpt-4" if "gpt4" in judge or "gpt-4" in judge or len(judges) == 1 else judge
        said = tuple(str(row.get(judge)) for row in found)
        sets.append(JudgedSet(name, WICE_LABELS, "supported", items, said, "gpt"))
    return tuple(sets)


def _wice_columns(row: Mapping[str, Any]) -> tuple[str, list[str]] | None:
    """Return the column of the human label and those of verdicts; None where one of both is not there."""
    labelled = [k for k, v in row.items() if _wice_label(v)]
    human = next((k for k in ("label", "human_label", "human", "gold") if k in labelled), "")
    judges = [k for k in labelled if k != human]
    return (human, judges) if human and judges else None


def _wice_label(value: Any) -> str:
    plain = re.sub(r"[\s-]+", "_", str(value).strip().lower()) if isinstance(value, str) else ""
    return plain if plain in WICE_LABELS else ""


def _preference(value: Any) -> str:
    return {"1": "first", "2": "second", "0": "tie", "tie": "tie"}.get(str(value).strip().lower(), "")


def _ratio(first: Any, second: Any) -> float:
    return math.log((len(str(first)) + 1) / (len(str(second)) + 1))


def _digest(file: Path) -> str:
    return digest_bytes(file.read_bytes())


def raters_of(items: Iterable[Judged]) -> list[str]:
    """Return who labelled, sorted."""
    return sorted({r for item in items for r in item.people})
