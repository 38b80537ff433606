"""Files of other tools become examples: every form under one contract, bad lines by number, real sets whole."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundwork.core.errors import InvalidInputError, NotFoundError, TooLargeError
from groundwork.datasets.exporters import EXPORTERS
from groundwork.datasets.importers import IMPORTERS, Importer
from groundwork.datasets.importing import Reading, read_file
from groundwork.datasets.types import Example, ExampleOrigin
from groundwork.testing.dataset_importer import DatasetImporterContract
from tests.data_sets import data_set
from tests.datasets.files import FILES, SPOILED


class TestEveryImporter(DatasetImporterContract):
    @pytest.fixture(params=IMPORTERS.names())
    def name(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    @pytest.fixture
    def importer(self, name: str) -> Importer:
        return IMPORTERS.make(name)

    @pytest.fixture
    def file(self, name: str) -> tuple[str, bytes]:
        return FILES[name]

    @pytest.fixture
    def others(self, name: str) -> list[tuple[str, bytes]]:
        return [f for n, f in FILES.items() if n != name]

    @pytest.fixture
    def spoiled(self, name: str) -> tuple[str, bytes, int]:
        return SPOILED[name]

    def test_a_file_is_told_by_what_is_in_it(self, name: str, file: tuple[str, bytes]) -> None:
        assert read_file(file[1], file[0]).format == name
        assert read_file(gzip.compress(file[1], mtime=0), file[0] + ".gz").examples


def read(name: str, **how: Any) -> Reading:
    return read_file(FILES[name][1], FILES[name][0], **how)


def test_columns_of_a_table_are_told_by_their_names_and_the_rest_is_kept() -> None:
    first, second = read("csv").examples
    assert first.input == "When does it\nopen?"
    assert (first.expected, first.tags, first.split) == ("at 9", ("easy", "hours"), "validation")
    assert first.metadata == {"Frage": "x", "Owner": "ann"}
    assert first.origin == ExampleOrigin(kind="file", source="golden.csv:2")
    assert second.expected == "=Main Street"
    mapped = read(
        "csv", columns={"input": "Frage", "tags": "Owner"}, split="holdout", licence="MIT"
    ).examples[0]
    assert (mapped.input, mapped.tags, mapped.split, mapped.licence) == ("x", ("ann",), "holdout", "MIT")
    with pytest.raises(InvalidInputError, match="no `Antwort`"):
        read("csv", columns={"expected": "Antwort"})
    with pytest.raises(InvalidInputError, match="no `outcome`"):
        read("csv", columns={"outcome": "Answer"})
    with pytest.raises(InvalidInputError, match="no column holds the input"):
        read_file(b"a,b\n1,2\n", "x.csv")


def test_golden_feedback_keeps_where_it_came_from() -> None:
    own, other, golden = read("jsonl").examples
    assert (own.id, own.expected, own.split) == ("a", ["at 9", "9"], "train")
    assert other.metadata == {"lang": "en"}
    assert golden.origin == ExampleOrigin(
        kind="feedback", trace_id="t1", feedback_id="fbk_1", principal="user:ann"
    )
    assert (golden.input, golden.expected, golden.tags) == ("Who?", "Ann", ("app:shop",))


def test_squad_brings_answers_impossible_questions_and_articles_as_clusters() -> None:
    when, who, how = read("squad").examples
    assert (when.expected, when.cluster, when.context) == ("at 9", "Shop", ("The shop opens at 9.",))
    assert (who.impossible, who.expected) == (True, None)
    assert how.expected == ["long", "It is long"]


def test_asserts_of_promptfoo_become_expectations_and_scorers_and_stay() -> None:
    found = read("promptfoo")
    hello, king = found.examples
    assert (hello.input, hello.expected) == ("Say hello", "Hello!")
    assert hello.metadata["vars"] == {"question": "Say hello", "tone": "kind"}
    assert hello.metadata["scorers"] == [
        {"name": "latency"}, {"name": "exact"}, {"name": "regex", "pattern": "(?i)hello"},
    ]  # fmt: skip
    assert [a["type"] for a in hello.metadata["assert"]] == ["latency", "equals", "icontains", "python"]
    assert king.impossible
    assert list(found.notes) == ["the assertion `python` has no scorer here; it is kept in the metadata"]
    table = read_file(b"question,__expected,__expected\nHi?,contains: hello,similar(0.8): hey\n", "t.csv")
    assert table.format == "promptfoo"
    assert table.examples[0].expected == "hey"
    assert [s["name"] for s in table.examples[0].metadata["scorers"]] == ["regex", "similarity"]


def test_every_scorer_that_an_assert_becomes_is_on_the_shelf() -> None:
    from groundwork.datasets.importers.promptfoo import _KNOWN, _scorer
    from groundwork.evaluation.scorers import SCORERS

    made = [s for kind in _KNOWN for s in _scorer(kind, "x")]
    assert {s["name"] for s in made} <= set(SCORERS.names())
    assert SCORERS.make(_scorer("regex", "a+")[0])


def test_chat_messages_of_inspect_and_other_tools_are_read_as_messages() -> None:
    asked = read("inspect").examples[1]
    assert asked.input == [{"role": "user", "content": "Who?"}]
    assert asked.metadata == {"choices": ["a"]}
    line = {
        "input": [{"speaker": "user", "text": "Hi"}, {"speaker": "agent", "text": "Yes"}],
        "targets": [{"text": "x"}],
    }
    found = read_file(json.dumps(line).encode() + b"\n" + json.dumps(line).encode(), "tasks.jsonl").examples
    assert found[0].input == [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes"}]
    assert found[0].expected == "x"
    assert found[0].id != found[1].id


def test_ids_that_meet_are_refused_with_both_lines() -> None:
    with pytest.raises(
        InvalidInputError, match="line 2: the id `a` stands on line 1 already, with other content"
    ):
        read_file(b'{"id":"a","input":"x"}\n{"id":"a","input":"y"}\n', "x.jsonl")
    with pytest.raises(InvalidInputError, match="with the same content"):
        read_file(b'{"id":"a","input":"x"}\n{"id":"a","input":"x"}\n', "x.jsonl")
    kept = read_file(b'{"id":"a","input":"x"}\n{"id":"a","input":"y"}\n', "x.jsonl", skip_bad=True)
    assert [x.input for x in kept.examples] == ["x"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x.jsonl", b"", "holds no example"),
        ("x.csv", b"question\n", "holds no example"),
        ("x.jsonl", b'{"input":"\xff"}\n', "line 1: not UTF-8"),
        ("x.jsonl", b'{"input":' + b"[" * 5000 + b"]" * 5000 + b"}", "too deep"),
        ("x.json", b'{"a": NaN}', "NaN is no number"),
        ("x.json", b'[{"input": "a"}, 7]', "line 2: no object"),
        ("x.yaml", b"a: &a [x,x,x,x,x,x,x,x]\n" + b"".join(
            b"%c: &%c [%s]\n" % (n + 1, n + 1, b",".join([b"*%c" % n] * 8)) for n in range(97, 105)), "aliases stand"),
        ("x.yaml", b"tests: [\n", "no YAML"),
        ("x.csv", b"question,answer\na,b,c\n", "3 cells under 2 columns"),
        ("x.csv", b"question,question\na,b\n", "stands twice"),
        ("x.jsonl", b'{"input":"a","weight":-1}\n', "weight"),
        ("x.jsonl", b'{"input":"a","split":"tst"}\n', "no split"),
        ("x.jsonl", b'{"input":"a","tags":' + json.dumps([f"t{n}" for n in range(3000)]).encode() + b"}\n", "3,000 tags"),
        ("x.jsonl", b'{"input":"' + b"a" * 1_200_000 + b'"}\n', "bytes"),
        ("x.jsonl.gz", gzip.compress(b'{"input":"a"}\n' * 9, mtime=0)[:-12], "cannot be unpacked"),
        ("promptfooconfig.yaml", b"prompts: [x]\ntests: cases.csv\n", "keeps its tests in"),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_in_words(name: str, content: bytes, words: str) -> None:
    with pytest.raises((InvalidInputError, TooLargeError), match=words):
        read_file(content, name)


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no file"):
        read_file(tmp_path / "none.csv")
    with pytest.raises(NotFoundError, match="no dataset-importer"):
        read("csv", format="parquet")


def test_only_the_first_bad_lines_are_told_and_all_are_counted() -> None:
    bad = b"".join(b"no\n" for _ in range(20))
    with pytest.raises(InvalidInputError) as refused:
        read_file(b'{"input":"a"}\n' + bad, "x.jsonl")
    assert refused.value.message.count("line ") == 5
    assert "and 15 more" in refused.value.message
    assert "the 20 lines" in refused.value.hint


words = st.text(st.characters(codec="utf-8", exclude_characters="\r"), min_size=1, max_size=20).filter(
    str.strip
)
plain_words = st.from_regex(r"[a-z=+\-@'][a-z0-9;|, ]{0,8}[a-z0-9]", fullmatch=True)
examples = st.builds(
    Example,
    id=st.from_regex(r"[a-z=+@-][a-z0-9:]{0,12}", fullmatch=True),
    input=words
    | st.just([{"role": "user", "content": "hi"}])
    | st.dictionaries(words, words, min_size=1, max_size=2),
    expected=st.none() | words | st.lists(words, min_size=2, max_size=3) | st.just({"k": [1, None, 2.5]}),
    impossible=st.booleans(),
    context=st.lists(words, max_size=2).map(tuple),
    relevant=st.dictionaries(words, st.sampled_from([1.0, 2.0]), max_size=2),
    tools=st.none() | st.just(({"name": "f", "arguments": {"a": 1}},)),
    cluster=plain_words,
    tags=st.lists(plain_words, max_size=3).map(lambda t: tuple(sorted({x.strip() for x in t} - {""}))),
    split=st.sampled_from(["train", "validation", "test", "holdout"]),
    licence=st.sampled_from(["", "MIT", "=1+1"]),
    weight=st.sampled_from([1.0, 2.5]),
    metadata=st.dictionaries(st.sampled_from(["level", "note"]), words, max_size=2),
)


@given(found=st.lists(examples, min_size=1, max_size=5, unique_by=lambda x: x.id))
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@pytest.mark.parametrize("form", EXPORTERS.names())
def test_what_is_exported_is_read_back_equal(form: str, found: list[Example]) -> None:
    exporter = EXPORTERS.make(form)
    text = "".join(exporter.lines(found))
    back = read_file(text.encode(), f"golden{exporter.suffix}", format=form).examples

    def plain(x: Example) -> Example:
        return replace(x, origin=ExampleOrigin(), cluster=x.cluster.strip())

    assert [plain(x) for x in back] == [plain(x) for x in found]


def test_no_cell_of_a_table_begins_a_formula() -> None:
    text = "".join(
        EXPORTERS.make("csv").lines([Example("=1", "=cmd|' /C calc'!A0", expected="@SUM(1)", cluster="-1")])
    )
    row = text.splitlines()[1].split(",")
    assert row[:3] == ["'=1", "'=cmd|' /C calc'!A0", "'@SUM(1)"]
    assert "".join(EXPORTERS.make("csv").lines([])).startswith("id,input")


@pytest.mark.parametrize(
    ("name", "file", "form", "n"),
    [
        ("squad2", "questions.jsonl.gz", "squad", 3097),
        ("docs_rag", "questions.jsonl", "jsonl", 47),
        ("mtrag", "tasks.jsonl.gz", "jsonl", 101),
        ("sec10q", "questions.jsonl", "jsonl", 74),
    ],
)
def test_real_sets_are_read_whole(name: str, file: str, form: str, n: int) -> None:
    found = read_file(data_set(name) / file)
    assert (found.format, len(found.examples)) == (form, n)
    assert all(x.question for x in found.examples)
    assert all(x.expected or x.impossible or x.relevant for x in found.examples) or name == "mtrag"
