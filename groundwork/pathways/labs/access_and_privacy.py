"""Notes about people that everybody can read, an inbox with their data in it, and somebody who wants to be forgotten.

Who has to be forgotten, what notes mention them, which of the letters hold personal data and which group may read the notes
are drawn. What is erased is seen in the records: documents that are gone, and answers that lost their texts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from groundwork.pathways.labs import Bench, Point, Sheet

NAME = "lab-people"
DATASET = "lab-inbox"
MODEL = "lab-people-model"
GROUPS = ("payroll", "board", "hr", "works-council")
FIRST = (
    "Anna",
    "Bela",
    "Carla",
    "Dario",
    "Edda",
    "Fiona",
    "Goran",
    "Hanna",
    "Ilja",
    "Jonas",
    "Katja",
    "Luis",
)
LAST = (
    "Berger",
    "Castell",
    "Dorn",
    "Eibl",
    "Falk",
    "Gruber",
    "Hartl",
    "Imhof",
    "Jansen",
    "Kern",
    "Lorenz",
    "Moser",
)
STAFF, LETTERS, PERSONAL = 4, 9, (2, 3, 4)
_LETTERS = (
    "When does the market open in winter?",
    "The street lamp in front of the school is broken.",
    "May I plant a tree in front of my house?",
    "How do I order a second bin?",
    "The playground by the river is lovely, thank you.",
    "Is the library open on Saturdays?",
    "Who clears the snow on the bridge?",
    "Where do I find the lost property office?",
    "Can dogs go into the town forest?",
)
_TRACES = (
    "Please answer to {mail}.",
    "You can call me on {phone}.",
    "The money goes to {account}.",
)


class AccessAndPrivacy:
    """Give notes about people to those who need them, keep their data out of a golden set, and forget somebody for good."""

    title = "Guard what is about people, and forget somebody"
    summary = (
        "Set an access list, take personal data out of a golden set, and erase a person wherever they stand."
    )
    minutes = 40
    skills: Sequence[str] = ("data-ethics-and-privacy",)
    milestones: Sequence[str] = ("y1-ethics", "y3-ethics")
    after: Sequence[str] = ("first-documents",)
    stream = "ethical"
    test_out = True

    def draw(self, random: Random) -> dict[str, Any]:
        firsts, lasts = random.sample(FIRST, STAFF), random.sample(LAST, STAFF)
        people = [f"{a} {b}" for a, b in zip(firsts, lasts, strict=True)]
        wages = random.sample(range(2100, 6900), STAFF)
        person, other = random.sample(range(STAFF), 2)
        chosen = sorted(random.sample(range(LETTERS), random.choice(PERSONAL)))
        return {
            "people": people,
            "wages": wages,
            "person": people[person],
            "slug": _slug(people[person]),
            "other": people[other],
            "group": random.choice(GROUPS),
            "notice": random.choice(("ferry", "fair", "fountain", "orchestra")),
            "year": random.randint(2016, 2024),
            "personal": " ".join(f"letter-{n + 1}" for n in chosen),
            "letters": [
                _letter(random, n, n in chosen, people) for n in random.sample(range(LETTERS), LETTERS)
            ],
        }

    def prepare(self, bench: Bench, draw: Mapping[str, Any]) -> None:
        for name, text in _documents(draw).items():
            bench.write(f"documents/{name}", text)
        bench.spec(_spec(draw))
        bench.ingest(NAME)
        bench.dataset(DATASET, draw["letters"])
        for question in (
            _wage_question(draw["person"]),
            _notice_question(draw),
            _wage_question(draw["other"]),
        ):
            bench.ask(NAME, question)

    def points(self, draw: Mapping[str, Any]) -> Sequence[Point]:
        after, before = {"after": "$lab.started_at"}, {"before": "$lab.started_at"}
        group = f"group:{draw['group']}"
        slug = draw["slug"]
        return (
            Point(
                "guarded",
                f"The notes about staff open for `{group}` alone",
                worth=2,
                check={
                    "all": [
                        {
                            "find": "document",
                            "where": {"index": NAME, "state": "indexed", "access": {"has": group}},
                            "count": {"at_least": STAFF - 1, "at_most": STAFF},
                            "because": f"the notes in `staff` do not open for `{group}` yet, or other pages do, too",
                            "do": f"groundwork ingest labs/access_and_privacy/documents --index {NAME}",
                        },
                        {
                            "find": "document",
                            "where": {"index": NAME, "state": "indexed", "access": {"has": "public"}},
                            "count": {"at_least": 1, "at_most": 2},
                            "because": "the notices of the town have to stay open to everybody, and the notes must not",
                            "do": f"groundwork knowledge documents --index {NAME}",
                        },
                    ]
                },
            ),
            Point(
                "need_to_know",
                "Who belongs to the group gets an answer from the notes, and a visitor gets none",
                worth=2,
                check={
                    "all": [
                        {
                            "find": "answer",
                            "where": {
                                "app": NAME,
                                "access": {"has": group},
                                "abstained": False,
                                "citations": {"at_least": 1},
                                "at": after,
                            },
                            "because": f"nobody of `{group}` has asked and got an answer",
                            "do": f'groundwork ask "{_wage_question(draw["other"])}" --app {NAME} --as {group}',
                        },
                        {
                            "find": "answer",
                            "where": {
                                "app": NAME,
                                "access": {"has": "group:visitors"},
                                "abstained": True,
                                "at": after,
                            },
                            "because": "no visitor has asked and been told nothing",
                            "do": f'groundwork ask "{_wage_question(draw["other"])}" --app {NAME} --as group:visitors',
                        },
                    ]
                },
            ),
            Point(
                "scanned",
                "You name the letters in which personal data stands",
                sheet=Sheet("letters", draw["personal"]),
                hint=f"`groundwork dataset check {DATASET}` finds them; write them by number, such as `letter-2 letter-5`",
            ),
            Point(
                "cleaned",
                "The newest version of the golden set is free of personal data, and no other version is left",
                worth=2,
                check={
                    "all": [
                        {
                            "find": "dataset",
                            "where": {
                                "name": DATASET,
                                "personal": 0,
                                "examples": LETTERS - len(draw["personal"].split()),
                                "at": after,
                            },
                            "because": "no version has all the letters but those with personal data",
                            "do": f"groundwork dataset remove {DATASET} EXAMPLE",
                        },
                        {
                            "find": "dataset",
                            "where": {"name": DATASET, "personal": {"above": 0}},
                            "count": {"at_most": 0},
                            "because": "an earlier version still holds the letters that you took out",
                            "do": f"groundwork dataset delete {DATASET}@NUMBER --yes",
                        },
                    ]
                },
            ),
            Point(
                "forgotten",
                f"{draw['person']} is forgotten: in the documents, in every snapshot, and in the answers",
                worth=3,
                check={
                    "all": [
                        {
                            "find": "answer",
                            "where": {"app": NAME, "redacted": True, "at": before},
                            "count": {"at_least": 2},
                            "because": "answers that were made of pages about this person still have their texts",
                            "do": f"groundwork knowledge erase staff/{slug}.md --index {NAME}",
                        },
                        {
                            "find": "answer",
                            "where": {"app": NAME, "redacted": False, "at": before},
                            "because": f"the answer about {draw['other']} lost its text, too; nobody asked for that",
                            "do": "groundwork path reset",
                        },
                        {
                            "find": "document",
                            "where": {"index": NAME, "state": "indexed"},
                            "count": {"at_least": STAFF, "at_most": STAFF},
                            "because": "not just the pages that name this person are gone; there are two",
                            "do": f'groundwork search "{draw["person"]}" --index {NAME}',
                        },
                    ]
                },
            ),
        )

    def hints(self, draw: Mapping[str, Any]) -> Sequence[str]:
        return (
            "Access lists stand in the spec, by pattern of a page's path, and count from the next ingest on.",
            f'In `[indexes.{NAME}]` of the lab\'s groundwork.toml: `access = {{ "*staff/*" = ["group:{draw["group"]}"] }}`.',
            "A golden set keeps its earlier versions: what was taken out still stands there until that version is deleted.",
            f"{draw['person']} stands in `staff/{draw['slug']}.md` and in `notices/{draw['notice']}.md`. Erase both.",
        )


def _slug(person: str) -> str:
    return person.lower().replace(" ", "-")


def _documents(draw: Mapping[str, Any]) -> dict[str, str]:
    pages = {
        f"staff/{_slug(person)}.md": f"# {person}\n\n{_wage(person, wage)}\n"
        for person, wage in zip(draw["people"], draw["wages"], strict=True)
    }
    pages[f"notices/{draw['notice']}.md"] = f"# Notice\n\n{_notice(draw)}\n"
    pages["notices/bridge.md"] = "# Notice\n\nThe bridge is closed on the first Monday of every month.\n"
    return pages


def _wage(person: str, wage: int) -> str:
    return f"{person} earns {wage} euros a month."


def _wage_question(person: str) -> str:
    return f"How many euros a month does {person} earn?"


def _notice(draw: Mapping[str, Any]) -> str:
    return f"The {draw['notice']} was looked after by {draw['person']} in {draw['year']}."


def _notice_question(draw: Mapping[str, Any]) -> str:
    return f"Who looked after the {draw['notice']} in {draw['year']}?"


def _letter(random: Random, n: int, personal: bool, people: Sequence[str]) -> dict[str, Any]:
    said = _LETTERS[n]
    if personal:
        name = _slug(random.choice(people)).replace("-", ".")
        values = {
            "mail": f"{name}@town.example",
            "phone": f"+49 170 {random.randint(1000000, 9999999)}",
            "account": "DE89 3704 0044 0532 0130 00",
        }
        said = f"{said} {random.choice(_TRACES).format(**values)}"
    return {
        "id": f"letter-{n + 1}",
        "input": said,
        "expected": "It goes to the office in charge.",
        "split": "test",
    }


def _spec(draw: Mapping[str, Any]) -> dict[str, Any]:
    said = [_wage(p, w) for p, w in zip(draw["people"], draw["wages"], strict=True)]
    rules = [{"when": sentence, "text": f"{sentence} [1]"} for sentence in (*said, _notice(draw))]
    script = {"rules": rules, "replies": ["NO ANSWER"]}
    return {
        "indexes": {NAME: {"backend": "memory", "chunker": "whole", "embedder": "none"}},
        "providers": {
            MODEL: {
                "kind": "scripted",
                "options": {"scripts": {"reader": script}},
                "models": {"reader": {}},
            }
        },
        "apps": {
            NAME: {
                "index": NAME,
                "strategy": "lexical",
                "passages": 1,
                "model": f"{MODEL}/reader",
                "fallback": "none",
            }
        },
    }


plugin = AccessAndPrivacy
