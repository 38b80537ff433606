"""An export is a site, a resume, badges and a bundle; equal contents give equal bytes; what is not ours is left alone."""

from __future__ import annotations

import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from sqlalchemy import select

from groundwork.core.errors import ConflictError, InvalidInputError
from groundwork.pathways.portfolio.resume import refuse_invalid
from groundwork.storage.pathway_tables import portfolio_exports
from tests.pathways.portfolio.house import House, house


def test_an_export_writes_everything_and_is_kept_as_a_record(here: House, tmp_path: Path) -> None:
    out = tmp_path / "out"
    report = here.portfolio.export(here.who, out)
    assert (report.proofs, report.stale, report.forged, report.systems, report.stopped) == (
        3,
        0,
        0,
        ("default",),
        (),
    )
    there = sorted(str(p.relative_to(out)) for p in out.rglob("*") if p.is_file())
    assert tuple(there) == report.files
    proof = here.proofs.list(here.who)[0].proof.id
    for path in (
        "index.html",
        "proofs.html",
        "systems/default.html",
        "resume.json",
        "bundle.zip",
        f"credentials/{proof}.svg",
    ):
        assert path in there
    with here.workspace.rooms.database.read() as connection:
        row = connection.execute(select(portfolio_exports)).one()
    assert row.id.startswith("exp_")
    assert row.record["proofs"] == 3
    assert row.record["systems"] == ["default"]


def test_equal_contents_at_an_equal_time_give_equal_bytes(here: House, tmp_path: Path) -> None:
    def files(folder: Path) -> dict[str, bytes]:
        here.portfolio.export(here.who, folder)
        return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}

    assert files(tmp_path / "a") == files(tmp_path / "b")


def test_the_pages_hold_no_script_and_ask_nobody_for_anything(here: House, tmp_path: Path) -> None:
    write_readme(
        here,
        "# Title\n\n![a chart](https://example.org/x.png) and [a link](https://example.org)\n\n<script>x</script>\n",
    )
    here.portfolio.export(here.who, tmp_path / "out")
    for page in (tmp_path / "out").rglob("*.html"):
        text = page.read_text()
        looked = _Looked()
        looked.feed(text)
        assert not looked.asking, (page, looked.asking)
        assert "default-src 'none'" in html.unescape(text)
        assert looked.tags.count("main") == looked.tags.count("h1") == looked.tags.count("title") == 1
        assert looked.steps_down(), "no level of headings is left out"
        assert not looked.unclosed
    page = (tmp_path / "out/systems/default.html").read_text()
    assert "&lt;script&gt;x" in page
    assert "a chart" in page
    assert "<h3>Title</h3>" in page


def test_a_systems_page_shows_its_facts_releases_and_use(here: House, tmp_path: Path) -> None:
    write_readme(here, "It answers questions about **leave**.")
    here.portfolio.export(here.who, tmp_path / "out")
    text = _plain((tmp_path / "out/systems/default.html").read_text())
    for words in (
        "It answers questions about leave.",
        "Documents 3",
        "default@2",
        "two days more",
        "2 answers",
        "made by the owner 2 of 2",
        "Snapshot",
    ):
        assert words in text, words
    assert "28 days" not in text
    assert "How many days" not in text, "nothing of questions or documents unless it is chosen"


def test_answers_are_shown_only_where_they_were_chosen(here: House, tmp_path: Path) -> None:
    chosen = here.answer_ids()[0]
    here.portfolio.export(here.who, tmp_path / "out", include_questions=[chosen])
    text = (tmp_path / "out/systems/default.html").read_text()
    assert "How many days of paid leave" in text
    assert "Who approves flights" not in text
    with pytest.raises(InvalidInputError, match="no answer"):
        here.portfolio.export(here.who, tmp_path / "other", include_questions=["ans_nothing"])


def test_proven_declared_and_attested_skills_stand_apart(here: House, tmp_path: Path) -> None:
    here.notes.attest(here.who, "teaching", "Taught a course of six evenings", "https://example.org/course")
    here.portfolio.export(here.who, tmp_path / "out")
    text = _plain((tmp_path / "out/index.html").read_text())
    parts = re.split(
        r"(?=Skills that records prove|Skills that are declared|What is attested|Timeline)", text
    )
    by_title = {part.split(" ")[0] + part.split(" ")[2]: part for part in parts[1:]}
    proven, declared, attested = (
        next(p for p in parts if p.startswith(t)) for t in ("Skills that rec", "Skills that are d", "What is")
    )
    assert "Skill of First release" in proven
    assert "verified here" in proven
    assert "Python" in declared
    assert "Python" not in proven
    assert "Taught a course" in attested
    assert "Taught" not in proven + declared, by_title
    levels = {s["name"]: s["level"] for s in json.loads((tmp_path / "out/resume.json").read_text())["skills"]}
    assert levels["Skill of First release"] == "proven by records"
    assert (levels["Python"], levels["Teaching"]) == ("declared", "attested")


