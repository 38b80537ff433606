"""A bundle is checked offline; whatever of it is changed, added, left out or taken from elsewhere is refused and named."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, update

from groundwork.core.digest import canonical_json
from groundwork.core.errors import InvalidInputError
from groundwork.core.principal import Principal
from groundwork.pathways.portfolio import bundle
from groundwork.pathways.portfolio.reading import MANIFEST, read_bundle
from groundwork.pathways.portfolio.types import BundleReport
from groundwork.pathways.portfolio.verify import verify_bundle
from groundwork.releases.key import SigningKey
from groundwork.storage.pathway_tables import proofs as proofs_table
from groundwork.storage.tables import answers
from tests.pathways.portfolio.house import House, catalogue, exported, house
from tests.pathways.proofs.house import ANN
from tests.pathways.proofs.house import house as light_house

Files = dict[str, bytes]


@pytest.fixture
def out() -> Path:
    return exported()


@pytest.fixture
def files(out: Path) -> Files:
    return read_bundle(out)


def test_a_bundle_is_checked_without_a_workspace_and_its_checks_are_run_again(here: House, out: Path) -> None:
    report = verify_bundle(out / "bundle.zip")
    assert report.valid, report.lines
    assert report.owner == "Ann Example"
    assert report.issuer.startswith("did:key:z6Mk")
    by_subject = {s.proof.subject: report.grades[s.proof.id] for s in here.proofs.list(here.who)}
    assert by_subject == {
        "first-release": "re_run",
        "many-answers": "re_run",
        "all-answered": "verified_here",
    }
    said = {line.state for line in report.lines}
    assert said == {"holds", "cannot_be_checked"}
    sentence = next(line.sentence for line in report.lines if line.state == "cannot_be_checked")
    assert "it speaks of all `answer` of the workspace" in sentence
    assert "tamper-evident, not tamper-proof" in report.lines[0].sentence


def test_the_folder_of_an_export_and_an_unpacked_bundle_are_checked_alike(
    out: Path, files: Files, tmp_path: Path
) -> None:
    report = verify_bundle(out)
    assert report == verify_bundle(out / "bundle.zip") == verify_bundle(_unpacked(files, tmp_path))


def test_another_issuer_than_the_one_that_was_expected_is_named(out: Path) -> None:
    own = verify_bundle(out).issuer
    assert verify_bundle(out, issuer=own).valid
    report = verify_bundle(out, issuer="did:key:z6MkOther")
    assert not report.valid
    assert f"signed by {own}, not by did:key:z6MkOther" in _failing(report)


def test_every_field_of_every_file_is_refused_when_it_was_changed(files: Files, tmp_path: Path) -> None:
    flipped = 0
    for what, changed in _flips(files):
        report = _verify(changed, tmp_path)
        assert not report.valid, what
        assert _failing(report)
        flipped += 1
    assert flipped > 45


def test_every_field_that_is_signed_is_refused_when_it_was_changed(files: Files, tmp_path: Path) -> None:
    """What stands encoded within the envelopes; the manifest is written anew for it by somebody without the key."""
    flipped = 0
    for name in (MANIFEST, "proofs.json"):
        held = json.loads(files[name])
        envelopes = [held] if isinstance(held, dict) else held
        for n, envelope in enumerate(envelopes[:1]):
            payload = json.loads(base64.b64decode(envelope["payload"]))
            for path, other in _leaves(payload):
                fake = {
                    **envelope,
                    "payload": base64.b64encode(canonical_json(_with(payload, path, other))).decode(),
                }
                value = fake if isinstance(held, dict) else [*held[:n], fake, *held[n + 1 :]]
                changed = {**files, name: canonical_json(value) + b"\n"}
                assert not _verify(changed, tmp_path).valid, (name, path)
                flipped += 1
    assert flipped > 50


@pytest.mark.parametrize(
    "name", ["README.txt", "proofs.json", "records.json", "keys.json", "credentials.json"]
)
def test_a_file_that_is_missing_or_changed_is_named(files: Files, tmp_path: Path, name: str) -> None:
    assert f"`{name}` is missing" in _failing(
        _verify({k: v for k, v in files.items() if k != name}, tmp_path)
    )
    assert f"`{name}` was changed" in _failing(_verify({**files, name: files[name] + b" "}, tmp_path))


def test_a_bundle_that_somebody_else_signed_anew_names_their_key_and_refuses_the_proofs(
    here: House, files: Files, tmp_path: Path
) -> None:
    """A stranger cannot pass off another's proofs as their own, nor add a proof of theirs."""
    stranger = SigningKey(tmp_path / "stranger.key", {}).private()
    report = _verify(_rebuilt(here, stranger), tmp_path)
    assert not report.valid
    assert "signed by another key than the bundle" in _failing(report)
    assert report.issuer != verify_bundle(exported()).issuer


