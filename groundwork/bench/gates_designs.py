"""The designs that `bench gates` simulates: what a golden set looks like, and which procedure decides on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from groundwork.bench import deciding as d
from groundwork.bench import worlds as w
from groundwork.core.errors import InternalError
from groundwork.evaluation.statistics import power as p
from groundwork.evaluation.statistics.checking import FloatArray, IntArray
from groundwork.evaluation.statistics.clustered import EXACT_UP_TO, t_is_safe
from groundwork.evaluation.statistics.comparing import compare_paired
from groundwork.evaluation.statistics.confidence_sequence import ConfidenceSequence
from groundwork.evaluation.statistics.rates import z_of
from groundwork.evaluation.statistics.sequential import SequentialPairs, SequentialRates, log_e_values

ALPHA = 0.05
CHECKED = 8
"""So many worlds of each design are decided by the gate's own function too."""
PLANNED = 4000
"""Worlds behind an announced power that is simulated; their seed is another one."""
LATENT = 1.3
"""How much larger the latent ICC of answers is than that of their differences, about."""
Rng = np.random.Generator


@dataclass(frozen=True)
class Found:
    """How many worlds promoted wrongly, how many rightly, and what was announced; `more` is shown beside it."""

    false: int
    right: int | None
    announced: float | None
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Design:
    """One design: `simulate` gets a random generator and the number of worlds."""

    name: str
    procedure: str
    n: int
    simulate: Callable[[Rng, int], Found]
    effect: float
    clusters: int | None = None
    comparator: bool = False


def designs() -> Iterator[Design]:
    """Yield every design; a name occurs once."""
    yield from _paired_binary()
    yield from _paired_scores()
    yield from _clustered()
    yield from _non_inferiority()
    yield from _several()
    yield from _guards()
    yield from _sequential()
    yield from _canary()
    yield from _unpaired()
    yield from _bounded()
    yield from _comparators()


# -- P1 ----------------------------------------------------------------------------------------------------------


def _paired_binary() -> Iterator[Design]:
    for n, psi, effect, strict in (
        (20, 0.4, 0.30, False),
        (20, 0.6, 0.30, False),
        (50, 0.2, 0.15, False),
        (50, 0.4, 0.20, False),
        (100, 0.1, 0.08, False),
        (100, 0.2, 0.10, False),
        (100, 0.4, 0.15, False),
        (200, 0.1, 0.05, False),
        (200, 0.2, 0.05, False),
        (200, 0.2, 0.08, False),
        (200, 0.2, 0.05, True),
        (200, 0.4, 0.10, False),
        (500, 0.1, 0.04, False),
        (500, 0.2, 0.05, False),
        (500, 0.4, 0.07, False),
    ):

        def simulate(
            rng: Rng, worlds: int, n: int = n, psi: float = psi, effect: float = effect, strict: bool = strict
        ) -> Found:
            nothing, something = w.pairs(rng, worlds, n, psi, 0.0), w.pairs(rng, worlds, n, psi, effect)
            wrong = d.p_values(*nothing, strict=strict) <= ALPHA
            _same_as_gate_pairs(nothing, n, wrong, strict=strict)
            right = d.p_values(*something, strict=strict) <= ALPHA
            _same_as_gate_pairs(something, n, right, strict=strict)
            return _found(wrong, right, p.power_binary(n, psi, effect, ALPHA, strict=strict))

        name = f"paired binary, {n} examples, {psi:.0%} differ, effect {effect}" + (
            ", strict" if strict else ""
        )
        yield Design(name, f"P1 McNemar {'exact' if strict else 'mid-p'}", n, simulate, effect)


# -- P2 ----------------------------------------------------------------------------------------------------------


def _paired_scores() -> Iterator[Design]:
    for n, effect, tails in ((30, 0.12, 0.0), (100, 0.07, 0.0), (100, 0.07, 0.6), (300, 0.04, 0.6)):
        yield _scores(f"paired scores, {n} examples" + (", most equal" if tails else ""), w.Clusters((1,) * n), 0.0,
                      effect, tails)  # fmt: skip


