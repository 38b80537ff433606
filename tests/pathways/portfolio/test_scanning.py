"""Whatever must not leave stops the export: every planted secret and personal datum, in every place, in every disguise."""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import select, update

from groundwork.pathways.portfolio.scanning import scan
from groundwork.storage.improvement_tables import releases
from groundwork.storage.pathway_tables import portfolio_exports
from tests.pathways.portfolio.house import House
from tests.pathways.portfolio.test_export import write_readme

_random = random.Random(7)


def _made(alphabet: str, n: int) -> str:
    return "".join(_random.choice(alphabet) for _ in range(n - 2)) + "a1"


_WORD = string.ascii_letters + string.digits
_LOW = string.ascii_lowercase + string.digits
_JWT = ".".join(
    base64.urlsafe_b64encode(x).rstrip(b"=").decode()
    for x in (b'{"alg":"HS256"}', b'{"sub":"12345678"}', b"s" * 32)
)
SECRETS = {
    "OpenAI": f"sk-proj-{_made(_WORD, 48)}",
    "Anthropic": f"sk-ant-api03-{_made(_WORD, 80)}",
    "Stripe": f"sk_live_{_made(_WORD, 24)}",
    "Groq": f"gsk_{_made(_WORD, 48)}",
    "xAI": f"xai-{_made(_WORD, 60)}",
    "Perplexity": f"pplx-{_made(_WORD, 48)}",
    "Google": f"AIza{_made(_WORD, 35)}",
    "Hugging Face": f"hf_{_made(string.ascii_letters, 34)}",
    "Replicate": f"r8_{_made(_WORD, 37)}",
    "GitHub": f"ghp_{_made(_WORD, 36)}",
    "GitHub, fine-grained": f"github_pat_{_made(_WORD, 60)}",
    "GitLab": f"glpat-{_made(_WORD, 20)}",
    "Slack": f"xoxb-{_made(string.digits, 12)}-{_made(_WORD, 24)}",
    "npm": f"npm_{_made(_WORD, 36)}",
    "PyPI": f"pypi-{_made(_WORD, 80)}",
    "SendGrid": f"SG.{_made(_WORD, 22)}.{_made(_WORD, 43)}",
    "AWS id": f"AKIA{''.join(_random.choice(string.ascii_uppercase + string.digits) for _ in range(16))}",
    "AWS secret": f"aws_secret_access_key = {_made(_WORD, 40)}",
    "Groundwork": f"gw_{_made(_WORD, 40)}",
    "JWT": _JWT,
    "bearer": f"Authorization: Bearer {_made(_WORD, 40)}",
    "password": "password: hunter2hunter2",
    "password in an address": "postgresql://ann:s3cretpw@db.example.org/x",
    "client secret": f"client_secret={_made(_WORD, 32)}",
    "Slack hook": f"https://hooks.slack.com/services/T0{_made(_WORD, 8)}/B0{_made(_WORD, 8)}/{_made(_WORD, 24)}",
}
BLOCK = (
    f"-----BEGIN RSA PRIVATE KEY-----\n{_made(_WORD, 64)}\n{_made(_WORD, 64)}\n-----END RSA PRIVATE KEY-----"
)
PERSONAL = {
    "e-mail": "write to bob.builder@example.com please",
    "phone": "call +49 151 23456789",
    "US phone": "call (415) 555-2671",
    "IBAN": "pay to DE89 3704 0044 0532 0130 00",
    "card": "card 4111 1111 1111 1111",
    "IP address": "from 192.168.17.23",
    "SSN": "SSN 536-22-1234",
    "DNI": "DNI 12345678Z",
    "NIE": "NIE X1234567L",
    "Steuer-ID": "Steuer-ID 86095742719",
    "NIR": "NIR 255081416802538",
    "PESEL": "PESEL 44051401359",
    "BSN": "BSN 111222333",
    "Aadhaar": "Aadhaar 2341 2341 2346",
    "NINO": "NINO QQ 12 34 56 C".replace("QQ", "AB"),
    "codice fiscale": "CF RSSMRA85T10A562S",
}
CANARIES = {**SECRETS, "private key": BLOCK, **PERSONAL}


@pytest.mark.parametrize("name", CANARIES)
def test_every_canary_is_found_and_never_told(name: str) -> None:
    canary = CANARIES[name]
    found = scan([("a place", f"Before it.\n\nThen {canary} in the text.\nAfter it.")])
    assert found, name
    assert all(s.place.startswith("a place") for s in found)
    told = json.dumps([[s.place, s.kind, s.advice] for s in found])
    assert not any(part in told for part in canary.split() if len(part) > 6)


DISGUISES: dict[str, Callable[[str], str]] = {
    "percent-encoded": lambda t: quote(t, safe=""),
    "entities": lambda t: "".join(f"&#{ord(c)};" for c in t),
    "invisible letters": lambda t: "​".join(t),
    "full-width letters": lambda t: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in t),
    "in JSON": lambda t: json.dumps({"x": t}),
    "in a tag": lambda t: f'<p title="{t}">x</p>',
}


