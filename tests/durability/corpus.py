"""A small corpus in several formats, and how it changes: enough to add, change, remove, rename and quarantine."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

TOPICS = (
    ("tides", "The tide at the old harbour turns twice a day, and the ferry leaves an hour after high water."),
    ("bread", "A sourdough loaf needs eight hours at twenty degrees before it may go into the oven."),
    ("bees", "A hive in June holds forty thousand bees, and the keeper looks at every frame once a week."),
    ("trains", "The night train to the coast waits nine minutes at the border for a change of engine."),
    ("glass", "Window glass is drawn at six hundred degrees and cooled for three days to lose its stress."),
    ("snow", "Fresh snow weighs a tenth of water; by March the same field carries four times as much."),
    ("paper", "Rag paper from before 1850 lasts for centuries because nobody had yet put acid into it."),
    ("salt", "Salt was carried along this road on mules, thirty to a train, from April to October."),
)  # fmt: skip
QUESTIONS = (
    "when does the ferry leave",
    "how long does bread rise",
    "how many bees",
    "salt and mules",
    "degrees",
)

FORMS = {
    "md": "# On {topic}\n\n{text}\n\n## More of {topic}\n\n{more}\n\n- first of {topic}\n- second of {topic}\n",
    "txt": "{text}\n\n{more}\n",
    "html": "<html><head><title>{topic}</title></head><body><h1>{topic}</h1><p>{text}</p><p>{more}</p></body></html>",
    "csv": "name,what\n{topic},{text}\nmore,{more}\n",
    "json": '{{"topic": "{topic}", "text": "{text}"}}\n',
    "rst": "{topic}\n=====\n\n{text}\n\n{more}\n",
}


def write_corpus(folder: Path, documents: int = 8) -> Path:
    """Write the first state: `documents` readable files and one that is broken."""
    folder.mkdir(parents=True, exist_ok=True)
    forms = list(FORMS.items())
    for number in range(documents):
        topic, text = TOPICS[number % len(TOPICS)]
        form, shape = forms[number % len(forms)]
        more = " ".join(f"Note {n} of {number} on {topic}: {text}" for n in range(6))
        content = shape.format(topic=topic, text=text, more=more)
        _write(folder / ("deep" if number % 3 == 2 else "") / f"{topic}-{number}.{form}", content)
    _write(folder / "broken.pdf", "%PDF-1.7\nthis is not a document")
    return folder


def change_corpus(folder: Path) -> None:
    """Bring the corpus into its second state: one file changed, one added, one removed, one renamed, one mended."""
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix != ".pdf")
    _write(files[0], files[0].read_text() + "\n\nA line that was added later, about lighthouses.\n")
    _write(
        folder / "new.md",
        "# Lighthouses\n\nThe lighthouse of the island shows one white flash every five seconds.\n",
    )
    files[1].unlink()
    shutil.move(files[2], files[2].with_name("renamed" + files[2].suffix))
    _write(folder / "broken.pdf", "Now this is plain text about printing.")


def _write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    os.utime(path, (1_700_000_000, 1_700_000_000))