def test_the_resume_is_valid_json_resume(here: House, tmp_path: Path) -> None:
    choices = {
        "email": "ann@example.org",
        "url": "https://example.org/ann",
        "address": "https://example.org/p/",
        "label": "Engineer",
    }
    report = here.portfolio.export(here.who, tmp_path / "out", **choices)  # type: ignore[arg-type]
    assert not report.stopped, "what the owner chose to publish stops nothing"
    resume = json.loads((tmp_path / "out/resume.json").read_text())
    refuse_invalid(resume)
    assert resume["basics"] == {
        "name": "Ann Example",
        "email": "ann@example.org",
        "label": "Engineer",
        "url": "https://example.org/ann",
    }
    assert resume["meta"]["canonical"] == "https://example.org/p/resume.json"
    assert resume["projects"][0]["url"] == "https://example.org/p/systems/default.html"
    with pytest.raises(Exception, match="not valid"):
        refuse_invalid({**resume, "another": 1})


def test_a_second_export_replaces_the_first_and_leaves_the_rest_alone(here: House, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / ".git").mkdir(parents=True)
    (out / ".git/config").write_text("mine")
    here.portfolio.export(here.who, out)
    gone = out / "credentials/old.svg"
    gone.write_text("<svg/>")
    listed = json.loads((out / "export.json").read_text())
    from groundwork.core.digest import digest_bytes

    (out / "export.json").write_text(
        json.dumps({**listed, "credentials/old.svg": digest_bytes(b"<svg/>"), "../x": "y"})
    )
    here.portfolio.export(here.who, out)
    assert not gone.exists()
    assert (out / ".git/config").read_text() == "mine"


def test_files_of_somebody_else_are_not_overwritten(here: House, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "index.html").write_text("mine")
    with pytest.raises(ConflictError, match="not of an earlier export"):
        here.portfolio.export(here.who, out)
    assert [p.name for p in out.iterdir()] == ["index.html"]
    with pytest.raises(InvalidInputError, match="is a file"):
        here.portfolio.export(here.who, out / "index.html")


@pytest.mark.parametrize(
    "choices",
    [
        {"systems": ["nothing"]}, {"url": "javascript:alert(1)"}, {"email": "nobody"}, {"address": "http://example.org"},
        {"domain": "not a domain"}, {"label": "x" * 3000}, {"name": "two\nlines"},
    ],
)  # fmt: skip
def test_a_choice_that_makes_no_sense_is_refused_before_anything_is_written(
    here: House, tmp_path: Path, choices: dict[str, object]
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        here.portfolio.export(here.who, tmp_path / "out", **choices)  # type: ignore[arg-type]
    assert caught.value.hint
    assert not (tmp_path / "out").exists()


def test_a_person_without_anything_exports_an_honest_page(tmp_path: Path) -> None:
    made = house(tmp_path / "home")
    made.way.skills, made.way.said = {}, type(made.way.said)()
    report = made.portfolio.export(made.who, tmp_path / "out", systems=[])
    assert (report.proofs, report.systems) == (0, ())
    text = _plain((tmp_path / "out/index.html").read_text())
    assert "The owner of this portfolio" in text
    assert "No system has a release yet." in text
    made.workspace.close()


def test_a_readme_that_leads_out_of_the_workspace_is_refused(here: House, tmp_path: Path) -> None:
    outside = tmp_path / "outside.md"
    outside.write_text("secret plans")
    folder = here.workspace.root / "portfolio"
    folder.mkdir()
    (folder / "default.md").symlink_to(outside)
    with pytest.raises(InvalidInputError, match="leads out"):
        here.portfolio.export(here.who, tmp_path / "out")


def test_the_colours_of_the_site_have_enough_contrast_in_light_and_dark() -> None:
    from importlib.resources import files

    style = files("groundwork.pathways.portfolio").joinpath("templates/style.css").read_text()
    for block in re.findall(r":root\{([^}]*)\}", style):
        colours = dict(re.findall(r"--(\w+):(#[0-9a-f]{6})", block))
        for name in ("ink", "soft", "accent", "good", "warn"):
            assert _contrast(colours[name], colours["paper"]) >= 4.5, (name, colours)


def write_readme(here: House, text: str) -> None:
    folder = here.workspace.root / "portfolio"
    folder.mkdir(exist_ok=True)
    (folder / "default.md").write_text(text)


def _contrast(one: str, other: str) -> float:
    """WCAG 2.2, relative luminance."""
    lights = []
    for colour in (one, other):
        parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        lights.append(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])
    return (max(lights) + 0.05) / (min(lights) + 0.05)


def _plain(page: str) -> str:
    body = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body)).replace(" .", ".")


class _Looked(HTMLParser):
    """Collects what a page would ask for, its tags and its headings."""

    EMPTY = ("meta", "br", "link", "img", "input", "hr", "line", "circle", "rect")

    def __init__(self) -> None:
        super().__init__()
        self.asking: list[str] = []
        self.tags: list[str] = []
        self.headings: list[int] = []
        self.unclosed: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        values = dict(attrs)
        if tag in ("script", "iframe", "object", "embed", "img", "link", "form", "video", "audio", "base"):
            self.asking.append(tag)
        self.asking += [
            f"{tag} {name}" for name in values if name in ("src", "srcset", "style") or name.startswith("on")
        ]
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in self.EMPTY:
            self.unclosed.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.unclosed.pop() == tag

    def steps_down(self) -> bool:
        return all(b <= a + 1 for a, b in zip([0, *self.headings], self.headings, strict=False))
