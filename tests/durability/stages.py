"""The two stages every crash test disturbs: the first ingest of a corpus, and a second one after it has changed."""

from __future__ import annotations

from pathlib import Path

from groundwork.app.workspace import Workspace
from groundwork.bench.durability import Stage, groundwork_command
from tests.durability.corpus import QUESTIONS, change_corpus, write_corpus

SPEC = "groundwork.toml"


def make_workspace(root: Path, embedder: str = "lsa") -> Path:
    """Make a workspace whose index has a named embedder."""
    with Workspace.init(root):
        pass
    spec = root / SPEC
    text = spec.read_text()
    assert '# embedder = "minilm"' in text, "the spec of a new workspace has changed; adapt this helper"
    spec.write_text(text.replace('# embedder = "minilm"', f'embedder = "{embedder}"'))
    return root


def ingest(root: Path, corpus: Path) -> None:
    """Ingest in this process."""
    with Workspace.open(root) as workspace:
        workspace.ingest([corpus])


class Stages:
    """Both stages over one corpus folder; `second` changes the folder, so everything of `first` is run before."""

    def __init__(self, folder: Path, documents: int = 8, embedder: str = "lsa") -> None:
        self.folder = folder
        self.corpus = write_corpus(folder / "corpus", documents)
        self._new = make_workspace(folder / "new", embedder)

    def first(self) -> Stage:
        """The corpus goes into an empty workspace."""
        return self._stage("first", self._new)

    def second(self) -> Stage:
        """The changed corpus goes into a workspace that holds the old one."""
        template = make_workspace(self.folder / "filled", self._embedder())
        ingest(template, self.corpus)
        change_corpus(self.corpus)
        return self._stage("second", template)

    def _embedder(self) -> str:
        return "lsa" if 'embedder = "lsa"' in (self._new / SPEC).read_text() else "minilm"

    def _stage(self, name: str, template: Path) -> Stage:
        command = groundwork_command("ingest", str(self.corpus), "--json")
        return Stage(name, template, command, lambda root: ingest(root, self.corpus), QUESTIONS)
