"""Embed with latent semantic analysis fitted on the user's own documents, for where no encoder's weights are.

What it is: the strongest directions of the documents' own word statistics. Words that occur in the same
documents come close, so it finds a passage that shares no word with the question when the corpus shows that
their words belong together. What it is not: a model of meaning; it knows no word, synonym or language beyond
the corpus, and a question whose words the corpus lacks gets no answer from it. Hybrid search with BM25 in the
lead is its use.

`fit` makes an artefact, which is stored under its digest; the embedder is that digest and reads it on first
use.
"""

from __future__ import annotations

import io
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from groundwork.core.digest import digest_bytes
from groundwork.core.errors import DamagedError, MissingModelError
from groundwork.knowledge.analysis import Analyzer
from groundwork.knowledge.types import FloatArray

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

RECIPE = 1
MAX_TEXTS, MAX_TERMS = 20_000, 50_000
OVERSAMPLING, POWER_ITERATIONS = 16, 4


@dataclass(frozen=True)
class Lsa:
    """Vectors from a fitted artefact; unit length, and the same for a text whatever else is embedded.

    The last dimension is 1 for texts without any known word and 0 for all others, so that such a text is near
    to nothing instead of to anything.

    Args:
        artefact: SHA-256 of what `fit` returned; it is the fingerprint.
        read: gives the bytes stored under a digest; not part of the fingerprint.
        dimensions, min_documents: what `fit` was called with; remembered for the spec alone.
    """

    artefact: str = ""
    read: Callable[[str], bytes] | None = field(default=None, repr=False, compare=False)
    dimensions: int = 256
    min_documents: int = 3
    _holder: _Holder = field(default_factory=lambda: _Holder(), init=False, repr=False, compare=False)

    @property
    def dim(self) -> int:
        return int(self._fitted().components.shape[1]) + 1

    @property
    def fingerprint(self) -> str:
        return self.artefact

    def embed_documents(
        self, texts: Sequence[str], progress: Callable[[int], None] | None = None
    ) -> FloatArray:
        fitted = self._fitted()
        vectors = np.zeros((len(texts), fitted.components.shape[1] + 1), np.float32)
        for place, text in enumerate(texts):
            vectors[place] = fitted.vector(text)
            if progress:
                progress(1)
        return vectors

    def embed_query(self, text: str) -> FloatArray:
        return self._fitted().vector(text)

    def coverage(self, text: str) -> float:
        """Return the share of the text's terms that the corpus had; 0 for a text without terms."""
        fitted = self._fitted()
        terms = fitted.analyzer.terms(text)
        return sum(term in fitted.places for term in terms) / len(terms) if terms else 0.0

    def _fitted(self) -> _Fitted:
        if self._holder.fitted is None:
            with self._holder.lock:
                if self._holder.fitted is None:
                    self._holder.fitted = self._load()
        return self._holder.fitted

    def _load(self) -> _Fitted:
        if not self.artefact or self.read is None:
            raise MissingModelError(
                "the embedder `lsa` has not been fitted yet",
                hint="`groundwork ingest` fits it on the documents",
            )
        data = self.read(self.artefact)
        found = digest_bytes(data)
        if found != self.artefact:
            raise DamagedError(
                f"the artefact of the embedder `lsa` has the SHA-256 {found}, not {self.artefact}",
                hint="`groundwork verify` names what is damaged; `groundwork ingest --rebuild` fits it anew",
            )
        return _Fitted.load(data)


plugin = Lsa


