"""`groundwork bench`: measure the groundedness detector."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from groundwork.cli import bench_view as view
from groundwork.cli.bench import UNCHANGED, app
from groundwork.cli.door import Door, Reply
from groundwork.cli.models import models_folder
from groundwork.cli.screen import Screen


@app.add("groundedness", interrupted=UNCHANGED)
def groundedness(
    door: Door,
    path: Annotated[
        Path,
        typer.Argument(
            metavar="DIR", help="The folder of the set, or one file.", show_default=False, exists=True
        ),
    ],
    given: Annotated[
        Path | None,
        typer.Option(
            "--given", metavar="DIR", help="Choose the threshold from all labels of this set.", exists=True
        ),
    ] = None,
    calibrate: Annotated[
        int,
        typer.Option(
            "--calibrate", metavar="K", min=0, help="Choose it from K rows of DIR, measure on the others."
        ),
    ] = 0,
    adapt: Annotated[
        bool,
        typer.Option(
            "--adapt/--threshold-only", help="Fit the weights of a whole text, too, when that is better."
        ),
    ] = True,
    encoder: Annotated[bool, typer.Option("--encoder", help="Use MiniLM beside the words; slower.")] = False,
    chunks: Annotated[
        bool, typer.Option("--chunks", help="Of WiCE, read pieces of pages instead of pages.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", help="Of the draw of rows and of the intervals.")] = 0,
    save: Annotated[
        str,
        typer.Option(
            "--save", metavar="NAME", help="Keep the thresholds as those of a domain of this workspace."
        ),
    ] = "",
) -> Reply:
    """Measure how well the detector tells texts that their passages support from others, without a large model.

    Reads any `*.jsonl` or `*.jsonl.gz` with `id`, `cluster`, `context` (a text or a list of passages), `text` and `label` (1
    or `supported`), and the layouts of WiCE, BEGIN and FaithBench. Intervals are 95 % bootstrap intervals over clusters.
    """
    from groundwork.bench import groundedness as bench
    from groundwork.core.errors import InvalidInputError

    if save and not (given or calibrate):
        raise InvalidInputError(
            "there are no thresholds to keep", hint="choose them with `--given DIR` or `--calibrate K`"
        )
    with door.progress("texts") as progress:
        result = bench.run(
            path,
            given=given,
            labels=calibrate,
            adapt=adapt,
            encoder=encoder,
            chunks=chunks,
            seed=seed,
            models=models_folder(door),
            progress=lambda done, total: progress.stage("texts", done, total),
        )
    if save:
        from groundwork.app.grounding import keep
        from groundwork.evaluation.groundedness.thresholds import Thresholds

        with door.workspace() as workspace:
            result["kept"] = str(keep(workspace, save, Thresholds.from_dict(result["calibration"])))
    return Reply(result, lambda screen: _lines(result, screen))


def _lines(result: Mapping[str, Any], screen: Screen) -> list[str]:
    rows = [
        [name.replace("_", " "), view.interval(result[name]) if result[name] else "one label is missing"]
        for name in ("balanced_accuracy", "auroc", "ece", "per_second")
    ]
    rows.append(
        ["texts", f"{result['n']:,} in {result['clusters']:,} clusters, {result['supported']:,} supported"]
    )
    rows.append(["context", f"{result['context_words']:.0f} words on average"])
    rows.append(["threshold", f"{result['threshold']:.3f} {result['threshold_chosen']}"])
    if result["adapted"]:
        rows.append(["", "the weights of a whole text were fitted anew to these labels"])
    lines = screen.table(["", str(result["set"])], rows, "<<")
    return [*lines, "", screen.soft(f"{result['interval']}; variant `{result['variant']}`; --json has more")]
