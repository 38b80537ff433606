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
            Entry("serve", "serve", "Serve the console and the HTTP API."),
        ),
    ),
    (
        "Documents and answers",
        (
            Entry("ingest", "ingest", "Bring files and folders into an index."),
            Entry("search", "search", "Show the passages that a question brings, without answering."),
            Entry("ask", "answers", "Answer a question with citations, or say why not."),
            Entry("answers", "answers", "List the recorded answers, newest first."),
            Entry(
                "conversations", "answers", "List conversations, newest first, or show the answers of one."
            ),
            Entry("replay", "answers", "Make recorded answers again and compare."),
            Entry("explain", "answers", "Show why an answer came out as it did."),
            Entry(
                "feedback", "feedback", "Say whether an answer was good; list, withdraw, export.", group=True
            ),
            Entry("calibrate", "answers", "Find the threshold that keeps a promise about wrong answers."),
        ),
    ),
    (
        "Versions",
        (
            Entry(
                "knowledge", "knowledge", "Indexes, documents, snapshots, quarantine and erasure.", group=True
            ),
            Entry("prompt", "prompts", "Prompts as files: versions, differences, tests.", group=True),
        ),
    ),
    (
        "Models",
        (
            Entry("chat", "chat", "Talk to a model or an app through the gateway."),
            Entry("model", "models", "Models and providers: list and check them, prices, keys.", group=True),
            Entry("key", "keys", "API keys: make, list, change and revoke them.", group=True),
            Entry("usage", "usage", "What was called, by whom, and what it cost; single calls.", group=True),
            Entry(
                "trace", "traces", "Traces: list, search, show, import, export and delete them.", group=True
            ),
            Entry("dashboard", "dashboard", "Traffic, errors, times, cost and quality at a glance."),
        ),
    ),
    (
        "Improvement",
        (
            Entry("dataset", "datasets", "Golden sets: import, write, review, compare, export.", group=True),
            Entry("evaluate", "evaluations", "Run an app over a dataset and score what comes out."),
            Entry("evaluation", "evaluations", "Evaluations: list, show, report, export.", group=True),
            Entry("compare", "comparing", "Compare two evaluations example by example."),
            Entry("judge", "judges", "Judges: try, label samples, see how far to trust them.", group=True),
            Entry("gate", "gates", "Gates: promote, reject, or not enough evidence.", group=True),
            Entry("release", "releases", "Releases: create, promote, canary, roll back.", group=True),
            Entry("tune", "tuning", "Search for a better configuration of an app.", group=True),
            Entry("export", "export", "Write workflow files for CI.", group=True),
        ),
    ),
    (
        "Pathways",
        (Entry("path", "path", "The way to a role: plan, labs, proofs, portfolio.", group=True),),
    ),
    (
        "People",
        (
            Entry("user", "users", "Users: make, list, change and remove them; the admin token.", group=True),
            Entry(
                "tenant", "tenants", "Workspaces of one installation, none of which sees another.", group=True
            ),
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