def _clustered() -> Iterator[Design]:
    for g, icc, effect in ((8, 0.2, 0.16), (10, 0.3, 0.14), (12, 0.2, 0.12), (16, 0.3, 0.11),
                           (20, 0.2, 0.09), (30, 0.3, 0.08), (50, 0.2, 0.055)):  # fmt: skip
        clusters = w.unequal(np.random.default_rng(g), g)
        yield _scores(f"clustered scores, {g} clusters, ICC {icc}", clusters, icc, effect, 0.3)
    for g, icc, effect in ((8, 0.2, 0.25), (10, 0.3, 0.25), (12, 0.3, 0.24), (16, 0.2, 0.20),
                           (20, 0.3, 0.19), (30, 0.2, 0.15), (50, 0.3, 0.13)):  # fmt: skip
        clusters = w.unequal(np.random.default_rng(100 + g), g)
        yield _answers(f"clustered binary, {g} clusters, ICC {icc}", clusters, icc, effect)


def _scores(
    name: str,
    clusters: w.Clusters,
    icc: float,
    effect: float,
    tails: float,
    margin: float = 0.0,
    sd: float = 0.25,
) -> Design:
    g = len(clusters.sizes)

    def world(rng: Rng, worlds: int, mean: float) -> FloatArray:
        return w.scores(rng, worlds, clusters, icc, sd, mean, tails)

    return _by_p2(name, clusters, world, effect, margin, _by_formula(clusters, icc, sd, effect + margin), g)


def _answers(name: str, clusters: w.Clusters, icc: float, effect: float, margin: float = 0.0) -> Design:
    def world(rng: Rng, worlds: int, mean: float) -> FloatArray:
        return w.answers(rng, worlds, clusters, LATENT * icc, 0.7, mean)

    return _by_p2(name, clusters, world, effect, margin, None, len(clusters.sizes))


def _by_p2(
    name: str,
    clusters: w.Clusters,
    world: Callable[[Rng, int, float], FloatArray],
    effect: float,
    margin: float,
    formula: float | None,
    g: int,
) -> Design:
    def simulate(rng: Rng, worlds: int) -> Found:
        nothing, something = world(rng, worlds, -margin), world(rng, worlds, effect)
        wrong, right = (d.scores_p(x, clusters, -margin) <= ALPHA for x in (nothing, something))
        _same_as_gate_scores(nothing, clusters, wrong, margin)
        _same_as_gate_scores(something, clusters, right, margin)
        said, more = formula, {}
        if formula is None or g < clusters.n:
            more = {} if formula is None else {"power_by_formula": formula}
            planned = world(np.random.default_rng([g, clusters.n, 7]), PLANNED, effect)
            said = float((d.scores_p(planned, clusters, -margin) <= ALPHA).mean())
        return _found(wrong, right, said, more)

    safe = t_is_safe(np.asarray(clusters.sizes, dtype=np.float64))
    kind = "CR1, t" if safe else f"cluster sign-flip, {'exact' if g <= EXACT_UP_TO else 'drawn'}"
    return Design(
        name, f"P2 {kind}" + (", non-inferiority" if margin else ""), clusters.n, simulate, effect, g
    )


def _by_formula(clusters: w.Clusters, icc: float, sd: float, effect: float) -> float:
    """Return what the power formula says of scores in clusters of these sizes (Kish's design effect for unequal sizes)."""
    sizes = np.asarray(clusters.sizes, dtype=float)
    design_effect = 1 + (float(sizes @ sizes) / clusters.n - 1) * icc
    return p.power_scores(clusters.n, sd, effect, ALPHA, design_effect, len(sizes))


# -- P3 ----------------------------------------------------------------------------------------------------------


