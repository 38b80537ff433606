"""Read and write the logs of Inspect (`inspect_ai`), so that evaluations can move in either direction.

Logs are read as JSON (`--log-format json`) and as `.eval` archives, and written as JSON of version 2, which `inspect view`
and `read_eval_log` open. Source: inspect_ai 0.3, `inspect_ai.log.EvalLog`.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from groundwork.core.errors import InvalidInputError, TooLargeError
from groundwork.datasets.types import Example
from groundwork.evaluation.interop.imported import (
    LARGEST,
    Gathering,
    Imported,
    document,
    example_of,
    items,
    mapping,
    number,
    ours_of,
    output_from,
    score_from,
    written,
)
from groundwork.evaluation.types import Evaluation, Output, Result, Score, ToolUse

__all__ = ["Imported", "inspect_document", "read_inspect", "write_inspect"]

LETTERS = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0}
"""Inspect's marks: correct, incorrect, partly, no answer."""
STATUS = {"done": "success", "failed": "error", "cancelled": "cancelled"}
OURS = "groundwork"
ZSTANDARD = 93


def read_inspect(source: Path | str | Mapping[str, Any]) -> Imported:
    """Return what an Inspect log holds.

    Args:
        source: a file (`.json` or `.eval`), its text, or the object.

    Returns:
        One example for each sample id and one result for each epoch. Marks become numbers (C 1, P .5, I and N 0), with the
        mark as label; a score that is a list or an object becomes one score for each of its numbers, as `name/part`.

    Raises:
        InvalidInputError: it is no log, or an archive that cannot be read here.
    """
    log = _archive(source) if _is_archive(source) else document(source, "the log")
    spec = mapping(log.get("eval"))
    if not spec:
        raise InvalidInputError("this is no log of Inspect: it has no `eval`", hint="give a file of `logs/`")
    gathering = Gathering()
    for i, sample in enumerate(_in_order(log, spec)):
        _sample(gathering, sample, f"sample {i}")
    if log.get("status") not in ("success", None):
        gathering.note(f"the log ended as `{str(log['status'])[:40]}`")
    if not gathering.examples:
        gathering.note("the log holds no samples")
    kept = ("task", "created", "model", "task_args", "packages", "revision", "tags", "metadata")
    return Imported(
        name=str(spec.get("task") or "inspect"),
        model=str(spec.get("model") or ""),
        examples=tuple(gathering.examples),
        results=tuple(gathering.results),
        notes=gathering.notes,
        metadata={k: spec[k] for k in kept if spec.get(k)},
    )


def inspect_document(
    evaluation: Evaluation, examples: Sequence[Example], results: Sequence[Result]
) -> dict[str, Any]:
    """Return an evaluation as an Inspect log, which `inspect view` and `read_eval_log` open.

    Each sample keeps, under `metadata.groundwork`, what Inspect has no word for; `read_inspect` brings it back. Results of
    examples that are not among `examples` (erased since) are left out.
    """
    known = {e.id: e for e in examples}
    kept = [r for r in results if r.example_id in known]
    model = _model(evaluation)
    ids = list(dict.fromkeys(r.example_id for r in kept))
    return {
        "version": 2,
        "status": STATUS.get(evaluation.state, "started"),
        "eval": {
            "eval_id": evaluation.id,
            "run_id": evaluation.id,
            "created": evaluation.created_at,
            "task": evaluation.title or evaluation.dataset or "groundwork",
            "task_id": evaluation.id,
            "task_version": 0,
            "task_args": {},
            "dataset": {
                "name": evaluation.dataset,
                "location": evaluation.dataset_version,
                "samples": len(ids),
                "sample_ids": ids,
                "shuffled": False,
            },
            "model": model,
            "model_args": {},
            "config": {"epochs": evaluation.repeats},
            "packages": {},
            "scorers": [{"name": name, "options": {}, "metadata": {}} for name in evaluation.scorers],
            "metadata": {
                OURS: {"evaluation": evaluation.id, "subject": dict(evaluation.subject), "split": evaluation.split}
            },
        },
        "plan": {"name": "plan", "steps": [], "config": {}},
        "results": {"total_samples": len(kept), "completed_samples": sum(not r.output.failed for r in kept),
                    "scores": _means(kept)},
        "stats": {"started_at": evaluation.started_at or "", "completed_at": evaluation.finished_at or "",
                  "model_usage": {}},
        "samples": [_written_sample(known[r.example_id], r, model) for r in kept],
    }  # fmt: skip


def write_inspect(
    path: Path, evaluation: Evaluation, examples: Sequence[Example], results: Sequence[Result]
) -> None:
    """Write an evaluation as an Inspect log in JSON."""
    log = inspect_document(evaluation, examples, results)
    path.write_text(json.dumps(log, ensure_ascii=False, allow_nan=False, indent=1), encoding="utf-8")


# -- reading ------------------------------------------------------------------------------------------------------


