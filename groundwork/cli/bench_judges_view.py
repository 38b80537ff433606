"""How `groundwork bench judges` is laid out: one table of agreements for each set, one of leanings, the simulation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from groundwork.cli.bench_view import interval
from groundwork.cli.screen import Screen

_LEANINGS = {
    "position": "first place",
    "length": "longer output",
    "self_preference": "output of its own family",
}


def lines(result: Mapping[str, Any], screen: Screen) -> list[str]:
    """Lay out what `bench.judges.run` returned."""
    found: list[str] = []
    for name, one in result.get("sets", {}).items():
        found += ["", screen.bold(f"{name}: {one.get('items', 0)} items ({one['kind']}, data {one['data']})")]
        found += [one["note"]] if one.get("note") else []
        found += _agreements(one, screen)
        found += _leanings(one, screen)
        for judge, card in one.get("judges", {}).items():
            word = _allowed(card)
            found += screen.paragraph(f"{judge}: {word}: {card['because']}", "  ")
    if "simulation" in result:
        found += ["", *_simulation(result["simulation"], screen)]
    found += ["", f"seed {result['seed']}, {result['wall_s']} s"]
    return found[1:]


def _agreements(one: Mapping[str, Any], screen: Screen) -> list[str]:
    found: list[str] = []
    people = dict(one.get("people", {}))
    alpha = people.pop("krippendorff_alpha", None)
    for between, entry in people.items():
        found += _agreement(between, entry, screen)
    if alpha:
        found += _agreement("all people", {"alpha": alpha}, screen)
    for judge, card in one.get("judges", {}).items():
        for key, entry in card.items():
            if key.startswith("with ") and isinstance(entry, Mapping):
                found += _agreement(f"{judge} {key}", {"n": card["n"], **entry}, screen)
        if card.get("kappa, quadratic weights"):
            weighted = {"kappa, quadratic weights": card["kappa, quadratic weights"]}
            found += _agreement(f"{judge} with most people", weighted, screen)
    return found


def _agreement(between: str, entry: Mapping[str, Any], screen: Screen) -> list[str]:
    words = {"ac1": "AC1", "alpha": "Krippendorff's alpha"}
    figures = [f"n {entry['n']}"] if "n" in entry else []
    figures += [f"{words.get(k, k)} {interval(v)}" for k, v in entry.items() if isinstance(v, Mapping)]
    figures += [f"published {entry['published']:.2f}"] if "published" in entry else []
    figures += [str(entry["note"])] if "note" in entry else []
    return [between, *screen.paragraph(", ".join(figures), "    ", "    ")]


def _leanings(one: Mapping[str, Any], screen: Screen) -> list[str]:
    found: list[str] = []
    for judge, card in one.get("judges", {}).items():
        for key, word in _LEANINGS.items():
            leaning = card.get(key)
            if leaning:
                says = "leans" if leaning["found"] else "no leaning shown"
                text = (
                    f"{says}: sides with the {word} {interval(leaning['points'])} more often than people do"
                )
                if key == "position":
                    text = (
                        f"{says}: takes the {word} {interval(leaning['points'])} more often than the second; the same "
                        f"in both orders {interval(leaning['consistent'])}"
                    )
                found += screen.paragraph(f"{judge} {text}; p = {leaning['p_value']:.2g}", "    ")
        if "average_accuracy" in card:
            found.append(
                f"{judge} is right in {card['average_accuracy']:.3f} of both orders, "
                f"and the same in {card['positional_agreement']:.3f}"
            )
    return found


def _allowed(card: Mapping[str, Any]) -> str:
    if card["may gate unattended"]:
        return "may gate unattended"
    return "may gate" if card["may gate"] else "may not gate"


def _simulation(found: Mapping[str, Any], screen: Screen) -> Sequence[str]:
    rows = [
        [word, interval(found[key]["power"]), interval(found[key]["false_alarms"])]
        for key, word in _LEANINGS.items()
    ]
    head = (
        f"A leaning of {found['bias_points']} points on {found['labels']} labelled pairs, judges that agree with people "
        f"in {100 * found['accuracy']:.0f} of 100, {found['runs']} each"
    )
    return [*screen.paragraph(head), *screen.table(["leaning to", "found", "false alarms"], rows)]