def _non_inferiority() -> Iterator[Design]:
    for n, psi, margin in ((100, 0.2, 0.10), (200, 0.2, 0.08), (500, 0.1, 0.03), (500, 0.2, 0.05)):

        def simulate(rng: Rng, worlds: int, n: int = n, psi: float = psi, margin: float = margin) -> Found:
            worse, equal = w.pairs(rng, worlds, n, psi, -margin), w.pairs(rng, worlds, n, psi, 0.0)
            wrong, right = (d.no_worse(*x, n, margin, ALPHA) for x in (worse, equal))
            _same_as_gate_pairs(worse, n, wrong, margin=margin)
            _same_as_gate_pairs(equal, n, right, margin=margin)
            return _found(wrong, right, p.power_non_inferiority(n, psi, margin, ALPHA))

        name = f"non-inferiority, {n} examples, {psi:.0%} differ, margin {margin}"
        yield Design(name, "P3 Tango score test", n, simulate, 0.0)
    for g, icc, margin in ((12, 0.2, 0.12), (30, 0.2, 0.07)):
        clusters = w.unequal(np.random.default_rng(200 + g), g)
        yield _scores(f"non-inferiority, {g} clusters, margin {margin}", clusters, icc, 0.0, 0.3, margin)


def _several() -> Iterator[Design]:
    for n, count, psi, effect in ((200, 3, 0.2, 0.09), (300, 5, 0.2, 0.08), (500, 10, 0.2, 0.07)):

        def simulate(
            rng: Rng, worlds: int, n: int = n, count: int = count, psi: float = psi, effect: float = effect
        ) -> Found:
            none, one = (0.0,) * count, (effect, *(0.0,) * (count - 1))
            wrong = d.holm_first(d.p_values(*w.candidates(rng, worlds, n, count, psi, 0.75, none)), ALPHA)
            right = d.holm_first(d.p_values(*w.candidates(rng, worlds, n, count, psi, 0.75, one)), ALPHA)
            mixed = int(right[:, 1:].any(axis=1).sum())
            announced = p.power_binary(n, psi, effect, ALPHA / count)
            return Found(int(wrong.any(axis=1).sum()), int(right[:, 0].sum()), announced,
                         {"false_promotion_beside_a_better_one": mixed / worlds})  # fmt: skip

        name = f"several candidates, {count} against one baseline, {n} examples"
        yield Design(name, "P3 McNemar mid-p, Holm", n, simulate, effect)


def _guards() -> Iterator[Design]:
    n, psi, effect, margin, count = 400, 0.2, 0.07, 0.06, 3
    for bad in ("primary is no better", "one guard is worse by its margin"):

        def simulate(rng: Rng, worlds: int, bad: str = bad) -> Found:
            primary = 0.0 if bad.startswith("primary") else 0.15
            first = 0.0 if bad.startswith("primary") else -margin
            wrong = _passes(rng, worlds, n, psi, primary, (first, *(0.0,) * (count - 1)), margin)
            right = _passes(rng, worlds, n, psi, effect, (0.0,) * count, margin)
            announced = p.power_binary(n, psi, effect, ALPHA)
            announced *= p.power_non_inferiority(n, psi, margin, ALPHA) ** count
            return _found(wrong, right, announced)

        yield Design(
            f"guards, {n} examples, {bad}", "P3 intersection-union, 1 primary, 3 guards", n, simulate, effect
        )


def _passes(
    rng: Rng, worlds: int, n: int, psi: float, primary: float, guards: tuple[float, ...], margin: float
) -> d.BoolArray:
    passed = d.p_values(*w.pairs(rng, worlds, n, psi, primary)) <= ALPHA
    for guard in guards:
        passed &= d.no_worse(*w.pairs(rng, worlds, n, psi, guard), n, margin, ALPHA)
    return np.asarray(passed)


# -- P5 ----------------------------------------------------------------------------------------------------------