@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_disguise_hides_nothing(disguise: str) -> None:
    for name in ("OpenAI", "GitHub", "AWS id", "e-mail", "IBAN", "card", "DNI", "PESEL"):
        assert scan([("x", DISGUISES[disguise](CANARIES[name]))]), (name, disguise)


def test_ordinary_numbers_names_and_digests_stop_nothing() -> None:
    ordinary = (
        "It has 12,345 documents, answers in 250 ms, and costs $0.0012 a question (n = 240, 0.81 to 0.87).",
        "Released default@2 on 2026-03-01T09:00:00+00:00; digest " + "0123456789abcdef" * 4,
        "The password policy says how long passwords are. Tokens are counted. The secret of it is patience.",
        "prf_01jd8v0q5h2k3m4n5p6q7r8s9t and did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK",
        "Version 1.2.3, section 4.5.6, order 1234567, 20260301, model gpt-4o-mini-2024-07-18",
    )
    assert scan([("x", text) for text in ordinary]) == []


def test_the_name_of_a_person_who_was_erased_is_found_as_a_word() -> None:
    found = scan([("x", "Thanks to Bob Builder."), ("y", "Bobsled")], names=["Bob Builder", "Bob"])
    assert [(s.place, s.kind) for s in found] == [("x", "name of a person who was erased")]


def test_what_the_owner_chose_to_publish_stops_nothing_and_nothing_near_it_passes() -> None:
    assert scan([("x", "ann@example.org")], allowed=["ann@example.org"]) == []
    assert scan([("x", "joann@example.org, ann@example.org.uk")], allowed=["ann@example.org"])


def _in_readme(here: House, text: str) -> None:
    write_readme(here, f"# About\n\n{text}\n")


def _in_a_note(here: House, text: str) -> None:
    with here.workspace.rooms.database.write() as connection:
        connection.execute(update(releases).where(releases.c.number == 1).values(note=text))


def _in_an_attestation(here: House, text: str) -> None:
    here.notes.attest(here.who, "teaching", text)


def _in_the_name(here: House, text: str) -> None:
    here.way.said = type(here.way.said)(name=" ".join(text.split()))


def _in_a_title(here: House, text: str) -> None:
    finding = here.workspace.pathways.checker.check(here.who, {"find": "answer"})
    here.proofs.record(here.who, "lab", "some-lab", finding, text)


def _in_a_value(here: House, text: str) -> None:
    from groundwork.evidence.types import Finding, Found

    finding = Finding("proven", "d" * 64, (Found("answer", here.answer_ids()[0], "e" * 64, {"model": text}),))
    here.proofs.record(here.who, "lab", "some-lab", finding)


PLACES = (_in_readme, _in_a_note, _in_an_attestation, _in_the_name, _in_a_title, _in_a_value)


@pytest.mark.parametrize("place", PLACES, ids=lambda p: p.__name__.strip("_"))
@pytest.mark.parametrize("name", ["Anthropic"])
def test_a_canary_in_any_place_stops_the_export_and_nothing_is_written(
    here: House, tmp_path: Path, place: Callable[[House, str], None], name: str
) -> None:
    canary = CANARIES[name]
    place(here, canary)
    report = here.portfolio.export(here.who, tmp_path / "out")
    assert report.stopped
    assert report.files == ()
    assert report.bundle == ""
    assert not (tmp_path / "out").exists()
    assert canary.split()[-1] not in json.dumps(report.as_dict())
    with here.workspace.rooms.database.read() as connection:
        assert connection.execute(select(portfolio_exports.c.id)).all() == []


def test_a_chosen_answer_is_looked_at_too(here: House, tmp_path: Path) -> None:
    from groundwork.storage.tables import answers

    chosen = here.answer_ids()[0]
    with here.workspace.rooms.database.write() as connection:
        connection.execute(
            update(answers).where(answers.c.id == chosen).values(text="Ask bob.builder@example.com")
        )
    report = here.portfolio.export(here.who, tmp_path / "out", include_questions=[chosen])
    assert [(s.place, s.kind) for s in report.stopped] == [(f"the answer {chosen}, text", "e-mail")]


def test_what_is_stopped_is_named_with_its_line(here: House, tmp_path: Path) -> None:
    write_readme(here, "# About\n\nIt answers.\n\nAsk bob.builder@example.com\n")
    report = here.portfolio.export(here.who, tmp_path / "out")
    assert [(s.place, s.kind) for s in report.stopped] == [("portfolio/default.md, line 5", "e-mail")]
    assert report.stopped[0].advice


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES, ids=lambda p: p.__name__.strip("_"))
@pytest.mark.parametrize("name", CANARIES)
def test_every_canary_in_every_place_stops_the_export(
    here: House, tmp_path: Path, place: Callable[[House, str], None], name: str
) -> None:
    place(here, CANARIES[name])
    assert here.portfolio.export(here.who, tmp_path / "out").stopped
    assert not (tmp_path / "out").exists()
