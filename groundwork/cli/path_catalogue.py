"""`groundwork path roles`, `skills`, `milestones`, `actions`, `resources`, `facts`, `kinds`, `catalogue`: what there is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from groundwork.app import pathway_documents as documents
from groundwork.cli import path_catalogue_view as view
from groundwork.cli import path_words as words
from groundwork.cli.door import Door, Reply
from groundwork.cli.path import UNCHANGED, app

if TYPE_CHECKING:
    from groundwork.pathways.catalogue.loaded import Loaded

WordsArgument = Annotated[
    list[str] | None, typer.Argument(metavar="[WORDS…]", help="Only those that have all of these words.")
]


@app.add("roles", interrupted=UNCHANGED)
def roles(
    door: Door,
    search: WordsArgument = None,
    all_: Annotated[
        bool, typer.Option("--all", help="Also where people start, and the backgrounds.")
    ] = False,
) -> Reply:
    """List the roles that one can plan for, with what they ask for; with words search among them."""
    loaded = _catalogue(door)
    asked = " ".join(search or ()).lower().split()
    found = [
        r
        for r in (loaded.catalogue.roles if all_ else loaded.targets())
        if _has(asked, r.id, r.title, r.focus, *r.aliases, *r.named_skills)
    ]
    backgrounds = [b for b in loaded.catalogue.backgrounds if all_ and _has(asked, b.id, b.title, *b.aliases)]
    document = {
        "roles": [documents.role_line(r, loaded) for r in found],
        "backgrounds": [b.model_dump(mode="json") for b in backgrounds],
        "catalogue": loaded.digest,
    }
    return Reply(document, lambda screen: view.roles(found, backgrounds, loaded, screen))


@app.add("role", interrupted=UNCHANGED)
def role(
    door: Door,
    name: Annotated[
        str,
        typer.Argument(
            metavar="ROLE",
            help="Its id or name: `ml engineer` will do.",
            show_default=False,
            autocompletion=words.roles,
        ),
    ],
    against: Annotated[
        str,
        typer.Option("--against", metavar="ROLE", help="Beside this other one.", autocompletion=words.roles),
    ] = "",
) -> Reply:
    """Show what a role asks for, from where people come and in what time; or two of them side by side."""
    loaded = _catalogue(door)
    one = loaded.role(name)
    if against:
        other = loaded.role(against)
        compared = documents.comparison(one, other, loaded)
        return Reply(compared, lambda screen: view.compared(one, other, loaded, screen))
    return Reply(documents.role_document(one, loaded), lambda screen: view.role(one, loaded, screen))


@app.add("skills", interrupted=UNCHANGED)
def skills(
    door: Door,
    search: WordsArgument = None,
    role_: Annotated[
        str,
        typer.Option(
            "--role", metavar="ROLE", help="Only what this role needs.", autocompletion=words.targets
        ),
    ] = "",
) -> Reply:
    """List the skills by stage: hours with their basis, what comes before, what proves them."""
    loaded = _catalogue(door)
    asked = " ".join(search or ()).lower().split()
    wanted = set(loaded.requirements(loaded.role(role_))[0]) if role_ else set(loaded.skills)
    found = [
        s
        for s in loaded.catalogue.skills
        if s.id in wanted and _has(asked, s.id, s.title, s.summary, s.stage)
    ]
    document = {
        "skills": [s.model_dump(mode="json") for s in found],
        "attributions": list(loaded.attributions),
    }
    return Reply(document, lambda screen: view.skills(found, loaded, screen))


@app.add("milestones", interrupted=UNCHANGED)
def milestones(door: Door) -> Reply:
    """List the milestones: what is built, what it proves, and which labs teach the way."""
    loaded = _catalogue(door)
    found = loaded.catalogue.milestones
    document = {"milestones": [m.model_dump(mode="json") for m in found]}
    return Reply(document, lambda screen: view.milestones(found, loaded, screen))


@app.add("actions", interrupted=UNCHANGED)
def actions(door: Door) -> Reply:
    """List the actions of the first ninety days, in three blocks of thirty."""
    loaded = _catalogue(door)
    found = loaded.catalogue.actions
    document = {"actions": [a.model_dump(mode="json") for a in found]}
    return Reply(document, lambda screen: view.actions(found, screen))


@app.add("resources", interrupted=UNCHANGED)
def resources(door: Door, search: WordsArgument = None) -> Reply:
    """List what to learn with: cost, hours, and when that was looked at. Nothing of it is copied or fetched."""
    loaded = _catalogue(door)
    asked = " ".join(search or ()).lower().split()
    found = [
        r
        for r in loaded.catalogue.resources
        if _has(asked, r.id, r.title, r.kind, r.provider, r.trait, r.cost_note)
    ]
    document = {"resources": [r.model_dump(mode="json") for r in found]}
    return Reply(document, lambda screen: view.resources(found, screen))


@app.add("facts", interrupted=UNCHANGED)
def facts(
    door: Door,
    id_: Annotated[
        str, typer.Argument(metavar="[FACT]", help="Show this one.", autocompletion=words.facts)
    ] = "",
    section: Annotated[
        str,
        typer.Option("--section", metavar="NAME", help="Only those of this section, such as `principles`."),
    ] = "",
) -> Reply:
    """List every fact of the founding documents: what it says, whose word it is, and where the product carries it."""
    loaded = _catalogue(door)
    if id_:
        one = loaded.fact(id_)
        return Reply(one.as_dict(), lambda screen: view.fact(one, loaded, screen))
    everything = loaded.facts()
    found = [f for f in everything if not section or f.section == section]
    if not found:
        from groundwork.core.errors import NotFoundError

        known = ", ".join(sorted({f.section for f in everything}))
        raise NotFoundError(f"no fact stands in a section `{section[:60]}`", hint=f"sections are {known}")
    document = {
        "facts": [f.as_dict() for f in found],
        "sources": [s.model_dump(mode="json") for s in loaded.catalogue.sources],
    }
    return Reply(document, lambda screen: view.facts(found, loaded, screen))


@app.add("kinds", interrupted=UNCHANGED)
def kinds(
    door: Door,
    name: Annotated[str, typer.Argument(metavar="[KIND]", help="Show this one with its fields.")] = "",
) -> Reply:
    """List the kinds of records that checks can ask about, with their fields: the language of a catalogue's checks."""
    with door.workspace() as workspace:
        everything = workspace.pathways.checker.kinds()
    found = [k for k in everything if not name or k.name == name]
    if not found:
        import difflib

        from groundwork.core.errors import NotFoundError

        near = difflib.get_close_matches(name, [k.name for k in everything], 3, 0.4)
        offered = ", ".join(f"`{n}`" for n in near)
        raise NotFoundError(
            f"no check can ask about a `{name[:60]}`",
            hint=f"did you mean {offered}?" if near else "`groundwork path kinds` lists them",
        )
    document = {"kinds": [documents.kind_document(k) for k in found]}
    return Reply(document, lambda screen: view.kinds(found, bool(name), screen))


