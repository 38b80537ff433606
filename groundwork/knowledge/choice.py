"""Which embedder an index is built with: the one that is named, or the best one that is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from groundwork.core.errors import MissingModelError
from groundwork.knowledge.embedders import Embedder
from groundwork.storage.blobs import Blobs

REFIT_GROWTH = 2.0
"""A fitted embedder is fitted anew when the index has grown to more than this many times what it was fitted on."""


@dataclass
class EmbedderChoice:
    """Chooses an embedder's spec.

    Args:
        minilm_present: says whether the weights of the default encoder are here.
        make: builds an embedder from a spec with what this installation adds.
    """

    blobs: Blobs
    minilm_present: Callable[[], bool]
    make: Callable[[Mapping[str, Any]], Embedder]
    remarks: list[str] = field(default_factory=list)

    def choose(
        self,
        wanted: str | Mapping[str, Any],
        before: Mapping[str, Any] | None,
        size: int,
        texts: Callable[[], Sequence[str]],
    ) -> dict[str, Any] | None:
        """Return the spec of the embedder with its fingerprint, or None for an index without a dense leg.

        Args:
            wanted: what `groundwork.toml` says.
            before: the embedder's spec of the head; None when there is no head, when it has no dense leg, or for a
                rebuild.
            size: characters that the index will hold.
            texts: the passages a fitted embedder is fitted on.
        """
        self.remarks.clear()
        spec: dict[str, Any] = {"name": wanted} if isinstance(wanted, str) else dict(wanted)
        if spec["name"] == "none":
            return None
        if spec["name"] == "auto":
            spec = {"name": self._automatic(before)}
        if spec["name"] == "lsa":
            return self._lsa(spec, before, size, texts)
        return {**spec, "fingerprint": self.make(spec).fingerprint}

    def _automatic(self, before: Mapping[str, Any] | None) -> str:
        if before is not None:
            if before["name"] == "minilm" and not self.minilm_present():
                raise MissingModelError(
                    "this index was made with the encoder minilm, whose weights are not here",
                    hint="fetch them with `groundwork model fetch minilm`, or make the index anew with LSA: "
                    "`groundwork ingest --rebuild`",
                )
            if before["name"] == "lsa" and self.minilm_present():
                self.remarks.append(
                    "the weights of minilm are here now; `groundwork ingest --rebuild` uses them instead of LSA"
                )
            return str(before["name"])
        if self.minilm_present():
            return "minilm"
        self.remarks.append(
            "no encoder weights are here, so this index uses LSA, fitted on these documents: it matches words that "
            "occur together, not meaning; `groundwork model fetch minilm` and `groundwork ingest --rebuild` change that"
        )
        return "lsa"

    def _lsa(
        self,
        spec: Mapping[str, Any],
        before: Mapping[str, Any] | None,
        size: int,
        texts: Callable[[], Sequence[str]],
    ) -> dict[str, Any]:
        if before is not None and before["name"] == "lsa":
            same = all(before.get(k) == v for k, v in spec.items())
            if same and size <= REFIT_GROWTH * max(int(before["fitted_on"]), 1):
                return dict(before)
        from groundwork.knowledge.embedders.lsa import fit

        artefact = self.blobs.put(fit(texts(), **{k: v for k, v in spec.items() if k != "name"}))
        return {**spec, "artefact": artefact, "fitted_on": size, "fingerprint": artefact}