def fit(texts: Sequence[str], *, dimensions: int = 256, min_documents: int = 3) -> bytes:
    """Return the artefact fitted on these texts; equal texts give equal bytes on one machine.

    Term weights are (1 + ln tf) * (1 + ln((1 + N) / (1 + n))) on rows of unit length; the directions are the
    right singular vectors of that matrix by a randomized range finder with a fixed seed, signs made positive
    in the largest entry. Terms in fewer than `min_documents` texts stay out, so no word of a single text can
    be read from the artefact; very small corpora need fewer (one more for every 20 texts). At most 20,000
    texts, evenly spread, and the 50,000 commonest terms are used.

    Args:
        texts: any number, also none.
        dimensions: of the vectors at most; less where there are fewer texts or terms.
        min_documents: texts that a term must occur in.

    Source:
        Deerwester et al., "Indexing by latent semantic analysis" (1990); Halko, Martinsson, Tropp, "Finding
        structure with randomness" (2011), algorithms 4.4 and 5.1.
    """
    analyzer = Analyzer()
    step = max(1, -(-len(texts) // MAX_TEXTS))
    counts = [Counter(analyzer.terms(text)) for text in texts[::step]]
    seen = Counter(term for count in counts for term in count)
    enough = min(min_documents, 1 + len(counts) // 20)
    common = sorted(seen.items(), key=lambda item: (-item[1], item[0]))[:MAX_TERMS]
    terms = sorted(term for term, n in common if n >= enough)
    idf = np.array([1 + np.log((1 + len(counts)) / (1 + seen[term])) for term in terms], np.float32)
    places = {term: place for place, term in enumerate(terms)}
    components = _directions(_matrix(counts, places, idf), dimensions)
    stream = io.BytesIO()
    np.savez(
        stream,
        recipe=np.array([RECIPE]),
        terms=np.frombuffer("\n".join(terms).encode(), np.uint8),
        idf=idf,
        components=components.astype(np.float16),
    )
    return stream.getvalue()


@dataclass(frozen=True)
class _Fitted:
    """A loaded artefact: term places, idf, shape (terms,), and directions, shape (terms, dimensions)."""

    places: Mapping[str, int]
    idf: FloatArray
    components: FloatArray
    analyzer: Analyzer = field(default_factory=Analyzer)

    @staticmethod
    def load(data: bytes) -> _Fitted:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            joined = arrays["terms"].tobytes().decode()
            terms = joined.split("\n") if joined else []
            components = arrays["components"].astype(np.float32)
            return _Fitted({t: i for i, t in enumerate(terms)}, arrays["idf"], components)

    def vector(self, text: str) -> FloatArray:
        out = np.zeros(self.components.shape[1] + 1, np.float32)
        counts = Counter(t for t in self.analyzer.terms(text) if t in self.places)
        rows = [self.places[t] for t in counts]
        weights = (1 + np.log(np.array(list(counts.values()), np.float32))) * self.idf[rows]
        projected = weights @ self.components[rows]
        length = float(np.linalg.norm(projected))
        if length > 1e-6:
            out[:-1] = projected / length
        else:
            out[-1] = 1.0
        return out


@dataclass
class _Holder:
    """Keeps what was loaded; the embedder itself is frozen."""

    fitted: _Fitted | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


def _matrix(counts: Sequence[Counter[str]], places: Mapping[str, int], idf: FloatArray) -> csr_matrix:
    from scipy.sparse import csr_matrix

    starts, columns, values = [0], [], []
    for count in counts:
        pairs = [(places[term], n) for term, n in count.items() if term in places]
        row = (1 + np.log(np.array([n for _, n in pairs], np.float32))) * idf[[p for p, _ in pairs]]
        columns += [place for place, _ in pairs]
        values.append(row / (np.linalg.norm(row) or 1))
        starts.append(len(columns))
    data = np.concatenate(values) if values else np.zeros(0, np.float32)
    return csr_matrix((data, columns, starts), shape=(len(counts), len(places)), dtype=np.float32)


def _directions(matrix: csr_matrix, dimensions: int) -> NDArray[np.float32]:
    texts, terms = matrix.shape
    rank = min(dimensions, texts, terms)
    if rank == 0:
        return np.zeros((terms, 0), np.float32)
    width = min(rank + OVERSAMPLING, texts, terms)
    basis = np.random.default_rng(0).standard_normal((terms, width)).astype(np.float32)
    transposed: Any = matrix.T.tocsr()
    for _ in range(POWER_ITERATIONS):
        basis = np.linalg.qr(transposed @ (matrix @ basis))[0]
    small = matrix @ basis
    _, _, right = np.linalg.svd(small, full_matrices=False)
    found = (basis @ right.T)[:, :rank]
    largest = np.abs(found).argmax(axis=0)
    signs = np.sign(found[largest, np.arange(rank)])
    return np.asarray(found * np.where(signs == 0, 1, signs), np.float32)