@app.add("catalogue", interrupted=UNCHANGED)
def catalogue(
    door: Door,
    action: Annotated[
        str, typer.Argument(metavar="check|show|schema", help="What to do with it.", show_default=False)
    ],
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]", help="A file of yours; otherwise those in `pathways/` of the workspace."
        ),
    ] = None,
) -> Reply:
    """Check or show the catalogue in force: the shipped one with what the files in `pathways/` add or override.

    `check` exits with 1 when a file cannot be used, and says the line; `schema` prints the JSON Schema for an editor.
    """
    from groundwork.core.errors import InvalidInputError, NotFoundError

    if action == "schema":
        from groundwork.pathways.catalogue.schema import schema

        written = schema()
        return Reply(written, lambda screen: view.as_json(written))
    if action not in ("check", "show"):
        raise InvalidInputError(
            f"`{action[:40]}` is nothing to do with a catalogue", hint="say check, show or schema"
        )
    if file is not None:
        from groundwork.pathways.catalogue.book import in_force

        if not file.is_file():
            raise NotFoundError(f"there is no file {file}", hint="name a YAML file of a catalogue")
        loaded, problems = in_force(file.parent.name or ".", [file])
        places = [str(file)]
    else:
        with door.workspace() as workspace:
            book = workspace.pathways.catalogues
            loaded, problems = book.current(), tuple(book.problems())
            folder = workspace.root / "pathways"
            places = [f"pathways/{p.name}" for p in sorted(folder.glob("*.y*ml"))]
    document: dict[str, Any] = {
        "files": places,
        "problems": [p.as_dict() for p in problems],
        "digest": loaded.digest,
        "counts": documents.counts_of(loaded),
    }
    if action == "show":
        document["catalogue"] = loaded.content
        return Reply(document, lambda screen: view.shown(loaded, places, problems, screen))
    code = 1 if problems else 0
    return Reply(document, lambda screen: view.checked(loaded, places, problems, screen), code)


# -- below ----------------------------------------------------------------------------------------------------------
def _catalogue(door: Door) -> Loaded:
    """Return the catalogue in force; where there is no workspace yet, the one that comes with Groundwork."""
    from groundwork.core.errors import NoWorkspaceError

    try:
        with door.workspace() as workspace:
            return workspace.pathways.catalogues.current()
    except NoWorkspaceError:
        if door.directory is not None:
            raise
    from groundwork.pathways.catalogue.book import in_force

    return in_force("pathways", [])[0]


def _has(asked: list[str], *texts: str) -> bool:
    text = " ".join(texts).lower().replace("-", " ")
    return all(word.replace("-", " ") in text for word in asked)
