"""Scores that are made when a choice asks for them: what is written down is read, what is missing is run, in threads."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from groundwork.core.errors import CancelledError, GoneError
from groundwork.datasets.types import Example
from groundwork.evaluation.metrics.measuring import column
from groundwork.evaluation.metrics.naming import parse_metric
from groundwork.evaluation.scorers import Scorer, Services
from groundwork.evaluation.scoring import OnceServices, score_all
from groundwork.evaluation.tuning.selecting import Floats, Places
from groundwork.evaluation.tuning.types import Configuration, Tried
from groundwork.evaluation.types import Output, Result

WORKERS = 4
WRITE_AT = 64


class Maker(Protocol):
    """Makes outputs of an app with something changed; `app` builds one."""

    def output(self, raw: Configuration, example: Example, scope: str) -> Output:
        """Return the output of a configuration without its threshold: an answer is given however unsure it is.

        What fails comes back as an `Output` with `error`; only what ends the whole tuning is raised.
        """
        ...

    def threshold(self, configuration: Configuration) -> float:
        """Return the confidence under which the configuration declines."""
        ...


@dataclass
class Trying:
    """The scores of configurations, made when they are asked for. One thread asks; several run.

    Args:
        put: writes scores down. tell: told how many pairs were run here. cancelled: asked between examples.
        scope: begins the name of every run, so that a model call is paid once, also after a crash.
    """

    configurations: Sequence[Configuration]
    examples: Sequence[Example]
    metric: str
    scorers: Mapping[str, Scorer]
    maker: Maker
    services: Services
    tried: dict[str, dict[int, Tried]]
    put: Callable[[Sequence[tuple[str, int, Tried]]], None]
    tell: Callable[[int, float], None]
    cancelled: Callable[[], bool]
    scope: str
    kept: list[int] = field(default_factory=list)
    _spent: float = 0.0

    def begin(self) -> list[int]:
        """Try the app as it is on every example, and return the places of those that the metric applies to.

        What does not apply to the app as it is is left out for all; where it applies and another declines to be measured,
        that one is missing there, and missing is the worst.
        """
        self._run(0, range(len(self.examples)))
        own = self.tried[self.configurations[0].digest]
        self.kept = [place for place in range(len(self.examples)) if own[place].applies]
        return self.kept

    def of(self, configuration: int, places: Places) -> Floats:
        """Return scores on kept examples, higher being better; what is missing is the worst."""
        chosen = [self.kept[p] for p in places]
        self._run(configuration, chosen)
        own = self.tried[self.configurations[configuration].digest]
        return np.array([self._oriented(own[p]) for p in chosen])

    def costs(self, configuration: int) -> dict[str, float]:
        """Return mean latency (ms) and cost (USD) of what was run of a configuration, and how many failed."""
        own = list(self.tried.get(self.configurations[configuration].digest, {}).values())
        if not own:
            return {}
        return {
            "latency_ms": float(np.mean([t.latency_ms for t in own])),
            "cost_usd": float(np.mean([t.cost_usd for t in own])),
            "failed": float(sum(bool(t.error) for t in own)),
        }

    @property
    def sign(self) -> float:
        """1 where higher is better, else -1."""
        return 1.0 if self._scorer.higher_is_better else -1.0

    @property
    def binary(self) -> bool:
        """Every score so far is 0 or 1."""
        values = {t.value for own in self.tried.values() for t in own.values() if t.applies}
        return self._scorer.binary and values <= {0.0, 1.0, None}

    @property
    def _scorer(self) -> Scorer:
        return self.scorers[parse_metric(self.metric).scorer]

    def _oriented(self, tried: Tried) -> float:
        worst = self._scorer.worst
        value = tried.value if tried.applies and tried.value is not None else worst
        assert value is not None, "the plan refuses a metric without a worst value"
        return self.sign * value

    def _run(self, configuration: int, places: Sequence[int]) -> None:
        asked = self.configurations[configuration]
        own = self.tried.setdefault(asked.digest, {})
        missing = [p for p in places if p not in own]
        if not missing:
            return
        # Outputs are made once for every threshold that may be asked for of them.
        alike = [c for c in self.configurations if c.raw.digest == asked.raw.digest]
        stop = threading.Event()
        waiting: list[tuple[str, int, Tried]] = []
        with ThreadPoolExecutor(WORKERS, "tune") as pool:
            running = {
                pool.submit(contextvars.copy_context().run, self._try, asked.raw, alike, p, stop)
                for p in missing
            }
            try:
                for done in as_completed(running):
                    found = done.result()
                    waiting += found
                    self._spent += sum(t.cost_usd for *_, t in found)
                    if len(waiting) >= WRITE_AT * len(alike):
                        waiting = self._keep(waiting)
                    self.tell(len(found), self._spent)
                    if self.cancelled():
                        raise CancelledError(
                            "the tuning was stopped", hint="run it again with `--resume` to go on"
                        )
            finally:
                stop.set()
                for future in running:
                    future.cancel()
                self._keep(waiting)

    def _keep(self, tried: Sequence[tuple[str, int, Tried]]) -> list[tuple[str, int, Tried]]:
        self.put(tried)
        for digest, place, one in tried:
            self.tried.setdefault(digest, {}).setdefault(place, one)
        return []

    def _try(
        self, raw: Configuration, alike: Sequence[Configuration], place: int, stop: threading.Event
    ) -> list[tuple[str, int, Tried]]:
        if stop.is_set():
            return []
        example = self.examples[place]
        scope = f"{self.scope}/{raw.digest}/{example.id}"
        output = self.maker.output(raw, example, scope)
        found: list[tuple[str, int, Tried]] = []
        for turn, configuration in enumerate(alike):
            limited = under(output, self.maker.threshold(configuration))
            tried = self._score(example, limited, scope)
            # What the output cost is counted once.
            cost = (output.cost_usd if turn == 0 else 0.0) + tried.cost_usd
            found.append(
                (configuration.digest, place, replace(tried, latency_ms=output.latency_ms, cost_usd=cost))
            )
        return found

    def _score(self, example: Example, output: Output, scope: str) -> Tried:
        scores = score_all(self.scorers, example, output, OnceServices(self.services, scope))
        column_ = column(
            self.metric, [example], [Result(0, 0, example.id, "done", output, scores)], self.scorers
        )
        spent = sum(s.cost_usd for s in scores.values())
        error = output.error or next((s.error for s in scores.values() if s.error), "")
        if not column_.ids:
            return Tried(None, applies=False, cost_usd=spent, error=error)
        return Tried(column_.values[0], cost_usd=spent, error=error)


def under(output: Output, threshold: float) -> Output:
    """Return an output as it would be with a threshold: one that is less sure declines."""
    if output.failed or output.abstained or output.confidence is None or output.confidence >= threshold:
        return output
    return replace(
        output,
        text="",
        abstained=True,
        reason=f"the confidence {output.confidence:.2f} is under the threshold {threshold:.2f}",
        citations=(),
        sentences=(),
    )


def same_examples(examples: Sequence[Example], n: int, tuning_id: str) -> None:
    """Raise GoneError where examples were erased since the plan."""
    if len(examples) != n:
        raise GoneError(
            f"`{tuning_id}` was planned with {n:,} examples and {len(examples):,} are left: some were erased",
            hint="start a new tuning on what is left",
        )