def _sequential() -> Iterator[Design]:
    for every, psi, effect in (
        (1, 0.2, 0.10),
        (10, 0.2, 0.10),
        (1, 0.2, 0.05),
        (1, 0.4, 0.10),
        (50, 0.1, 0.05),
    ):

        def simulate(
            rng: Rng, worlds: int, every: int = every, psi: float = psi, effect: float = effect
        ) -> Found:
            nothing, something = (_wealth(w.stream(rng, worlds, 500, psi, e), +1) for e in (0.0, effect))
            limit = -np.log(ALPHA)
            wrong, stops = d.ever(nothing, limit, every), d.first(something, limit, every)
            right = stops <= 500
            more = {"median_stop": int(np.median(stops[right])) if right.any() else None}
            return _found(wrong, right, p.power_sequential(500, psi, effect, ALPHA, every), more)

        looks = "every example" if every == 1 else f"every {every}"
        name = f"sequential, looked at {looks}, up to 500, {psi:.0%} differ, effect {effect}"
        yield Design(name, "P5 McNemar e-process", 500, simulate, effect)


def _canary() -> Iterator[Design]:
    for psi, harm in ((0.2, 0.10), (0.15, 0.10), (0.3, 0.10)):

        def simulate(rng: Rng, worlds: int, psi: float = psi, harm: float = harm) -> Found:
            same, worse = w.stream(rng, worlds, 500, psi, 0.0), w.stream(rng, worlds, 500, psi, -harm)
            limit = -np.log(ALPHA)
            wrong, stops = d.ever(_wealth(same, -1), limit), d.first(_wealth(worse, -1), limit)
            _same_as_process(worse, stops)
            right = stops <= 500
            more = {"median_stop": int(np.median(stops[right])) if right.any() else None,
                    "false_benefit_of_the_worse": float(d.ever(_wealth(worse, +1), limit).mean())}  # fmt: skip
            return _found(wrong, right, p.power_sequential(500, psi, harm, ALPHA), more)

        name = f"canary, mirrored, 500 requests, {psi:.0%} differ, {harm:.0%} worse"
        yield Design(name, "P5 harm e-process", 500, simulate, -harm)


def _wealth(stream: IntArray, sign: int) -> FloatArray:
    """Return the log e-value after every pair, shape (worlds, steps), for wins (+1) or for losses (-1)."""
    wins, losses = (stream == sign).cumsum(axis=1), (stream == -sign).cumsum(axis=1)
    most = int(max(wins.max(), losses.max())) + 1
    a, b = np.meshgrid(np.arange(most), np.arange(most), indexing="ij")
    return np.asarray(log_e_values(a, b)[wins, losses])


def _unpaired() -> Iterator[Design]:
    for n, share, rate, harm in ((2000, 0.5, 0.85, 0.10), (2000, 0.1, 0.85, 0.15), (1000, 0.5, 0.6, 0.15)):

        def simulate(
            rng: Rng, worlds: int, n: int = n, share: float = share, rate: float = rate, harm: float = harm
        ) -> Found:
            same, _ = rates_wealth(rng, worlds, n, share, rate, rate)
            worse, sides = rates_wealth(rng, worlds, n, share, rate, rate - harm)
            _same_as_rates(worse, sides)
            limit = -np.log(ALPHA)
            planned, _ = rates_wealth(
                np.random.default_rng([n, 11]), PLANNED // 2, n, share, rate, rate - harm
            )
            stops = d.first(worse, limit)
            more = {"median_stop": int(np.median(stops[stops <= n])) if (stops <= n).any() else None}
            return _found(d.ever(same, limit), stops <= n, float(d.ever(planned, limit).mean()), more)

        name = f"canary, unpaired rates, {n} requests, share {share:.0%}, {harm:.0%} worse"
        yield Design(name, "P5 two-sample e-process", n, simulate, -harm)


