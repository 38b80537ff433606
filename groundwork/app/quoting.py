"""The offline model `extractive`: it quotes from the text that a caller sends along, and says so when there is none."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from groundwork.core.digest import digest_json

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace

_MARKER = re.compile(r"\s+\[\d{1,3}\](?=\s|$)")
CHUNK = 1_200


def quote_from(workspace: Workspace) -> Callable[[str, Sequence[str]], str]:
    """Return a function from a question and texts to the sentences of the texts that answer it; empty when none does."""

    def answer(question: str, texts: Sequence[str]) -> str:
        from groundwork.answers.types import Passage
        from groundwork.knowledge.chunkers import CHUNKERS

        chunker = CHUNKERS.make({"name": "structure"})
        passages: list[Passage] = []
        for n, text in enumerate(texts):
            for span in chunker.split(text):
                said = span.of(text)
                name = digest_json([n, span.start])[:26]
                passages.append(
                    Passage(len(passages) + 1, 0.0, f"text {n + 1}", name, name, span.start, span.end, said)
                )
        reader = workspace.rooms.make_reader("extractive")
        draft = reader.read(question, passages)
        if draft.confidence < float(getattr(reader, "default_threshold", 0.5)):
            return ""
        return _MARKER.sub("", draft.text).strip()

    return answer
