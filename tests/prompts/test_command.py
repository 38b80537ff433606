"""`groundwork prompt` as people use it: from a new file to a labelled version, tests that fail, and imports."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Done, House, call

__all__ = ["call"]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "house")


def good(done: Done) -> Done:
    assert done.code == 0, done.err
    return done


def test_from_a_new_file_to_a_labelled_version(house: House) -> None:
    made = good(house("prompt", "new", "summary")).out
    path = house.root / "prompts" / "summary.md"
    assert str(path) in made
    first = good(house("prompt", "show", "summary", "--json")).json
    assert first["labels"] == ["latest"]
    assert good(house("prompt", "show", "summary", "--source")).out == path.read_text()
    good(house("prompt", "label", "summary", "production", "--reason", "first"))
    path.write_text(path.read_text().replace("at most", "no more than"))
    diff = good(house("prompt", "diff", "summary")).out
    assert "- Summarise this text in at most {{ sentences }} sentences." in diff
    assert "+ Summarise this text in no more than {{ sentences }} sentences." in diff
    assert good(house("prompt", "diff", "summary", "production", "--json")).json["old"] == first["digest"]
    moved = good(house("prompt", "label", "summary", "production", "--expected", first["digest"][:8]))
    assert f"groundwork prompt label summary@{first['digest'][:7]} production" in moved.out
    stale = house("prompt", "label", "summary", "production", "--expected", first["digest"][:8])
    assert stale.code == 1
    assert "somebody else moved it" in stale.err
    listed = good(house("prompt", "list")).out
    assert "summary" in listed
    assert "production" in listed


def test_rendering_shows_the_messages_and_names_what_is_missing(house: House) -> None:
    good(house("prompt", "new", "summary"))
    done = good(
        house("prompt", "render", "summary", "--set", "text=A {{ b }}", "--set", "sentences=3", "--json")
    )
    assert [m["role"] for m in done.json["messages"]] == ["system", "user"]
    assert "at most 3 sentences.\n\nA {{ b }}" in done.json["messages"][1]["text"]
    for wrong, words in (
        ((), "needs `text` (a text)"),
        (("--set", "text=a", "--set", "sentences=many"), "`sentences`"),
        (("--set", "txt=a"), "no input `txt`"),
        (("--set", "text"), "is no value"),
        (("--values", "nothing.json"), "cannot be read"),
        (("--test", "nothing"), "no test `nothing`"),
    ):
        refused = house("prompt", "render", "summary", *wrong)
        assert refused.code == 2
        assert words in refused.err
    values = house.root / "values.json"
    values.write_text('{"text": "from a file"}')
    assert "from a file" in good(house("prompt", "render", "summary", "--values", values)).out
    assert (
        "The gate"
        in good(
            house("prompt", "render", "summary", "--test", "the text and the length stand in the prompt")
        ).out
    )


def test_tests_end_with_one_when_one_fails(house: House) -> None:
    good(house("prompt", "new", "summary"))
    assert "passed" in good(house("prompt", "test", "summary")).out
    path = house.root / "prompts" / "summary.md"
    path.write_text(path.read_text().replace("2 sentences", "5 sentences"))
    failed = house("prompt", "test")
    assert failed.code == 1
    assert "the prompt does not contain `5 sentences`" in " ".join(failed.out.split())
    document = house("prompt", "test", "--json")
    assert document.code == 1
    assert document.json["passed"] is False
    assert house("prompt", "test", "summary", "--model", "x").code == 2


def test_a_broken_file_is_listed_with_its_line_and_the_others_work(house: House) -> None:
    good(house("prompt", "new", "summary"))
    (house.root / "prompts" / "broken.md").write_text("Hello\n{{ name")
    listed = house("prompt", "list")
    assert listed.code == 1
    assert "prompt `broken`, line 2: a `{{` is never closed" in listed.out
    good(house("prompt", "show", "summary"))
    assert house("prompt", "show", "broken").code == 2


def test_a_built_in_prompt_is_copied_to_be_changed(house: House) -> None:
    good(house("prompt", "new", "answer", "--copy", "answer"))
    assert {p["name"]: p["origin"] for p in good(house("prompt", "list", "--json")).json["prompts"]} == {
        "answer": "file", "condense": "built-in", "judge-pairwise": "built-in", "judge-pointwise": "built-in",
    }  # fmt: skip
    again = house("prompt", "new", "answer")
    assert again.code == 1
    assert "there is a prompt file `answer` already" in again.err


def test_online_a_prompt_is_asked_of_a_model_and_the_call_is_on_record(house: House) -> None:
    good(house("ingest", house.files))
    path = house.root / "prompts" / "gate.md"
    path.parent.mkdir()
    path.write_text(
        "---\nhints: {model: app/default}\ntests:\n- expect: {contains: seven}\n---\nWhen does the gate open?\n"
    )
    done = house("prompt", "test", "gate", "--online", "--json")
    (result,) = done.json["reports"][0]["results"]
    assert done.code == 0, result["faults"]
    assert result["call_id"].startswith("call_")
    assert "seven" in result["output"]


def test_an_import_says_what_was_taken_and_what_was_not(house: House, tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / "say.txt").write_text("Say {{ word }}")
    assert "1 prompt would be written" in good(house("prompt", "import", source, "--dry-run")).out
    assert good(house("prompt", "import", source, "--json")).json["items"][0]["outcome"] == "written"
    (source / "empty.txt").write_text("")
    partly = house("prompt", "import", source)
    assert partly.code == 1
    assert "it is empty" in partly.out
    assert house("prompt", "import", source / "nothing").code == 2