def rates_wealth(
    rng: Rng, worlds: int, n: int, share: float, base: float, candidate: float
) -> tuple[FloatArray, tuple[Any, Any]]:
    """Return the log e-value of harm after every request, and the first worlds' sides and scores."""
    side = rng.random((worlds, n)) < share
    good = rng.random((worlds, n)) < np.where(side, candidate, base)
    total_good, total = np.full((2, worlds), 0.5), np.full((2, worlds), 1.0)
    block_good, block = np.zeros((2, worlds)), np.zeros((2, worlds))
    wealth, path = np.zeros(worlds), np.zeros((worlds, n))
    for t in range(n):
        for k, mine in enumerate((~side[:, t], side[:, t])):
            block[k] += mine
            block_good[k] += mine & good[:, t]
        closed = (block > 0).all(axis=0)
        if closed.any():
            rate = total_good / total
            middle = (block * rate).sum(axis=0) / np.maximum(1, block.sum(axis=0))
            middle = np.where(closed, middle, 0.5)
            ratio = block_good * np.log(rate / middle) + (block - block_good) * np.log(
                (1 - rate) / (1 - middle)
            )
            wealth = wealth + np.where(closed & (rate[1] < rate[0]), ratio.sum(axis=0), 0.0)
            total_good += np.where(closed, block_good, 0.0)
            total += np.where(closed, block, 0.0)
            block_good, block = np.where(closed, 0.0, block_good), np.where(closed, 0.0, block)
        path[:, t] = wealth
    return path, (side[:CHECKED], good[:CHECKED])


def _bounded() -> Iterator[Design]:
    methods: tuple[Literal["bernstein", "betting"], ...] = ("bernstein", "betting")
    for method in methods:

        def simulate(rng: Rng, worlds: int, method: Literal["bernstein", "betting"] = method) -> Found:
            wrong, right = (_cleared(rng, worlds, 400, e, method) for e in (0.0, 0.10))
            planned = _cleared(np.random.default_rng([400, 13]), PLANNED, 400, 0.10, method)
            return _found(wrong, right, float(planned.mean()))

        name = f"bounded scores, looked at every example, up to 400, {method}"
        yield Design(name, "P5 confidence sequence", 400, simulate, 0.10)


def _cleared(
    rng: Rng, worlds: int, n: int, effect: float, method: Literal["bernstein", "betting"]
) -> d.BoolArray:
    """Return where the lower bound of the mean difference of two scores in 0..1 ever passes 0."""
    a, b = rng.beta(4 + 10 * effect, 3, size=(worlds, n)), rng.beta(4, 3, size=(worlds, n))
    found = d.lower_passes_half((a - b + 1) / 2, 2 * ALPHA, method)
    for x, said in zip((a - b)[:2], found[:2], strict=True):
        sequence = ConfidenceSequence(2 * ALPHA, -1.0, 1.0, method)
        lows = [sequence.add(float(v)).low for v in x]
        _agree(max(lows) > 0, bool(said), f"a confidence sequence ({method})")
    return found


# -- what is done elsewhere ----------------------------------------------------------------------------------------