def test_a_proof_of_another_workspace_is_told_apart(here: House, files: Files, tmp_path: Path) -> None:
    other = house(tmp_path / "two")
    (other.workspace.root / ".groundwork/release.key").write_bytes(b"k" * 32)
    other.prove("many-answers")
    theirs = other.proofs.list(other.who)[0]
    other.workspace.close()
    report = _verify(_rebuilt(here, states=[theirs]), tmp_path)
    assert "it is signed by another key than the bundle" in _failing(report)
    assert report.grades == {}


def test_a_proof_of_another_person_of_the_workspace_is_told_apart(here: House, tmp_path: Path) -> None:
    bob = Principal(name="user:bob", owner=True, role="operator")
    finding = here.workspace.pathways.checker.check(bob, here.book.loaded.milestone("many-answers").check)
    here.proofs.record(bob, "milestone", "many-answers", finding)
    report = _verify(_rebuilt(here, states=here.proofs.list(bob)), tmp_path)
    assert "it belongs to somebody else than the bundle does" in _failing(report)


def test_proofs_of_others_stand_between_ones_own_and_the_chain_holds(here: House, tmp_path: Path) -> None:
    bob = Principal(name="user:bob", owner=True, role="operator")
    finding = here.workspace.pathways.checker.check(bob, here.book.loaded.milestone("many-answers").check)
    here.proofs.record(bob, "milestone", "many-answers", finding)
    finding = here.workspace.pathways.checker.check(
        here.who, here.book.loaded.milestone("many-answers").check
    )
    here.proofs.record(here.who, "lab", "after-bob", finding)
    here.portfolio.export(here.who, tmp_path / "new")
    report = verify_bundle(tmp_path / "new")
    assert report.valid
    assert len(report.grades) == 4
    assert "drawn for one workspace" in next(x.sentence for x in report.lines if "after-bob" in x.sentence)


def test_records_that_do_not_show_what_is_said_fail_even_when_signed(here: House, tmp_path: Path) -> None:
    """Whoever holds the key can sign nonsense; the check that is run again says so."""
    checker = here.workspace.pathways.checker
    finding = checker.check(here.who, {"find": "answer"})
    here.proofs.record(here.who, "milestone", "first-release", finding)
    here.book.loaded = catalogue(
        {"another": {"find": "verdict"}, **{k: dict(v.check) for k, v in here.book.loaded.milestones.items()}}
    )
    here.proofs.record(here.who, "milestone", "another", finding)
    here.portfolio.export(here.who, tmp_path / "new")
    report = verify_bundle(tmp_path / "new")
    assert "milestone `another`: its records do not show what it says." in _failing(report)


def test_a_stale_proof_is_history_and_not_a_failure(here: House, tmp_path: Path) -> None:
    first = here.answer_ids()[-1]
    with here.workspace.rooms.database.write() as connection:
        connection.execute(delete(answers).where(answers.c.id == first))
    report = here.portfolio.export(here.who, tmp_path / "out")
    assert report.stale == 2
    checked = verify_bundle(tmp_path / "out")
    assert checked.valid
    lines = [x.sentence for x in checked.lines if x.state == "history"]
    assert any("was proven on" in x and "is not there any more" in x for x in lines)
    assert list(checked.grades.values()) == ["re_run"]
    page = (tmp_path / "out/proofs.html").read_text()
    assert "History" in page


def test_a_forged_proof_is_left_out_of_an_export_and_counted(here: House, tmp_path: Path) -> None:
    with here.workspace.rooms.database.write() as connection:
        connection.execute(update(proofs_table).where(proofs_table.c.position == 2).values(subject="better"))
    report = here.portfolio.export(here.who, tmp_path / "out")
    assert (report.proofs, report.forged) == (2, 1)
    assert verify_bundle(tmp_path / "out").valid


def test_a_bundle_of_a_newer_format_says_so(
    here: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle, "FORMAT", 2)
    here.portfolio.export(here.who, tmp_path / "out")
    monkeypatch.undo()
    report = verify_bundle(tmp_path / "out")
    assert "newer Groundwork" in _failing(report)


# ---- co-signatures ----


