"""`groundwork path`: what a newcomer types, from a plan to a passed lab, a portfolio, and clear answers to bad input."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import House, call

PLAN = (
    "path",
    "plan",
    "--from",
    "product manager",
    "--to",
    "ai product manager",
    "--hours",
    "6",
    "--by",
    "2031-06",
)


@pytest.fixture(scope="module")
def walker(tmp_path_factory: pytest.TempPathFactory) -> House:
    """A workspace in which somebody has planned their way; tests add to it and take nothing away."""
    house = House(tmp_path_factory.mktemp("path") / "house")
    done = house(*PLAN)
    assert done.code == 0, done.err
    return house


# -- before there is anything ---------------------------------------------------------------------------------------
def test_in_an_empty_workspace_the_next_step_is_to_say_where_one_comes_from_or_the_first_lab(
    house: House,
) -> None:
    step = house("path", "next", "--json").json
    assert (step["kind"], step["lab"], step["run"]) == ("profile", "first-model-endpoint", None)
    assert step["commands"][0].startswith('groundwork path plan --from "')
    assert step["commands"][1] == "groundwork path lab first-model-endpoint"
    assert not (house.root / "labs").exists()
    for words in (("progress",), ("proofs",), ("plans",), ("profile",), ("attest",), ("labs",)):
        assert house("path", *words).code == 0, words
    assert "a plan needs --from, --to" in house("path", "plan", "--hours", "5").err
    for words in (("forecast",), ("verify",), ("hint",), ("reset",), ("lab",), ("proofs", "prf_none")):
        done = house("path", *words)
        assert done.code == 2, words
        assert "hint: " in done.err


def test_the_catalogue_can_be_read_before_there_is_a_workspace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "ai-systems-engineer" in call("path", "roles").out
    assert call("path", "roles", "-w", tmp_path).code == 2


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("plan", "--from", "cook", "--to", "ai sistems enginer", "--hours", "8"), 2, "did you mean"),
        (
            ("plan", "--from", "product manager", "--to", "ai sistems enginer", "--hours", "8"),
            2,
            "AI Systems Engineer",
        ),
        (
            ("plan", "--from", "product manager", "--to", "ai product manager", "--hours", "0"),
            2,
            "0 hours a week",
        ),
        (("plan", *PLAN[2:6], "--hours", "5", "--by", "2020-01"), 2, "2020-01-31 is not after"),
        (("plan", *PLAN[2:8], "--except", "soon"), 2, "is no exception"),
        (("plan", *PLAN[2:8], "--confidence", "2"), 2, "confidence of 2"),
        (("check", "y1-first-rag-ap"), 2, "y1-first-rag-app"),
        (("lab", "first-cited"), 2, "first-cited-answer"),
        (("quiz", "etics"), 2, "ethics"),
        (("facts", "job-data-shar"), 2, "job-data-share"),
        (("facts", "--section", "nothing"), 2, "sections are"),
        (("kinds", "relese"), 2, "release"),
        (("attest", "y1-first-rag-app"), 2, "there is no text"),
        (("cosign", "nowhere"), 2, "there is no nowhere"),
        (("verify", "nowhere.zip"), 2, "nowhere.zip"),
        (("catalogue", "mend"), 2, "check, show or schema"),
        (("quiz", "ethics", "--answers", "?"), 2, "no answer"),
    ],
)
def test_what_makes_no_sense_gets_a_clear_answer(
    walker: House, words: tuple[str, ...], code: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    done = walker("path", *words)
    assert (done.code, done.out) == (code, "")
    assert said in done.err


# -- the plan -------------------------------------------------------------------------------------------------------
def test_a_plan_is_shown_by_months_with_reasons_and_the_forecast_in_a_sentence(walker: House) -> None:
    text = walker(*PLAN).out
    assert text.startswith("Product Manager → AI Product Manager\n")
    flat = " ".join(text.split())
    assert re.search(r"likely between \w+ 20\d\d and \w+ 20\d\d; \d+ % by June 2031", flat)
    assert re.search(r"^\w+ 20\d\d$", text, re.MULTILINE)
    assert "Needed by" in flat or "Wanted for itself" in flat
    assert "Begin with `groundwork path next`" in text
    assert max(len(line) for line in text.splitlines()) <= 80


def test_a_plan_in_json_has_dated_items_with_reasons_and_the_forecast(walker: House) -> None:
    plan = walker(*PLAN, "--json").json
    assert {"milestone", "start", "end", "hours", "because", "unlocks"} <= set(plan["items"][0])
    assert plan["forecast"]["p10_months"] <= plan["forecast"]["p50_months"] <= plan["forecast"]["p90_months"]
    assert plan["request"]["by"] == "2031-06-30"
    again = walker(*PLAN, "--json").json
    assert again["id"] == plan["id"]
    assert walker("path", "plans", "--json").json["plans"][0]["id"] == plan["id"]
    assert walker("path", "plans", plan["id"], "--json").json["items"] == plan["items"]


def test_what_a_plan_was_asked_with_is_the_profile_from_then_on_unless_it_is_only_tried(
    walker: House,
) -> None:
    before = walker("path", "profile", "--json").json
    assert (before["background"], before["target"], before["by"]) == (
        "product-manager", "ai-product-manager", "2031-06-30",
    )  # fmt: skip
    tried = walker("path", "plan", "--hours", "20", "--dry-run", "--json").json
    assert tried["stored"] is False
    assert walker("path", "profile", "--json").json == before
    assert tried["id"] not in [p["id"] for p in walker("path", "plans", "--json").json["plans"]]


def test_the_forecast_says_in_plain_words_that_no_pace_is_known_yet(walker: House) -> None:
    flat = " ".join(walker("path", "forecast").out.split())
    assert flat.startswith("Likely between")
    assert "Your pace is not known yet" in flat
    assert walker("path", "forecast", "--json").json["pace"]["n"] == 0


# -- the catalogue --------------------------------------------------------------------------------------------------
def test_roles_are_searched_and_set_side_by_side(walker: House) -> None:
    found = walker("path", "roles", "kubernetes", "--json").json["roles"]
    assert [r["id"] for r in found] == ["mlops-engineer"]
    both = walker("path", "role", "ml engineer", "--against", "data scientist", "--json").json
    assert both["overlap"] > 0
    assert "python-engineering" in both["skills"]["both"]
    text = walker("path", "role", "ml engineer", "--against", "data scientist").out
    assert "ml-engineer" in text
    assert "of their skills are the same" in " ".join(text.split())
    assert "6 to 12 months" in walker("path", "role", "ml engineer").out


def test_every_fact_is_listed_with_its_origin_and_source(walker: House) -> None:
    facts = walker("path", "facts", "--json").json["facts"]
    assert len(facts) > 200
    assert all(f["left_out"] or (f["says"] and f["origin"] in ("stated", "inferred", "ours")) for f in facts)
    one = walker("path", "facts", "job-data-share").out
    assert "60 to 70 percent" in one
    assert "stated by seed-any-background-to-ai" in one


@pytest.mark.parametrize("words", ["skills", "milestones", "actions", "resources", "kinds", "kinds release"])
def test_what_there_is_can_be_listed(walker: House, words: str) -> None:
    assert walker("path", *words.split()).out
    assert walker("path", *words.split(), "--json").json


def test_a_file_of_a_team_is_checked_and_its_mistake_named_with_the_line(
    walker: House, tmp_path: Path
) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(
        "skills:\n  - id: our-desk\n    title: Our desk\n    summary: How our desk works.\n    stage: foundations\n"
        "    hours: {p10: 1, p50: 2, p90: 3}\n"
    )
    bad.write_text("skills:\n  - id: our-desk\n    titel: Our desk\n")
    assert walker("path", "catalogue", "check", good).code == 0
    done = walker("path", "catalogue", "check", bad)
    assert done.code == 1
    assert "line 3" in done.out
    assert walker("path", "catalogue", "check", bad, "--json").json["problems"]
    assert walker("path", "catalogue", "check", tmp_path / "none.yaml").code == 2
    assert walker("path", "catalogue", "show").code == 0
    assert walker("path", "catalogue", "schema", "--json").json["title"]


# -- labs and proofs ------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def proven(walker: House) -> str:
    """Do the lab of the first documents as its task says; return the id of its proof."""
    begun = walker("path", "lab", "first-documents")
    assert begun.code == 0
    assert "labs/first_documents/task.md" in begun.out
    assert "groundwork path verify" in begun.out
    step = walker("path", "next", "--json").json
    assert (step["kind"], step["run"]["lab"]) == ("lab", "first-documents")
    assert "draw" not in step["run"]
    early = walker("path", "verify")
    assert early.code == 1
    assert "not yet" in early.out
    assert walker("path", "hint").out.strip()
    documents = walker.root / "labs" / "first_documents" / "documents"
    for spare in (documents.parent / "spare").iterdir():
        walker("ingest", documents, "--index", "lab-documents")
        (documents / spare.name).write_bytes(spare.read_bytes())
    next(documents.glob("*.pdf")).unlink()
    walker("ingest", documents, "--index", "lab-documents")
    next(documents.glob("old-*")).unlink()
    walker("ingest", documents, "--index", "lab-documents")
    for key, value in _right(walker).items():
        assert walker("path", "answer", key, value).code == 0
    done = walker("path", "verify", "--json")
    assert done.code == 0, done.out
    return str(done.json["proof"])


def _right(house: House) -> dict[str, str]:
    """Return what the sheet of the first documents has to say; it was drawn, and no command shows it."""
    from groundwork.app.workspace import Workspace
    from groundwork.core.principal import LOCAL
    from groundwork.pathways.labs.task import find_lab, sheets

    with Workspace.open(house.root) as workspace:
        draw = workspace.pathways.labs.show(LOCAL, "first-documents").draw or {}
    return {sheet.key: str(sheet.right) for sheet, _ in sheets(find_lab("first-documents").points(draw))}


def test_a_passed_lab_is_a_proof_that_opens_its_records(walker: House, proven: str) -> None:
    shown = walker("path", "proofs", proven, "--json").json
    assert (shown["state"], shown["subject"]) == ("current", "first-documents")
    assert all(f["state"] == "same" and f["command"] and f["address"] for f in shown["found"])
    assert "tamper-evident, not tamper-proof" in " ".join(walker("path", "proofs").out.split())
    assert walker("path", "proofs", proven, "--envelope", "--json").json["payload"]
    assert walker("path", "check", "document-ingestion").code == 0
    assert walker("path", "progress", "--json").json["labs_passed"] == 1
    assert walker("path", "forecast", "--json").json["pace"]["n"] == 1
    assert "By 1 finished lab" in walker("path", "forecast").out


def test_a_portfolio_is_written_and_checked_offline_and_a_forged_one_is_told(
    walker: House, proven: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folio = tmp_path / "folio"
    wrote = walker("path", "export", folio, "--name", "Ann Example", "--json")
    assert (wrote.code, wrote.json["proofs"]) == (0, 1), wrote.out
    monkeypatch.chdir(tmp_path)  # no workspace here
    assert call("path", "verify", folio).code == 0
    _forged(Path(wrote.json["bundle"]), tmp_path / "forged")
    done = call("path", "verify", tmp_path / "forged")
    assert done.code == 1
    assert "does not hold" in done.out


def _forged(bundle: Path, folder: Path) -> None:
    """Unpack a bundle with the title of a lab changed in its records."""
    import zipfile

    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(folder)
    file = folder / "records.json"
    file.write_text(file.read_text().replace("lab-documents", "my-documents"))


def test_another_workspace_puts_its_name_to_proofs(walker: House, proven: str, tmp_path: Path) -> None:
    folio, signed = tmp_path / "folio", tmp_path / "signed.json"
    assert walker("path", "export", folio, "--name", "Ann Example").code == 0
    mentor = House(tmp_path / "mentor")
    assert mentor("path", "cosign", folio).code == 2
    assert mentor("path", "cosign", folio, "--name", "Bob, a mentor", "--output", signed).code == 0
    assert walker("path", "cosign", folio, "--name", "Myself").code == 2
    assert walker("path", "cosign", signed, "--add").code == 0
    [line] = [p for p in walker("path", "proofs", "--json").json["proofs"] if p["cosigners"]]
    assert (line["grade"], line["cosigners"]) == ("co_signed", ["Bob, a mentor"])


def test_a_portfolio_with_a_secret_is_not_written_and_exits_with_1(walker: House, tmp_path: Path) -> None:
    folio = tmp_path / "folio"
    done = walker("path", "export", folio, "--name", "Ann", "--summary", "my key is sk-proj-" + "a1B2" * 12)
    assert done.code == 1
    assert "nothing was written" in done.out
    assert not folio.exists() or not any(folio.iterdir())


# -- what people say ------------------------------------------------------------------------------------------------
def test_a_quiz_without_a_terminal_shows_its_questions_and_takes_letters(walker: House) -> None:
    drawn = walker("path", "quiz", "ethics", "--json").json
    assert "--answers" in walker("path", "quiz", "ethics").out
    letters = ",".join("a" for _ in drawn["questions"])
    done = walker("path", "quiz", "ethics", "--answers", letters, "--json")
    assert done.code == (0 if done.json["passed"] else 1)
    assert done.json["id"] == drawn["id"]
    line = next(q for q in walker("path", "quiz", "--json").json["quizzes"] if q["id"] == "ethics")
    assert line["taken"] == 1
    assert walker("path", "quiz", "ethics", "--json").json["id"] != drawn["id"]


def test_in_a_terminal_a_quiz_asks_again_until_an_option_is_typed(
    walker: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal("zebra\n" + "a\n" * 9))
    done = walker("path", "quiz", "data-basics")
    assert done.code in (0, 1)
    assert " of 5, " in done.out


def test_what_is_attested_counts_apart_and_proves_nothing(walker: House) -> None:
    before = walker("path", "progress", "--json").json["counts"]
    assert walker("path", "check", "d30-communities").code == 1
    said = walker("path", "attest", "d30-communities", "--statement", "I joined two.", "--json").json
    assert walker("path", "check", "d30-communities").code == 1
    assert walker("path", "check", "d30-communities", "--json").json["state"] == "attested"
    after = walker("path", "progress", "--json").json["counts"]
    assert after["actions_attested"] == before["actions_attested"] + 1
    assert after["actions_proven"] == before["actions_proven"]
    assert walker("path", "attest", "--withdraw", said["id"]).code == 0
    assert walker("path", "check", "d30-communities", "--json").json["state"] == "open"


def test_a_reflection_is_kept_for_oneself_and_forgotten_on_request(walker: House) -> None:
    note = walker("path", "reflect", "reflect-domain", "--text", "I know hospitals.", "--json").json
    assert "I know hospitals." in walker("path", "reflect").out
    assert walker("path", "reflect", "--forget", note["id"]).code == 0
    assert json.dumps(walker("path", "reflect", "--json").json).count("hospitals") == 0


def test_the_shell_completes_roles_labs_and_subjects() -> None:
    from groundwork.cli import path_words

    assert "ai-systems-engineer" in path_words.targets("ai-s")
    assert path_words.labs("first-c") == ["first-cited-answer"]
    assert "y1-first-rag-app" in path_words.subjects("y1-")
    assert "cloud-platform-engineer" in path_words.backgrounds("cloud")


def test_every_kind_of_record_behind_a_proof_has_the_command_that_shows_it() -> None:
    from typer.main import get_command

    from groundwork.app.pathway_documents import COMMANDS
    from groundwork.cli import root
    from groundwork.evidence.records import KINDS

    assert set(COMMANDS) == set(KINDS.names())
    group = get_command(root.app)
    context = group.make_context("groundwork", [], resilient_parsing=True)
    for command in filter(None, COMMANDS.values()):
        _, word, *rest = command.split()
        found = group.get_command(context, word)
        assert found is not None, command
        below = getattr(found, "commands", None)
        assert below is None or rest[0] in below, command