def _comparators() -> Iterator[Design]:
    for n in (20, 200, 500):

        def mean_rule(rng: Rng, worlds: int, n: int = n) -> Found:
            (b, c), (x, y) = w.pairs(rng, worlds, n, 0.2, 0.0), w.pairs(rng, worlds, n, 0.2, 0.05)
            return _found(np.asarray(b > c), np.asarray(x > y), None)

        yield Design(f"mean is higher, {n} examples", "no test", n, mean_rule, 0.05, comparator=True)

    def peeking(rng: Rng, worlds: int) -> Found:
        seen = [w.stream(rng, worlds, 500, 0.2, e) for e in (0.0, 0.05)]
        wrong, right = (
            np.asarray(
                d.naive((s == 1).cumsum(axis=1), (s == -1).cumsum(axis=1), ALPHA)[:, 9::10].any(axis=1)
            )
            for s in seen
        )
        return _found(wrong, right, None)

    yield Design("fixed-n test looked at every 10, up to 500", "McNemar mid-p, repeated", 500, peeking, 0.05,
                 comparator=True)  # fmt: skip

    def unpaired_z(rng: Rng, worlds: int) -> Found:
        n, rate = 200, 0.75
        found = []
        for effect in (0.0, 0.05):
            b, c = w.pairs(rng, worlds, n, 0.2, effect)
            base, other = rate, rate + (b - c) / n
            spread = np.sqrt((base * (1 - base) + other * (1 - other)) / n)
            found.append(np.asarray((other - base) / spread >= z_of(ALPHA)))
        return _found(found[0], found[1], None)

    yield Design(
        "unpaired z test on paired answers, 200 examples",
        "two-sample z",
        200,
        unpaired_z,
        0.05,
        comparator=True,
    )

    def no_clusters(rng: Rng, worlds: int) -> Found:
        clusters = w.unequal(np.random.default_rng(30), 30)
        single = w.Clusters((1,) * clusters.n)
        sides = (w.scores(rng, worlds, clusters, 0.3, 0.25, e, 0.3) for e in (0.0, 0.08))
        wrong, right = (d.scores_p(x, single) <= ALPHA for x in sides)
        return _found(wrong, right, None)

    yield Design(
        "clusters ignored, 30 clusters, ICC 0.3",
        "t test over examples",
        w.unequal(np.random.default_rng(30), 30).n,
        no_clusters,
        0.08,
        comparator=True,
    )


# -- the bench decides as the gate does ------------------------------------------------------------------------------


def _found(
    wrong: d.BoolArray, right: d.BoolArray, announced: float | None, more: Mapping[str, Any] | None = None
) -> Found:
    return Found(int(wrong.sum()), int(right.sum()), announced, more or {})


def _same_as_gate_pairs(
    counts: tuple[IntArray, IntArray], n: int, decided: d.BoolArray, strict: bool = False, margin: float = 0.0
) -> None:
    for b, c, said in zip(*(x[:CHECKED] for x in counts), decided[:CHECKED], strict=True):
        candidate = [1.0] * int(b) + [0.0] * int(n - b)
        baseline = [0.0] * int(b) + [1.0] * int(c) + [0.0] * int(n - b - c)
        made = compare_paired(
            candidate, baseline, binary=True, margin=margin, alpha=ALPHA, strict=strict, min_n=n
        )
        _agree(made.significant, bool(said), f"{b} wins, {c} losses of {n}")


def _same_as_gate_scores(
    differences: FloatArray, clusters: w.Clusters, decided: d.BoolArray, margin: float
) -> None:
    members = clusters.members.tolist()
    for row, said in zip(differences[:CHECKED], decided[:CHECKED], strict=True):
        made = compare_paired(
            row, np.zeros_like(row), members, binary=False, margin=margin, alpha=ALPHA, min_n=2
        )
        _agree(made.significant, bool(said), f"{len(clusters.sizes)} clusters")


def _same_as_process(stream: IntArray, stops: IntArray) -> None:
    words = {1: "win", -1: "loss", 0: "tie"}
    for row, stop in zip(stream[:CHECKED], stops[:CHECKED], strict=True):
        process = SequentialPairs(alpha=1e-9, harm_alpha=ALPHA)
        for outcome in row:
            process.add(words[int(outcome)])  # type: ignore[arg-type]
        _agree(process.decided_at or len(row) + 1, int(stop), "a canary")


def _same_as_rates(path: FloatArray, sides: tuple[Any, Any]) -> None:
    for values, side, good in zip(path[:2], *(s[:2] for s in sides), strict=True):
        process = SequentialRates(alpha=1e-9, harm_alpha=ALPHA)
        for mine, fine in zip(side, good, strict=True):
            process.add("candidate" if mine else "baseline", bool(fine))
        _agree(round(process.harm, 6), round(float(values[-1]), 6), "an unpaired canary")


def _agree(gate: object, bench: object, what: str) -> None:
    if gate != bench:
        raise InternalError(f"the simulation decides {bench} where the gate decides {gate}, for {what}")
