"""Before any model: files that cannot be read, a page that stands twice, questions that leak, data of people.

What is planted and how much of it is drawn: which files are broken and how, which page stands twice, how many questions
stand twice on one side of the split and how many on both, in how many a person can be told, and by what.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from groundwork.pathways.labs import Bench, Point, Sheet, _facts, _models, _names, _people

TOPICS, TESTED = 6, 6
BROKEN: Mapping[str, tuple[str, bytes]] = {
    "cut off": (".pdf", b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog"),
    "damaged": (".docx", b"PK\x03\x04 this was a page"),
    "empty": (".md", b""),
}
"""What is wrong with a file: its ending, and all that is left of it."""


class DataQuality:
    """Bring an inbox and a file of questions to a state that can be trusted, and have the records show it."""

    title = "Find and mend what is wrong with the data"
    summary = "Broken files, a page that stands twice, leaks between splits, personal data: find, mend, show."
    minutes = 55
    skills: Sequence[str] = ("data-quality",)
    milestones: Sequence[str] = ("y1-ml-data-pipeline",)
    after: Sequence[str] = ("first-documents",)
    stream = "technical"
    test_out = True

    def draw(self, random: Random) -> dict[str, Any]:
        facts = _facts.draw_facts(random, TOPICS)
        stems = sorted({_facts.file_of(f["topic"]).removesuffix(".md") for f in facts})
        lost, ways = random.sample(stems, 2), random.sample(sorted(BROKEN), 2)
        random.shuffle(facts)
        test, train = facts[:TESTED], facts[TESTED:]
        kind = random.choice(_people.KINDS)
        people, twice, leaks = random.randint(2, 4), random.randint(2, 3), random.randint(2, 4)
        lines = [_line(f, "test") for f in test]
        lines += [_line(f, "train", _private(random, kind, f)) for f in train[:people]]
        lines += [_line(f, "train") for f in train[people:]]
        lines += [_line(f, "train", _shouted(f)) for f in random.sample(train[people:], twice)]
        lines += [_line(f, "train", _shouted(f)) for f in random.sample(test, leaks)]
        random.shuffle(lines)
        return {
            "name": f"lab-data-{_names.tag(random)}",
            "facts": facts,
            "broken": [[stem, way] for stem, way in zip(lost, ways, strict=True)],
            "twice": random.choice([stem for stem in stems if stem not in lost]),
            "lines": [{"id": f"n{n:02}", **line} for n, line in enumerate(lines, 1)],
            "leaks": leaks,
            "kind": kind,
            "kinds": list(_people.KINDS),
            "people": people,
            "pages": TOPICS,
            "all": len(facts),
            "train": len(train),
            "test": len(test),
        }

    def prepare(self, bench: Bench, draw: Mapping[str, Any]) -> None:
        pages = {file.removesuffix(".md"): text for file, text in _facts.documents(draw["facts"]).items()}
        broken = {stem: BROKEN[way] for stem, way in draw["broken"]}
        for stem, text in pages.items():
            ending, left = broken.get(stem, (".md", text.encode()))
            bench.write(f"inbox/{stem}{ending}", left)
            bench.write(f"archive/{stem}.md", text)
        bench.write("inbox/notice.md", pages[draw["twice"]])
        bench.write("questions.jsonl", "".join(f"{json.dumps(line)}\n" for line in draw["lines"]))
        bench.spec({"indexes": {draw["name"]: _models.index()}})

    def points(self, draw: Mapping[str, Any]) -> Sequence[Point]:
        name, after = draw["name"], {"after": "$lab.started_at"}
        inbox = f"groundwork ingest labs/data_quality/inbox --index {name}"
        questions = f"groundwork dataset import labs/data_quality/questions.jsonl --name {name}"
        found = {
            "find": "dataset",
            "as": "found",
            "where": {"name": name, "leaks": draw["leaks"], "personal": draw["people"], "at": after},
            "because": f"no version of `{name}` holds the questions as they came",
            "do": questions,
        }
        return (
            Point(
                "refused",
                "The inbox was brought in as it came, and two files were put into quarantine",
                check={
                    "find": "ingest",
                    "where": {"index": name, "quarantined": len(draw["broken"]), "at": after},
                    "because": f"the inbox was not brought into `{name}` as it came",
                    "do": inbox,
                },
            ),
            Point(
                "readable",
                f"Every page is in the index once, and nothing is in quarantine: {draw['pages']} documents",
                check={
                    "all": [
                        {
                            "find": "ingest",
                            "as": "ingest",
                            "where": {"index": name, "quarantined": 0, "at": after},
                            "because": f"no ingest into `{name}` went without a file in quarantine",
                            "do": inbox,
                        },
                        {
                            "find": "snapshot",
                            "where": {
                                "index": name,
                                "digest": "$ingest.snapshot",
                                "documents": draw["pages"],
                            },
                            "because": f"the newest documents are not the {draw['pages']} pages, each once",
                            "do": f"groundwork knowledge documents {name}",
                        },
                    ]
                },
            ),
            Point(
                "twice",
                "The page that stood twice, by the name of its file without the ending",
                sheet=Sheet("twice", draw["twice"]),
                hint="`notice` is one of the two; which other page says the same?",
            ),
            Point(
                "found",
                "The questions were looked over as they came, and `leaks` says how many stand in both splits",
                check=found,
                sheet=Sheet("leaks", draw["leaks"]),
                hint="the number of questions, as `groundwork dataset check` counts leaks",
            ),
            Point(
                "clean",
                "A later version has every question once, in its own split, without anybody's data",
                worth=2,
                check={
                    "all": [
                        found,
                        {
                            "find": "dataset",
                            "where": {
                                "name": name,
                                "number": {"above": "$found.number"},
                                "leaks": 0,
                                "duplicates": 0,
                                "personal": 0,
                                "train": draw["train"],
                                "test": draw["test"],
                            },
                            "because": f"no later version has {draw['train']} questions to train on, {draw['test']} to test "
                            "with, and nothing twice, leaked or personal",
                            "do": questions,
                        },
                    ]
                },
            ),
            Point(
                "kind",
                "By what people could be told",
                sheet=Sheet("kind", draw["kind"]),
                hint=f"one of {', '.join(_people.KINDS)}",
            ),
        )

    def hints(self, draw: Mapping[str, Any]) -> Sequence[str]:
        name = draw["name"]
        lost = " and ".join(stem for stem, _ in draw["broken"])
        return (
            f"`groundwork knowledge quarantine --index {name}` names the files that could not be read, with the reason.",
            f"`groundwork dataset check {name}` names the examples that stand twice, that leak, and that tell who asked.",
            "A question that is tested with may not be trained on: take it out of `train`, and leave it in `test`. Of one "
            "that stands twice in `train`, keep the one that is written as people write.",
            "Cut out of a question what tells who asked it, and keep the question.",
            f"Broken are {lost}: take the broken files away and copy the pages from `archive`. `notice` is the page "
            f"`{draw['twice']}` once more.",
        )


def _line(fact: Mapping[str, Any], split: str, said: str = "") -> dict[str, Any]:
    """Return a line of the file of questions without its id; `said`: how it is asked there."""
    return {"input": said or fact["question"], "expected": fact["expected"], "split": split}


def _private(random: Random, kind: str, fact: Mapping[str, Any]) -> str:
    return f"Hello, {_people.said(kind, _people.made_up(random, kind))}. {fact['question']}"


def _shouted(fact: Mapping[str, Any]) -> str:
    """Return a question as somebody else typed it: the same but for case and punctuation."""
    return f"{str(fact['question']).removesuffix('?').upper()} ??"


plugin = DataQuality