def test_a_second_workspace_cosigns_and_the_owner_shows_it(here: House, out: Path, tmp_path: Path) -> None:
    mentor = light_house(tmp_path / "mentor")
    signed = mentor.proofs.cosign(ANN, out / "bundle.zip", name="Mia Mentor, Example Ltd")
    kept = here.proofs.add_cosignature(here.who, json.loads(json.dumps(signed)))
    assert len(kept) == 3
    assert here.proofs.add_cosignature(here.who, signed)
    states = {s.proof.subject: s.proof for s in here.proofs.list(here.who)}
    assert states["first-release"].cosigners == ("Mia Mentor, Example Ltd",)
    assert states["first-release"].grade == "re_run", "the mentor ran the check again"
    assert states["all-answered"].grade == "co_signed", "which could not be run again"
    here.portfolio.export(here.who, tmp_path / "again")
    report = verify_bundle(tmp_path / "again")
    assert report.valid, _failing(report)
    assert report.grades[states["all-answered"].id] == "co_signed"
    assert any("Mia Mentor, Example Ltd co-signed 3 proofs" in x.sentence for x in report.lines)
    assert "co-signed by Mia Mentor, Example Ltd" in (tmp_path / "again/proofs.html").read_text()
    for path, other in _leaves(signed):
        with pytest.raises(InvalidInputError):
            here.proofs.add_cosignature(here.who, _with(signed, path, other))


def test_nobody_cosigns_their_own_bundle_a_broken_one_or_proofs_that_are_not_there(
    here: House, out: Path, files: Files, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInputError, match="key of this workspace"):
        here.proofs.cosign(here.who, out, name="Myself")
    mentor = light_house(tmp_path / "mentor")
    broken = _unpacked({**files, "records.json": b"[]\n"}, tmp_path)
    with pytest.raises(InvalidInputError, match="does not hold"):
        mentor.proofs.cosign(ANN, broken, name="Mia")
    with pytest.raises(InvalidInputError, match="no proof `prf_x`"):
        mentor.proofs.cosign(ANN, out, name="Mia", only=["prf_x"])
    with pytest.raises(InvalidInputError, match="name of who"):
        mentor.proofs.cosign(ANN, out, name=" ")
    signed = mentor.proofs.cosign(ANN, out, name="Mia")
    with pytest.raises(InvalidInputError, match="none of your proofs"):
        here.proofs.add_cosignature(Principal(name="user:bob"), signed)


def test_a_cosignature_that_was_changed_in_the_database_lifts_no_grade(
    here: House, out: Path, tmp_path: Path
) -> None:
    from groundwork.storage.pathway_tables import cosignatures

    mentor = light_house(tmp_path / "mentor")
    signed = mentor.proofs.cosign(ANN, out, name="Mia")
    here.proofs.add_cosignature(here.who, signed)
    with here.workspace.rooms.database.write() as connection:
        connection.execute(update(cosignatures).values(envelope={**signed, "payload": "e30="}))
    assert {(s.proof.grade, s.proof.cosigners) for s in here.proofs.list(here.who)} == {("verified_here", ())}


# ---- helpers ----


def _verify(files: Files, tmp_path: Path) -> BundleReport:
    return verify_bundle(_unpacked(files, tmp_path))


def _unpacked(files: Files, tmp_path: Path) -> Path:
    folder = tmp_path / "unpacked"
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def _rebuilt(here: House, key: Any = None, states: Any = None) -> Files:
    """A bundle as a cheat would build it: with another key, or with proofs that are not the owner's."""
    from groundwork.pathways.proofs.statements import holder_of

    private = here.workspace.releases.key.private()
    shown = sorted(states or here.proofs.list(here.who), key=lambda s: s.proof.position)
    contents = bundle.Contents(
        "Ann Example",
        holder_of(private, "default", "local"),
        shown,
        here.proofs.links(here.who),
        here.book.loaded.digest,
        "2026-01-01T00:00:00+00:00",
    )
    return bundle.build(key or private, contents)


def _failing(report: BundleReport) -> str:
    return "\n".join(line.sentence for line in report.lines if line.state == "fails")


def _flips(files: Files) -> Iterator[tuple[Any, Files]]:
    """Every leaf of every JSON file, one at a time, and a letter of the text."""
    for name, data in sorted(files.items()):
        if name.endswith(".json"):
            value = json.loads(data)
            for path, other in _leaves(value):
                yield (name, path), {**files, name: canonical_json(_with(value, path, other)) + b"\n"}
        else:
            yield name, {**files, name: data.replace(b"a", b"b", 1)}


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if isinstance(value, dict):
        for key, held in value.items():
            yield from _leaves(held, (*path, key))
    elif isinstance(value, list):
        for n, held in enumerate(value):
            yield from _leaves(held, (*path, n))
    else:
        yield path, _other(value)


def _other(value: Any) -> Any:
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, int | float):
        return value + 1
    middle = len(value) // 2
    return f"{value[:middle]}{'A' if value[middle : middle + 1] != 'A' else 'B'}{value[middle + 1 :]}"


def _with(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    made = copy.deepcopy(value)
    at = made
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = other
    return made
