"""What one OTLP request may bring, and the count of what was rejected or set right on the way."""

from __future__ import annotations

from dataclasses import dataclass, field

MOST_REASONS = 20
NO_ID = "no valid trace id or span id"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may bring.

    Attributes:
        spans: of a request; those beyond are rejected.
        attributes, events, links: of a span; those beyond are dropped and counted in `Span.cut`.
        piece: spans that are turned into objects at a time.
    """

    spans: int = 50_000
    attributes: int = 1024
    events: int = 1024
    links: int = 1024
    piece: int = 512


@dataclass(slots=True)
class Tally:
    """What became of a request while its pieces were taken: spans that were let in, and what is to be said of the others."""

    accepted: int = 0
    rejected: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    warnings: dict[str, int] = field(default_factory=dict)

    def reject(self, reason: str, count: int = 1) -> None:
        """Count spans that are not stored."""
        self.rejected += count
        if reason in self.reasons or len(self.reasons) < MOST_REASONS:
            self.reasons[reason] = self.reasons.get(reason, 0) + count

    def warn(self, what: str) -> None:
        """Count something that was set right on a span that is stored."""
        if what in self.warnings or len(self.warnings) < MOST_REASONS:
            self.warnings[what] = self.warnings.get(what, 0) + 1

    def message(self) -> str:
        """Return in words what was rejected and what was set right; empty where all was well."""
        said = [f"rejected {count}: {reason}" for reason, count in self.reasons.items()]
        said += [f"set right {count}: {what}" for what, count in self.warnings.items()]
        return "; ".join(said)
