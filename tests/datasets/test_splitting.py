"""Splits: whole clusters on one side, the same for a seed, in the ratios asked for; what leaks and repeats is found."""

from __future__ import annotations

import contextlib
import random
from collections import Counter, defaultdict
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundwork.core.errors import InvalidInputError
from groundwork.datasets.checking import check
from groundwork.datasets.duplicates import find_duplicates, find_leaks, similarity
from groundwork.datasets.importing import read_file
from groundwork.datasets.personal import kinds_in, scan
from groundwork.datasets.splitting import parse_ratios, split_by_cluster
from groundwork.datasets.types import SPLITS, Example
from tests.data_sets import data_set

RATIOS = {"train": 60.0, "validation": 20.0, "test": 20.0}
sets = st.lists(
    st.builds(
        Example,
        id=st.uuids().map(str),
        input=st.just("x"),
        cluster=st.sampled_from(["", "a", "b", "c", "d", "e", "f", "g"]),
        tags=st.lists(st.sampled_from(["t", "u", "v"]), max_size=2, unique=True).map(
            lambda t: tuple(sorted(t))
        ),
        split=st.sampled_from(SPLITS),
        impossible=st.booleans(),
    ),
    min_size=4,
    max_size=40,
    unique_by=lambda x: x.id,
)


@given(
    found=sets,
    seed=st.integers(0, 5),
    kept=st.booleans(),
    ratios=st.sampled_from([RATIOS, {"test": 1, "holdout": 3}]),
)
@settings(max_examples=150, deadline=None)
def test_no_cluster_stands_on_two_sides_and_order_changes_nothing(
    found: list[Example], seed: int, kept: bool, ratios: dict[str, float]
) -> None:
    free = {x.group for x in found}
    if kept:
        free -= {x.group for x in found if x.split == "holdout"}
    if len(free) < len(ratios):
        with contextlib.suppress(InvalidInputError):
            split_by_cluster(found, ratios, seed=seed, keep_holdout=kept)
        return
    dealt = split_by_cluster(found, ratios, seed=seed, keep_holdout=kept)
    assert [x.id for x in dealt] == [x.id for x in found]
    sides = defaultdict(set)
    for x in dealt:
        sides[x.group].add(x.split)
    assert all(len(s) == 1 for s in sides.values())
    held = {x.id for x in found if x.split == "holdout"}
    if kept:
        assert all(x.split == "holdout" for x in dealt if x.id in held)
    assert {x.split for x in dealt} >= set(ratios) - {"holdout"}
    shuffled = random.Random(1).sample(found, len(found))
    again = split_by_cluster(shuffled, ratios, seed=seed, keep_holdout=kept)
    assert {x.id: x.split for x in again} == {x.id: x.split for x in dealt}


def test_ratios_are_reached_and_tags_have_like_shares() -> None:
    rng = random.Random(3)
    found = [
        Example(f"e{n}", "x", cluster=f"c{rng.randrange(300)}", tags=("rare",) if n % 10 == 0 else ())
        for n in range(1500)
    ]
    dealt = split_by_cluster(found, RATIOS, seed=7)
    counts = Counter(x.split for x in dealt)
    for split, share in RATIOS.items():
        assert abs(counts[split] / 1500 - share / 100) < 0.02
        mine = [x for x in dealt if x.split == split]
        assert abs(sum("rare" in x.tags for x in mine) / len(mine) - 0.1) < 0.02
    assert split_by_cluster(found, RATIOS, seed=7) == dealt
    assert split_by_cluster(found, RATIOS, seed=8) != dealt


def test_what_cannot_be_dealt_is_said() -> None:
    one = [Example(str(n), "x", cluster="c") for n in range(5)]
    with pytest.raises(InvalidInputError, match="1 clusters cannot be dealt to 3"):
        split_by_cluster(one, RATIOS)
    for bad in ({"test": 0.0}, {"test": float("nan")}, {"test": -1.0}, {"tset": 1.0}, {}):
        with pytest.raises(InvalidInputError):
            split_by_cluster(one, bad)
    assert parse_ratios("70/15/15") == {"train": 70, "validation": 15, "test": 15}
    assert parse_ratios("train=80%, holdout=20%") == {"train": 80, "holdout": 20}
    assert parse_ratios("80/20") == {"train": 80, "test": 20}
    for words in ("", "half", "70", "a=b", "1/2/3/4/5", "test=nan"):
        with pytest.raises(InvalidInputError):
            parse_ratios(words)


