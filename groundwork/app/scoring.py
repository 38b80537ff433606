"""What scorers may use in a workspace: the local encoder, the judges of the spec, the groundedness detector."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace
    from groundwork.core.principal import Principal
    from groundwork.evaluation.groundedness.detector import Detector
    from groundwork.evaluation.groundedness.evidence import Evidence
    from groundwork.evaluation.judges.judges import Judges
    from groundwork.evaluation.judges.types import Asker
    from groundwork.evaluation.scorers import FloatArray, Services
    from groundwork.models.encoder import MiniLmEncoder

KEPT_VECTORS = 5000
"""References come back for every output of an example, so their vectors are kept."""
KEPT_PASSAGES = 64
KEPT_FINDINGS = 256
"""Several scorers ask the same of one answer."""


class HouseServices:
    """The services of a workspace; each is built when a scorer first asks for it. Safe to use from several threads."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = threading.Lock()
        self._encoder: MiniLmEncoder | None = None
        self._vectors: dict[str, FloatArray] = {}
        self._detector: Detector | None = None
        self._findings: dict[tuple[str, tuple[str, ...]], Any] = {}
        self._read: dict[tuple[str, ...], Evidence] = {}

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """Return unit vectors, shape (n, 384), of the local encoder.

        Raises:
            MissingModelError: its weights are not there.
        """
        import numpy as np

        encoder = self._opened()
        with self._lock:
            vectors = {t: self._vectors[t] for t in texts if t in self._vectors}
        missing = [t for t in dict.fromkeys(texts) if t not in vectors]
        made = (
            {t: v.astype(float) for t, v in zip(missing, encoder.encode(missing), strict=True)}
            if missing
            else {}
        )
        with self._lock:
            if len(self._vectors) > KEPT_VECTORS:
                self._vectors.clear()
            self._vectors.update(made)
        vectors.update(made)
        return np.stack([vectors[t] for t in texts]) if texts else np.zeros((0, encoder.dim))

    def judge(self, name: str) -> Asker:
        """Return a judge of the spec. Raises NotFoundError."""
        return self._workspace.evaluation.judges.asker(name)

    def grounded(self, claim: str, passages: Sequence[str]) -> Any:
        """Return `groundedness.Finding` for one sentence against passages.

        The thresholds are those that the workspace keeps for the domain `default`, else the bundled ones.
        """
        key = (claim, tuple(passages))
        with self._lock:
            found = self._findings.get(key)
        if found is None:
            found = self._found().sentence(claim, self._evidence(key[1]))
            with self._lock:
                if len(self._findings) >= KEPT_FINDINGS:
                    self._findings.clear()
                self._findings[key] = found
        return found

    def _evidence(self, passages: tuple[str, ...]) -> Evidence:
        """Return passages as the detector reads them: those of one answer are read once for all of its sentences."""
        with self._lock:
            found = self._read.get(passages)
        if found is None:
            from groundwork.evaluation.groundedness.evidence import Evidence

            found = Evidence(passages)
            with self._lock:
                if len(self._read) >= KEPT_PASSAGES:
                    self._read.clear()
                self._read[passages] = found
        return found

    def _opened(self) -> MiniLmEncoder:
        from groundwork.models.encoder import MiniLmEncoder

        with self._lock:
            if self._encoder is None:
                settings = self._workspace.settings
                self._encoder = MiniLmEncoder(threads=settings.threads, models=settings.models)
            return self._encoder

    def _found(self) -> Detector:
        from groundwork.app.grounding import detector

        with self._lock:
            if self._detector is None:
                self._detector = detector(self._workspace, "default")
            return self._detector


class ActingServices:
    """The services of a workspace in the name of a principal: judges are asked at its cost, and in its workspace alone."""

    def __init__(self, services: Services, judges: Judges, principal: Principal) -> None:
        self._services = services
        self._judges = judges
        self._principal = principal

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """Return unit vectors, see `HouseServices.embed`."""
        return self._services.embed(texts)

    def judge(self, name: str) -> Asker:
        """Return a judge of the spec. Raises NotFoundError."""
        return self._judges.asker(name, self._principal)

    def grounded(self, claim: str, passages: Sequence[str]) -> Any:
        """Return `groundedness.Finding` for one sentence against passages."""
        return self._services.grounded(claim, passages)