def _in_order(log: Mapping[str, Any], spec: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the samples in the order of their data set, epochs of one beside each other; a log has them as they ended."""
    ids = items(mapping(spec.get("dataset")).get("sample_ids"))
    place = {str(identifier): i for i, identifier in enumerate(ids)}
    samples = [mapping(s) for s in items(log.get("samples"))]
    return sorted(
        samples, key=lambda s: (place.get(str(s.get("id")), len(place)), number(s.get("epoch")) or 0)
    )


def _sample(gathering: Gathering, sample: Mapping[str, Any], where: str) -> None:
    metadata = dict(mapping(sample.get("metadata")))
    ours = mapping(metadata.pop(OURS, None))
    try:
        example = _example(sample, metadata, mapping(ours.get("example")), where)
    except InvalidInputError as error:
        gathering.note(f"{error.message}; it is left out")
        return
    output = output_from(ours.get("output")) or _output(sample)
    scores: dict[str, Score] = {}
    for name, score in mapping(sample.get("scores")).items():
        scores |= _scores(gathering, str(name), mapping(score))
    for name, score in mapping(ours.get("unscored")).items():
        made = score_from(score)
        if made is not None:
            scores[str(name)] = made
    if sample.get("error") and not output.failed:
        gathering.note("a sample with an error counts as failed")
        said = str(mapping(sample["error"]).get("message") or "")[:500]
        output = Output(text=output.text, error="inspect_error", message=said)
    gathering.add(str(sample.get("id", where)), example, output, scores)


def _example(
    sample: Mapping[str, Any], metadata: Mapping[str, Any], ours: Mapping[str, Any], where: str
) -> Example:
    if ours:
        return example_of(ours, where)
    target = sample.get("target")
    asked = sample.get("input")
    values: dict[str, Any] = {
        "input": [_message(m) for m in asked] if isinstance(asked, list) else asked,
        "expected": target if target not in ("", [], None) else None,
        "metadata": {**metadata, **({"choices": sample["choices"]} if sample.get("choices") else {})} or None,
        "id": str(sample["id"]) if sample.get("id") not in (None, "") else None,
    }
    cluster = metadata.get("cluster")
    if isinstance(cluster, str | int):
        values["cluster"] = str(cluster)
    return example_of(values, where)


def _message(message: Any) -> dict[str, Any]:
    found = mapping(message)
    return {"role": str(found.get("role") or "user"), "content": _text(found.get("content"))}


def _text(content: Any) -> str:
    """Return the text of a message, which is a text or a list of parts."""
    if isinstance(content, str):
        return content
    return "\n".join(
        str(mapping(p).get("text") or "") for p in items(content) if mapping(p).get("type") == "text"
    )


def _output(sample: Mapping[str, Any]) -> Output:
    output = mapping(sample.get("output"))
    message = mapping(mapping((items(output.get("choices")) or ({},))[0]).get("message"))
    usage = mapping(output.get("usage"))
    tools = tuple(
        ToolUse(str(mapping(c).get("function") or ""), dict(mapping(mapping(c).get("arguments"))))
        for m in items(sample.get("messages"))
        for c in items(mapping(m).get("tool_calls"))
    )
    return Output(
        text=str(output.get("completion") or "") or _text(message.get("content")),
        tools=tools,
        latency_ms=1000 * (number(output.get("time")) or number(sample.get("working_time")) or 0.0),
        input_tokens=int(number(usage.get("input_tokens")) or 0),
        output_tokens=int(number(usage.get("output_tokens")) or 0),
        model=str(output.get("model") or ""),
    )


def _scores(gathering: Gathering, name: str, score: Mapping[str, Any]) -> dict[str, Score]:
    kept = mapping(mapping(score.get("metadata")).get(OURS))
    ours = score_from(kept) if kept else None
    if ours is not None and ours.value is not None:
        return {name: ours}
    value, reason = score.get("value"), str(score.get("explanation") or "")
    if isinstance(value, Mapping | list):
        parts = value.items() if isinstance(value, Mapping) else enumerate(value)
        found: dict[str, Score] = {}
        for part, inner in parts:
            found |= _scores(gathering, f"{name}/{part}", {"value": inner, "explanation": reason})
        return found
    if isinstance(value, str) and value in LETTERS:
        return {name: Score(LETTERS[value], label=value, reason=reason)}
    figure = number(value)
    if figure is None and isinstance(value, str):
        gathering.note(f"`{name}` has words for scores; they are kept as labels without a value")
        return {name: Score(None, label=value, reason=reason, error="no_number")}
    if figure is None:
        return {name: Score(None, reason=reason or "the log has no number here", error="no_number")}
    return {name: Score(figure, reason=reason)}


def _is_archive(source: Path | str | Mapping[str, Any]) -> bool:
    return isinstance(source, Path) and source.suffix == ".eval"


def _archive(source: Any) -> dict[str, Any]:
    try:
        with zipfile.ZipFile(source) as archive:
            infos = [
                i
                for i in archive.infolist()
                if i.filename.startswith("samples/") and i.filename.endswith(".json")
            ]
            if sum(i.file_size for i in infos) > LARGEST:
                raise TooLargeError(f"`{source}` unpacks to more than {LARGEST:,} bytes")
            log = dict(document(_unpacked(archive, archive.getinfo("header.json")), "the log's header"))
            samples = [document(_unpacked(archive, i), i.filename) for i in infos]
    except KeyError:
        raise InvalidInputError(f"`{source}` has no `header.json`", hint="the run was not finished") from None
    except NotImplementedError:
        raise InvalidInputError(
            f"`{source}` is packed in a way that is not known here",
            hint=f"write it as JSON: inspect log convert {source} --to json --output-dir .",
        ) from None
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise InvalidInputError(f"`{source}` cannot be read as a log of Inspect: {error}") from None
    return {**log, "samples": samples}


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> str:
    """Return the text of a member; Inspect packs with Zstandard, which the standard library reads from Python 3.14 on."""
    if info.compress_type != ZSTANDARD:
        return archive.read(info).decode()
    import pyarrow

    stream = archive.fp
    if stream is None or info.file_size > LARGEST:
        raise ValueError(f"{info.filename} is too large")
    stream.seek(info.header_offset)
    header = stream.read(30)
    if header[:4] != b"PK\x03\x04":
        raise zipfile.BadZipFile(f"{info.filename} has no header")
    stream.seek(info.header_offset + 30 + sum(int.from_bytes(header[k : k + 2], "little") for k in (26, 28)))
    packed = pyarrow.BufferReader(stream.read(info.compress_size))
    text: bytes = pyarrow.input_stream(packed, compression="zstd").read(info.file_size + 1)
    if len(text) != info.file_size or zlib.crc32(text) != info.CRC:
        raise zipfile.BadZipFile(f"{info.filename} is damaged")
    return text.decode()


# -- writing ------------------------------------------------------------------------------------------------------


def _written_sample(example: Example, result: Result, model: str) -> dict[str, Any]:
    output = result.output
    asked = example.input if isinstance(example.input, str) else None
    messages = (
        [{"role": "user", "content": asked, "source": "input"}] if asked is not None else _chat(example.input)
    )
    answer = {
        "role": "assistant",
        "content": output.text,
        "source": "generate",
        "model": output.model or model,
    }
    usage = {
        "input_tokens": output.input_tokens,
        "output_tokens": output.output_tokens,
        "total_tokens": output.input_tokens + output.output_tokens,
    }
    sample: dict[str, Any] = {
        "id": example.id,
        "epoch": result.repeat + 1,
        "input": asked if asked is not None else messages,
        "target": list(example.references) if len(example.references) != 1 else example.references[0],
        "messages": [*messages, answer],
        "output": {
            "model": output.model or model,
            "choices": [{"message": answer, "stop_reason": "stop"}],
            "completion": output.text,
            "usage": usage,
            "time": output.latency_ms / 1000,
        },
        "scores": {name: _written_score(s) for name, s in result.scores.items() if s.value is not None},
        "metadata": {**dict(example.metadata), OURS: ours_of(example, output, result.scores)},
        "store": {},
        "events": [],
        "model_usage": {},
        "total_time": output.latency_ms / 1000,
    }
    if example.cluster:
        sample["metadata"].setdefault("cluster", example.cluster)
    if output.failed:
        said = output.message or output.error
        sample["error"] = {"message": said, "traceback": "", "traceback_ansi": ""}
    return sample


def _chat(asked: Any) -> list[dict[str, Any]]:
    roles = ("system", "user", "assistant")
    if isinstance(asked, list) and all(mapping(m).get("role") in roles for m in asked):
        return [{"role": m["role"], "content": _text(m.get("content")), "source": "input"} for m in asked]
    return [{"role": "user", "content": written(asked), "source": "input"}]


def _written_score(score: Score) -> dict[str, Any]:
    return {
        "value": score.value,
        "explanation": score.reason or None,
        "metadata": {OURS: score.as_dict()},
        "history": [],
    }


def _means(results: Sequence[Result]) -> list[dict[str, Any]]:
    found: dict[str, list[float]] = {}
    for result in results:
        for name, score in result.scores.items():
            if score.value is not None:
                found.setdefault(name, []).append(score.value)
    return [
        {
            "name": name,
            "scorer": name,
            "scored_samples": len(values),
            "params": {},
            "metrics": {"mean": {"name": "mean", "value": sum(values) / len(values), "params": {}}},
        }
        for name, values in found.items()
    ]


def _model(evaluation: Evaluation) -> str:
    kind, name = evaluation.subject.get("kind") or "app", evaluation.subject.get("name") or evaluation.app
    return str(name) if kind == "model" else f"groundwork/{name or 'app'}"
