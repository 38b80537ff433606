"""The table of commands: which module serves a word, and the one sentence that help shows for it."""

from __future__ import annotations

from typing import NamedTuple

TAGLINE = "Answers from your documents, with citations, that can be replayed and explained."


class Entry(NamedTuple):
    """One word of the command line; `group` says that it has words of its own below it."""

    name: str
    module: str
    summary: str
    group: bool = False


SECTIONS: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    (
        "Start",
        (
            Entry("init", "workspace", "Make a workspace in a directory."),
            Entry("demo", "demo", "Show it all on Groundwork's own handbook."),
            Entry("serve", "serve", "Serve the console and the HTTP API on this machine."),
        ),
    ),
    (
        "Documents and answers",
        (
            Entry("ingest", "ingest", "Bring files and folders into an index."),
            Entry("search", "search", "Show the passages that a question brings, without answering."),
            Entry("ask", "answers", "Answer a question with citations, or say why not."),
            Entry("answers", "answers", "List the recorded answers, newest first."),
            Entry("replay", "answers", "Make recorded answers again and compare."),
            Entry("explain", "answers", "Show why an answer came out as it did."),
            Entry("calibrate", "answers", "Find the threshold that keeps a promise about wrong answers."),
        ),
    ),
    (
        "Versions",
        (
            Entry(
                "knowledge", "knowledge", "Indexes, documents, snapshots, quarantine and erasure.", group=True
            ),
            Entry("model", "models", "The weights of encoders: list and fetch them.", group=True),
        ),
    ),
    (
        "Upkeep",
        (
            Entry("verify", "upkeep", "Check the digest of everything that is stored."),
            Entry("doctor", "upkeep", "Say in plain words what is missing or misconfigured."),
            Entry("settings", "upkeep", "Show every setting with its value and its origin."),
            Entry("schema", "upkeep", "Print the JSON Schema of groundwork.toml."),
            Entry("jobs", "jobs", "Background work: list, show and cancel.", group=True),
            Entry("bench", "bench", "Measure retrieval, reading, ingest and the index.", group=True),
        ),
    ),
)

ENTRIES: dict[str, Entry] = {e.name: e for _, entries in SECTIONS for e in entries}

OPTIONS: tuple[tuple[str, str], ...] = (
    ("--workspace DIR", "Work in this workspace; else the nearest one upward."),
    ("--json", "Print one JSON document; the rest goes to stderr."),
    ("--version", "Print the version."),
    ("--install-completion", "Install completion for your shell."),
    ("--help", "Print this; `groundwork COMMAND --help` says more."),
)


def help_text() -> str:
    """Return what `groundwork --help` prints; at most 80 columns."""
    wide = max(len(name) for name in ENTRIES) + 2
    lines = [TAGLINE, "", "Usage: groundwork COMMAND [OPTIONS]", ""]
    for title, entries in SECTIONS:
        lines += [f"{title}:", *(f"  {e.name:<{wide}}{e.summary}" for e in entries), ""]
    wide = max(len(name) for name, _ in OPTIONS) + 2
    lines += ["Options:", *(f"  {name:<{wide}}{text}" for name, text in OPTIONS), ""]
    lines += ["Begin with `groundwork demo`, or `groundwork init` and `groundwork ingest PATH`."]
    return "\n".join(lines) + "\n"


def version() -> str:
    """Return the version of the installed distribution."""
    from importlib.metadata import version as installed

    return installed("groundwork-ai")
