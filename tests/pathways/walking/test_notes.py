"""What people say of themselves: attestations stand apart and can be taken back; reflections are their writer's alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from groundwork.app.workspace import Workspace
from groundwork.core.errors import ConflictError, InvalidInputError, NotFoundError
from groundwork.core.principal import LOCAL, Principal
from groundwork.pathways.walking.notes import Notes
from tests.workspaces import light_workspace

BOB = Principal(name="user:bob", owner=True, role="admin")
WORD = "Zanzibarquux7731"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    made = light_workspace(tmp_path_factory.mktemp("notes"))
    yield made
    made.close()


@pytest.fixture
def notes(workspace: Workspace) -> Notes:
    return workspace.pathways.notes


def test_an_attestation_is_listed_until_it_is_withdrawn_and_is_kept_after_that(notes: Notes) -> None:
    made = notes.attest(LOCAL, "d30-communities", "I joined two.", "https://example.org/talk", by="Ann")
    assert (made.subject, made.by, made.withdrawn_at) == ("d30-communities", "Ann", None)
    assert notes.attestations(LOCAL) == [made]
    gone = notes.withdraw(LOCAL, made.id)
    assert gone.withdrawn_at
    assert notes.attestations(LOCAL) == []
    assert notes.attestations(LOCAL, withdrawn=True) == [gone]
    with pytest.raises(ConflictError):
        notes.withdraw(LOCAL, made.id)


def test_who_attests_is_oneself_unless_somebody_else_is_named(notes: Notes) -> None:
    assert notes.attest(BOB, "d30-communities", "I did.").by == "user:bob"


def test_an_unknown_subject_is_answered_with_the_nearest_of_all_kinds(notes: Notes) -> None:
    with pytest.raises(NotFoundError) as caught:
        notes.attest(LOCAL, "d30-comunities", "I did.")
    assert "`d30-communities`" in caught.value.hint


@pytest.mark.parametrize(
    ("statement", "link"),
    [
        ("", ""),
        ("   ", ""),
        ("x" * 20_001, ""),
        ("fine", "javascript:alert(1)"),
        ("fine", "ftp://x"),
        ("fine", "https://a b"),
    ],
)
def test_an_empty_statement_and_what_is_no_link_are_refused(notes: Notes, statement: str, link: str) -> None:
    before = notes.attestations(LOCAL)
    with pytest.raises(InvalidInputError):
        notes.attest(LOCAL, "d30-communities", statement, link)
    assert notes.attestations(LOCAL) == before


def test_nobody_reads_or_deletes_the_reflections_of_another_not_even_an_admin(notes: Notes) -> None:
    mine = notes.reflect(LOCAL, "reflect-domain", "I know hospitals.")
    assert mine in notes.reflections(LOCAL)
    assert notes.reflections(BOB) == []
    assert notes.reflections(Principal(tenant="north", name=LOCAL.name, owner=True)) == []
    with pytest.raises(NotFoundError):
        notes.forget(BOB, mine.id)
    assert mine in notes.reflections(LOCAL)


def test_a_question_that_the_catalogue_lacks_is_refused_and_a_note_needs_none(notes: Notes) -> None:
    with pytest.raises(NotFoundError) as caught:
        notes.reflect(LOCAL, "reflect-domains", "x")
    assert "reflect-domain" in caught.value.hint
    assert notes.reflect(LOCAL, "", "A note.").question == ""


def test_what_is_forgotten_is_in_no_file_of_the_workspace(notes: Notes, workspace: Workspace) -> None:
    written = notes.reflect(LOCAL, "", f"My word is {WORD}.")
    attested = notes.attest(LOCAL, "d30-communities", f"As {WORD} said.")
    notes.forget(LOCAL, written.id)
    notes.forget(LOCAL, attested.id)
    data = workspace.root / ".groundwork"
    holding = [p.name for p in data.rglob("*") if p.is_file() and WORD.encode() in p.read_bytes()]
    assert holding == []
    with pytest.raises(NotFoundError):
        notes.forget(LOCAL, written.id)
