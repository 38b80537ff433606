"""Versions, labels and files, over SQLite and PostgreSQL: a version never changes, `latest` follows the file."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundwork.core.clock import ManualClock
from groundwork.core.errors import ConflictError, InvalidInputError, NotFoundError
from groundwork.core.principal import LOCAL, Principal
from groundwork.prompts.store import Prompts, split_ref
from groundwork.storage.database import Database
from tests.storage.conftest import database, postgres_server, postgres_url, url

ONE, TWO = "Say {{ word }}.\n", "Shout {{ word }}!\n"
__all__ = ["database", "postgres_server", "postgres_url", "url"]
OTHER = Principal(tenant="other", name="eve")


def test_only_the_built_in_prompts_are_there_at_first(prompts: Prompts) -> None:
    found = prompts.sync(LOCAL)
    assert [(e.name, e.origin, e.versions) for e in found] == [
        ("answer", "built-in", 1),
        ("condense", "built-in", 1),
        ("judge-pairwise", "built-in", 1),
        ("judge-pointwise", "built-in", 1),
    ]
    assert not prompts.folder.path.exists()


def test_a_file_becomes_a_version_named_by_its_digest(prompts: Prompts) -> None:
    prompts.folder.path.mkdir()
    (prompts.folder.path / "say.md").write_text(ONE)
    found = prompts.get(LOCAL, "say")
    assert found.labels == ("latest",)
    assert found.template.source == ONE
    assert prompts.get(LOCAL, "say", found.digest[:7]) == found
    assert prompts.render(LOCAL, "say", {"word": "hi"})[0].text == "Say hi."


def test_the_same_state_twice_is_one_version_and_latest_moves_back(prompts: Prompts) -> None:
    first = prompts.write(LOCAL, "say", ONE)
    second = prompts.write(LOCAL, "say", TWO)
    again = prompts.write(LOCAL, "say", ONE)
    assert again.digest == first.digest
    assert again.created_at == first.created_at
    assert {v.digest for v in prompts.versions(LOCAL, "say")} == {first.digest, second.digest}
    moves = prompts.moves(LOCAL, "say", "latest")
    assert [m.new for m in moves] == [first.digest, second.digest, first.digest]
    assert all(m.reason for m in moves)
    assert prompts.previous(LOCAL, "say") == second.digest


def test_words_about_a_prompt_make_no_version_but_are_kept(prompts: Prompts) -> None:
    first = prompts.write(LOCAL, "say", ONE)
    told = (
        "---\ndescription: Says a word.\ntests:\n- inputs: {word: a}\n  expect: {prompt_contains: a}\n---\n"
        + ONE
    )
    second = prompts.write(LOCAL, "say", told)
    assert second.digest == first.digest
    assert prompts.entry(LOCAL, "say").versions == 1
    kept = prompts.get(LOCAL, "say", first.digest).template
    assert (kept.description, len(kept.tests), kept.source) == ("Says a word.", 1, told)


def test_a_label_stays_where_it_was_put_and_its_moves_are_records(prompts: Prompts) -> None:
    first = prompts.write(LOCAL, "say", ONE)
    assert prompts.label(LOCAL, "say", "latest", "production", reason="tested").labels == (
        "latest",
        "production",
    )
    second = prompts.write(LOCAL, "say", TWO)
    assert prompts.get(LOCAL, "say", "production").digest == first.digest
    prompts.label(LOCAL, "say", second.digest, "production", expected=first.digest, reason="shouts")
    with pytest.raises(ConflictError) as caught:
        prompts.label(LOCAL, "say", first.digest, "production", expected=first.digest)
    assert caught.value.details["current"] == second.digest
    with pytest.raises(ConflictError):
        prompts.label(LOCAL, "say", first.digest, "production", expected=None)
    moves = prompts.moves(LOCAL, "say", "production")
    assert [(m.old, m.new, m.reason, m.principal) for m in moves] == [
        (first.digest, second.digest, "shouts", "local"), (None, first.digest, "tested", "local"),
    ]  # fmt: skip


@pytest.mark.parametrize("label", ["latest", "", "Production", "a b", "deadbeef", "a@b", "x" * 64, "../x"])
def test_what_is_no_label_is_refused(prompts: Prompts, label: str) -> None:
    with pytest.raises(InvalidInputError):
        prompts.label(LOCAL, "answer", "latest", label)


def test_what_is_not_there_is_said_with_what_is(prompts: Prompts) -> None:
    prompts.write(LOCAL, "say", ONE)
    with pytest.raises(NotFoundError) as caught:
        prompts.get(LOCAL, "sya")
    assert "`say`" in caught.value.hint
    with pytest.raises(NotFoundError, match="no version or label `production`") as caught:
        prompts.get(LOCAL, "say", "production")
    assert "latest" in caught.value.hint
    for ask in (prompts.versions, prompts.entry, prompts.previous, prompts.runs):
        with pytest.raises(NotFoundError):
            ask(LOCAL, "nothing")
    with pytest.raises(NotFoundError, match="no earlier version"):
        prompts.previous(LOCAL, "say")


def test_a_beginning_that_two_versions_share_is_refused_with_both(
    prompts: Prompts, monkeypatch: pytest.MonkeyPatch
) -> None:
    from groundwork.prompts import records

    prompts.write(LOCAL, "say", ONE)
    monkeypatch.setattr(records, "digests", lambda *_: ["abcd1" + "0" * 59, "abcd2" + "0" * 59])
    with pytest.raises(InvalidInputError, match="2 versions") as caught:
        prompts.get(LOCAL, "say", "abcd")
    assert "abcd1" in caught.value.hint


def test_a_broken_file_is_listed_and_touches_no_other(prompts: Prompts) -> None:
    good = prompts.write(LOCAL, "say", ONE)
    prompts.label(LOCAL, "say", "latest", "production")
    (prompts.folder.path / "say.md").write_text("{{ word")
    (prompts.folder.path / "bytes.md").write_bytes(b"\xff\xfe")
    (prompts.folder.path / "Two Words.md").write_text("x")
    (prompts.folder.path / "README.md").write_text("# Not a prompt {{")
    (prompts.folder.path / ".hidden.md").write_text("{{")
    (prompts.folder.path / "notes.txt").write_text("{{")
    found = {e.name: e for e in prompts.sync(LOCAL)}
    assert set(found) == {
        "answer",
        "condense",
        "judge-pairwise",
        "judge-pointwise",
        "say",
        "bytes",
        "Two Words",
    }
    assert "never closed" in str(found["say"].error)
    assert found["say"].latest == prompts.get(LOCAL, "say", good.digest)
    assert "UTF-8" in str(found["bytes"].error)
    assert "no name" in str(found["Two Words"].error)
    assert found["answer"].error is None
    with pytest.raises(InvalidInputError, match="never closed"):
        prompts.get(LOCAL, "say")
    assert prompts.get(LOCAL, "say", "production").digest == good.digest


def test_a_file_stands_in_front_of_a_built_in_prompt_and_gives_way_again(prompts: Prompts) -> None:
    built_in = prompts.get(LOCAL, "answer")
    mine = prompts.write(LOCAL, "answer", ONE, expected="")
    assert prompts.get(OTHER, "answer").digest == mine.digest
    assert prompts.get(OTHER, "answer", built_in.digest).template == built_in.template
    assert prompts.entry(LOCAL, "answer").origin == "file"
    assert prompts.get(LOCAL, "answer").digest == mine.digest
    prompts.remove(LOCAL, "answer")
    assert prompts.get(LOCAL, "answer").digest == built_in.digest
    assert prompts.entry(LOCAL, "answer").labels["latest"] == built_in.digest
    with pytest.raises(NotFoundError):
        prompts.remove(LOCAL, "answer")


def test_a_removed_prompt_keeps_its_versions(prompts: Prompts) -> None:
    version = prompts.write(LOCAL, "say", ONE)
    prompts.remove(LOCAL, "say")
    entry = prompts.entry(LOCAL, "say")
    assert (entry.origin, entry.versions, entry.source_digest) == ("gone", 1, "")
    with pytest.raises(NotFoundError, match="is gone") as caught:
        prompts.get(LOCAL, "say")
    assert version.digest[:7] in caught.value.hint
    assert prompts.get(LOCAL, "say", version.digest).template.source == ONE
    assert prompts.write(LOCAL, "say", ONE, expected="").digest == version.digest


def test_what_is_no_prompt_is_not_written(prompts: Prompts) -> None:
    prompts.write(LOCAL, "say", ONE)
    with pytest.raises(InvalidInputError):
        prompts.write(LOCAL, "say", "{{ word")
    assert prompts.folder.read("say") == ONE
    assert [p.name for p in prompts.folder.path.iterdir()] == ["say.md"]


def test_a_file_that_somebody_else_changed_is_not_overwritten(prompts: Prompts) -> None:
    prompts.write(LOCAL, "say", ONE)
    seen = prompts.entry(LOCAL, "say").source_digest
    (prompts.folder.path / "say.md").write_text(TWO)
    with pytest.raises(ConflictError):
        prompts.write(LOCAL, "say", "Whisper {{ word }}", expected=seen)
    with pytest.raises(ConflictError):
        prompts.write(LOCAL, "say", "Whisper {{ word }}", expected="")
    with pytest.raises(ConflictError):
        prompts.remove(LOCAL, "say", expected=seen)
    assert prompts.folder.read("say") == TWO
    assert prompts.write(LOCAL, "say", ONE, expected=prompts.entry(LOCAL, "say").source_digest)


def test_of_many_writers_who_expect_the_same_one_wins(prompts: Prompts) -> None:
    prompts.write(LOCAL, "say", ONE)
    seen, outcomes = prompts.entry(LOCAL, "say").source_digest, []

    def attempt(n: int) -> None:
        try:
            prompts.write(LOCAL, "say", f"Version {n} of {{{{ word }}}}", expected=seen)
            outcomes.append(n)
        except ConflictError:
            pass

    threads = [threading.Thread(target=attempt, args=(n,)) for n in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(outcomes) == 1
    assert prompts.folder.read("say") == f"Version {outcomes[0]} of {{{{ word }}}}"


def test_many_who_look_at_once_record_one_version(database: Database, tmp_path: Path) -> None:
    folder = tmp_path / "prompts"
    folder.mkdir()
    (folder / "say.md").write_text(ONE)
    rooms = [Prompts(database, folder, ManualClock(prompts_clock())) for _ in range(6)]
    digests: list[str] = []
    threads = [threading.Thread(target=lambda r=r: digests.append(r.get(LOCAL, "say").digest)) for r in rooms]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(digests) == 6
    assert len(set(digests)) == 1
    assert len(rooms[0].moves(LOCAL, "say", "latest")) == 1


def test_no_tenant_sees_the_versions_labels_or_runs_of_another(prompts: Prompts) -> None:
    first = prompts.write(LOCAL, "say", ONE)
    prompts.label(LOCAL, "say", "latest", "production")
    prompts.test(LOCAL, "say")
    prompts.write(LOCAL, "say", TWO)
    assert [v.digest for v in prompts.versions(OTHER, "say")] != [first.digest]
    assert prompts.runs(OTHER, "say") == ()
    for ref in ("production", first.digest):
        with pytest.raises(NotFoundError):
            prompts.get(OTHER, "say", ref)


def test_a_link_out_of_the_folder_is_not_followed_one_within_it_is(prompts: Prompts, tmp_path: Path) -> None:
    folder = prompts.folder.path
    (folder / "..data").mkdir(parents=True)
    (folder / "..data" / "say.md").write_text(ONE)
    (folder / "say.md").symlink_to("..data/say.md")
    (tmp_path / "secret").write_text("secret")
    (folder / "evil.md").symlink_to(tmp_path / "secret")
    (folder / "gone.md").symlink_to(tmp_path / "nothing")
    os.mkfifo(folder / "pipe.md")
    (folder / "deep.md").mkdir()
    assert prompts.get(LOCAL, "say").template.source == ONE
    for name, words in (("evil", "leads out"), ("pipe", "no file"), ("deep", "no file|cannot be read")):
        with pytest.raises(InvalidInputError, match=words):
            prompts.get(LOCAL, name)
    assert all("secret" not in e.source for e in prompts.sync(LOCAL))


@pytest.mark.parametrize("name", ["../say", "a/b", "/etc/passwd", "say.md", "", "A"])
def test_no_name_reaches_another_file(prompts: Prompts, name: str) -> None:
    for act in (
        lambda: prompts.write(LOCAL, name, ONE),
        lambda: prompts.remove(LOCAL, name),
        lambda: prompts.get(LOCAL, name),
        lambda: prompts.entry(LOCAL, name),
    ):
        with pytest.raises(InvalidInputError):
            act()


def test_a_diff_names_messages_inputs_and_hints(prompts: Prompts) -> None:
    old = (
        "---\ninputs: {word: text, tone: {type: text, default: calm}}\nhints: {temperature: 0}\n---\n"
        "system:\nBe {{ tone }}.\n\nuser:\nA\nSay {{ word }}.\nB"
    )
    new = (
        "---\ninputs: {word: json, n: number}\nhints: {temperature: 1, seed: 3}\n---\n"
        "user:\nA\nShout {{ word }} {{ n }}.\nB\n\nassistant:\nYes"
    )
    first = prompts.write(LOCAL, "say", old)
    prompts.write(LOCAL, "say", new)
    diff = prompts.diff(LOCAL, "say", first.digest)
    assert not diff.same
    assert [(m.old and m.old.role, m.new and m.new.role, m.changed) for m in diff.messages] == [
        ("system", None, True), ("user", "user", True), (None, "assistant", True),
    ]  # fmt: skip
    assert [(x.sign, x.text) for x in diff.messages[1].lines] == [
        ("=", "A"), ("-", "Say {{ word }}."), ("+", "Shout {{ word }} {{ n }}."), ("=", "B"),
    ]  # fmt: skip
    assert {v.name: (v.was, v.now) for v in diff.inputs} == {
        "word": ("text", "json"), "tone": ('text = "calm"', ""), "n": ("", "number"),
    }  # fmt: skip
    assert {v.name: (v.was, v.now) for v in diff.hints} == {"temperature": ("0", "1"), "seed": ("", "3")}
    assert prompts.diff(LOCAL, "say", "latest").same


TEXTS = st.lists(st.text(alphabet="ab\n", min_size=1, max_size=12).filter(str.strip), min_size=1, max_size=3)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(TEXTS, TEXTS)
def test_a_diff_holds_both_sides_whole(a: list[str], b: list[str]) -> None:
    from groundwork.prompts.diff import diff_prompts
    from groundwork.prompts.files import parse_prompt

    left, right = (parse_prompt("p", "\n\n".join(f"user:\n{t}" for t in ts)) for ts in (a, b))
    diff = diff_prompts(left, right)
    for side, signs in ((left, "=-"), (right, "=+")):
        kept = ["\n".join(x.text for x in m.lines if x.sign in signs) for m in diff.messages]
        assert [t for t in kept if t] == [m.text for m in side.messages]
    assert diff.same == (left.digest == right.digest)


def test_a_diff_of_long_texts_does_not_take_long() -> None:
    from groundwork.prompts.diff import diff_prompts
    from groundwork.prompts.files import parse_prompt

    left, right = (
        parse_prompt("p", "x\n" + "a\n" * 60_000 + "y"),
        parse_prompt("p", "z\n" + "a\n" * 60_000 + "w"),
    )
    begun = time.thread_time()
    diff = diff_prompts(left, right)
    assert time.thread_time() - begun < 5
    assert len(diff.messages[0].lines) == 2 * 60_002


def test_a_reference_has_a_name_and_a_version() -> None:
    assert split_ref("answer") == ("answer", "latest")
    assert split_ref("answer@") == ("answer", "latest")
    assert split_ref("answer@production") == ("answer", "production")


def prompts_clock() -> object:
    from tests.prompts.conftest import CLOCK

    return CLOCK.wall