def test_equal_and_near_inputs_are_found_and_different_ones_are_not() -> None:
    long = "What is the notice period that applies to employees who have been with the company for {} years?"
    found = [
        Example("a", "When does the shop open?"),
        Example("b", "when does the SHOP open", split="train"),
        Example("c", long.format("two")),
        Example("d", long.format("ten"), split="train"),
        Example("e", "What is the capital of France?"),
        Example("f", "What is the capital of Spain?", split="train"),
        Example("g", "Summarise this.", context=("one text",)),
        Example("h", "Summarise this.", context=("another text",), split="train"),
        Example("i", "東京の天気は？"),
        Example("j", "東京の天気は？", split="holdout"),
    ]
    groups = find_duplicates(found)
    assert [(g.ids, g.exact) for g in groups] == [
        (("a", "b"), True),
        (("c", "d"), False),
        (("i", "j"), True),
    ]
    assert 0.8 <= groups[1].similarity < 1
    leaks = find_leaks(
        [*found, Example("k", "New", cluster="z"), Example("l", "Other", cluster="z", split="train")], groups
    )
    assert [(x.kind, x.splits) for x in leaks] == [
        ("exact", ("test", "train")), ("exact", ("holdout", "test")), ("near", ("test", "train")),
        ("cluster", ("test", "train")),
    ]  # fmt: skip
    assert find_duplicates(found, 1.0)[1].ids == ("i", "j")


def test_all_pairs_over_the_threshold_are_found_among_thousands() -> None:
    rng = random.Random(5)
    vocabulary = ["".join(rng.choices("abcdefghijklmnop", k=6)) for _ in range(3000)]
    texts = [" ".join(rng.choices(vocabulary, k=14)) for _ in range(2000)]
    planted = {}
    for n in range(0, 200, 2):
        words = texts[n].split()
        words[3] = "other"
        texts[n + 1] = " ".join(words)
        planted[f"e{n}", f"e{n + 1}"] = similarity(texts[n], texts[n + 1])
    groups = {g.ids for g in find_duplicates([Example(f"e{i}", t) for i, t in enumerate(texts)])}
    wanted = {ids for ids, alike in planted.items() if alike >= 0.8}
    assert len(wanted) > 60
    assert groups == wanted


def test_personal_data_and_secrets_are_named_by_kind_alone() -> None:
    found = [
        Example("a", "Write to ann.lee@example.com", expected="or call +49 30 1234567"),
        Example("b", "Nothing here, but 12345 and 2026-11-29"),
        Example("c", "Use it", metadata={"password": "hunter2-Zq9x8LmN4"}),
        Example("d", "key sk-abcdefghij0123456789abcd and IBAN DE89 3704 0044 0532 0130 00"),
        Example("e", "already [masked: e-mail]"),
    ]
    kinds = {f.id: dict(f.kinds) for f in scan(found)}
    assert kinds["a"] == {"e-mail": 1, "phone number": 1}
    assert kinds["d"] == {"API key": 1, "IBAN": 1}
    assert "password" in str(kinds["c"])
    assert set(kinds) == {"a", "c", "d"}
    assert kinds_in("") == {}
    words = str(check(found).as_dict()) + str(check(found).summary())
    for value in ("ann.lee", "1234567", "hunter2", "sk-abc", "3704"):
        assert value not in words


def test_articles_of_squad_are_never_parted() -> None:
    found = read_file(data_set("squad2") / "questions.jsonl.gz").examples
    dealt = split_by_cluster(found, {"validation": 50, "test": 50})
    result = check(dealt)
    assert result.passed
    assert {x.split for x in dealt} == {"validation", "test"}
    by_hand = [replace(x, split="train" if n % 2 else "test") for n, x in enumerate(found)]
    assert Counter(x.kind for x in check(by_hand).leaks)["cluster"] == 8


@pytest.mark.slow
def test_fifty_thousand_examples_are_imported_and_paged() -> None:
    """Printed, not held to a time: `pytest -m slow -s`."""
    import tempfile
    import time
    from pathlib import Path

    from groundwork.core.clock import SystemClock
    from groundwork.core.principal import LOCAL
    from groundwork.datasets.store import Datasets
    from groundwork.storage.database import Database

    rng = random.Random(1)
    words = [f"word{n}" for n in range(5000)]

    def said(k: int) -> str:
        return " ".join(rng.choices(words, k=k))

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "big.csv"
        file.write_text(
            "question,answer,tags\n"
            + "".join(f"{said(12)}?,{said(30)},t{n % 9}\n" for n in range(50_000))
        )  # fmt: skip
        database = Database(Path(folder) / "groundwork.db")
        database.migrate()
        datasets = Datasets(database, SystemClock())
        took = {}
        for name, work in (
            ("read", lambda: took.setdefault("_read", read_file(file))),  # type: ignore[arg-type]
            ("store", lambda: datasets.create(LOCAL, "big", took["_read"].examples)),  # type: ignore[attr-defined]
            ("check", lambda: datasets.check(LOCAL, "big")),
            ("last page", lambda: datasets.page(LOCAL, "big", offset=49_950)),
            ("page by tag", lambda: datasets.page(LOCAL, "big", tag="t3", offset=5000)),
        ):
            wall, cpu = time.perf_counter(), time.process_time()
            work()
            took[name] = (time.perf_counter() - wall, time.process_time() - cpu)  # type: ignore[assignment]
        database.close()
    for name in ("read", "store", "check", "last page", "page by tag"):
        wall, cpu = took[name]  # type: ignore[misc]
        print(f"{name}: {wall:.2f} s, {cpu:.2f} s of one core")
