"""Write MiniLM's network as an ONNX graph out of its tensors, in float or with 8-bit weights.

The graph takes one text at a time, already looked up in the embedding tables, and gives its unit vector.
Running one text at a time is what makes a vector depend on the text alone: neither padding, nor the sizes of
batch mates, nor the scale of their activations (8-bit kernels scale by the largest activation of a run) can
reach it. On CPUs it costs nothing, since several texts run side by side on one thread each.

Operators of ONNX Runtime's contributed set do the work: `MultiHeadAttention`, `SkipLayerNormalization`,
`BiasGelu`, and `DynamicQuantizeMatMul` or `MatMulNBits` for 8-bit weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Precision = Literal["fp32", "int8"]
Tensors = Mapping[str, NDArray[Any]]
LAYERS, HEADS, HIDDEN = 6, 12, 384
EPSILON = 1e-12
CONTRIB = "com.microsoft"


def minilm_graph(tensors: Tensors, precision: Precision) -> bytes:
    """Return the serialised graph: input `x` (1, tokens, 384) float32, output `vector` (1, 384), unit length.

    Args:
        tensors: the 104 tensors by their names in `model.safetensors`.
        precision: `int8` keeps weights as symmetric signed bytes with one scale per output, and quantises
        activations
            on the fly with one scale per matrix; attention, norms and pooling stay in float.
    """
    return _Writer(tensors, precision).model()


class _Writer:
    """Collects nodes and constants while walking through the layers."""

    def __init__(self, tensors: Tensors, precision: Precision) -> None:
        from onnx import helper, numpy_helper

        self.helper, self.to_tensor = helper, numpy_helper.from_array
        self.tensors, self.precision = tensors, precision
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def model(self) -> bytes:
        from onnx import TensorProto

        hidden = self._embed_norm("x")
        for layer in range(LAYERS):
            hidden = self._layer(hidden, f"encoder.layer.{layer}.")
        self._node("ReduceMean", [hidden], "pooled", axes=[1], keepdims=0)
        self._node("LpNormalization", ["pooled"], "vector", axis=1, p=2)
        info = self.helper.make_tensor_value_info
        graph = self.helper.make_graph(
            self.nodes,
            "minilm",
            [info("x", TensorProto.FLOAT, [1, "tokens", HIDDEN])],
            [info("vector", TensorProto.FLOAT, [1, HIDDEN])],
            self.constants,
        )
        opsets = [self.helper.make_opsetid("", 17), self.helper.make_opsetid(CONTRIB, 1)]
        written: bytes = self.helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString()
        return written

    def _embed_norm(self, x: str) -> str:
        norm = [self._constant(f"embeddings.LayerNorm.{part}") for part in ("weight", "bias")]
        return self._node("LayerNormalization", [x, *norm], "embedded", axis=-1, epsilon=EPSILON)

    def _layer(self, x: str, at: str) -> str:
        names = [f"{at}attention.self.{part}" for part in ("query", "key", "value")]
        weights = np.concatenate([self.tensors[f"{n}.weight"] for n in names])
        biases = np.concatenate([self.tensors[f"{n}.bias"] for n in names])
        joined = self._linear(x, weights, f"{at}qkv", bias=biases)
        self.nodes.append(self.helper.make_node("Split", [joined], [f"{at}q", f"{at}k", f"{at}v"], axis=2))
        inputs = [f"{at}q", f"{at}k", f"{at}v"]
        seen = self._node("MultiHeadAttention", inputs, f"{at}seen", CONTRIB, num_heads=HEADS)
        out = self._linear(seen, self.tensors[f"{at}attention.output.dense.weight"], f"{at}attended")
        x = self._skip_norm(out, x, f"{at}attention.output.")
        wide = self._linear(x, self.tensors[f"{at}intermediate.dense.weight"], f"{at}wide")
        bias = self._constant(f"{at}intermediate.dense.bias")
        active = self._node("BiasGelu", [wide, bias], f"{at}active", CONTRIB)
        out = self._linear(active, self.tensors[f"{at}output.dense.weight"], f"{at}narrow")
        return self._skip_norm(out, x, f"{at}output.")

    def _skip_norm(self, x: str, skip: str, at: str) -> str:
        parts = [self._constant(f"{at}{p}") for p in ("LayerNorm.weight", "LayerNorm.bias", "dense.bias")]
        return self._node(
            "SkipLayerNormalization", [x, skip, *parts], f"{at}normed", CONTRIB, epsilon=EPSILON
        )

    def _linear(self, x: str, weight: NDArray[Any], name: str, bias: NDArray[Any] | None = None) -> str:
        tail = [] if bias is None else [self._constant(f"{name}.bias", bias)]
        if self.precision == "int8":
            whole, scale = quantise_per_output(weight)
            inputs = [
                x,
                self._constant(f"{name}.whole", whole),
                self._constant(f"{name}.scale", scale),
                "",
                *tail,
            ]
            return self._node("DynamicQuantizeMatMul", inputs, name, CONTRIB)
        product = self._node("MatMul", [x, self._constant(f"{name}.weight", weight.T)], f"{name}.product")
        return self._node("Add", [product, *tail], name) if tail else product

    def _constant(self, name: str, value: NDArray[Any] | None = None) -> str:
        value = self.tensors[name] if value is None else value
        self.constants.append(self.to_tensor(np.ascontiguousarray(value), name))
        return name

    def _node(
        self, operator: str, inputs: list[str], output: str, domain: str = "", **attributes: Any
    ) -> str:
        self.nodes.append(self.helper.make_node(operator, inputs, [output], domain=domain, **attributes))
        return output


def quantise_per_output(weight: NDArray[Any]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return `(whole, scale)` with `whole * scale` close to the transposed weight.

    Args:
        weight: shape (outputs, inputs).

    Returns:
        Whole numbers in -127..127, shape (inputs, outputs), and one positive scale per output.
    """
    scale = (np.abs(weight).max(axis=1) / 127).astype(np.float32)
    scale[scale == 0] = 1.0
    whole = np.rint(weight / scale[:, None]).astype(np.int8)
    return whole.T, scale
