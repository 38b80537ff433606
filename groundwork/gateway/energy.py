"""How much electricity a call took, as an estimate with its stated method.

Providers do not say what a call takes, so this is an order of magnitude and no measurement; `METHOD` says how it is made.
"""

from __future__ import annotations

from groundwork.gateway.types import Usage

METHOD = (
    "By tokens, for a large hosted model: 0.6 mWh for each token written; for n tokens read, 0.2 mWh each and "
    "1.97e-9 Wh times n squared. Tokens from a provider's cache are not counted again. Fitted to Epoch AI (2025), "
    "How much energy does ChatGPT use?: 0.3 Wh for a short question and 500 tokens of answer, 2.5 Wh with 10,000 and "
    "40 Wh with 100,000 tokens read. Google (2025) states 0.24 Wh for its median prompt, data centre included. "
    "A single call may be off by a factor of five either way; small models take less. Embeddings and models that run in "
    "this process are not estimated."
)
SOURCE = "https://epoch.ai/gradient-updates/how-much-energy-does-chatgpt-use"

WRITTEN_UWH = 600.0
READ_UWH = 200.0
READ_SQUARED_UWH = 1.97e-3
_NOT_ESTIMATED = ("extractive", "embed", "scripted")


def energy_uwh(usage: Usage, model: str = "") -> int:
    """Return an estimate of what a call took, in millionths of a watt-hour.

    Args:
        model: the provider's name of it; embeddings and models of this process count as 0.
    """
    name = model.lower()
    if any(word in name for word in _NOT_ESTIMATED):
        return 0
    read = max(0, usage.input_tokens - usage.cached_input_tokens)
    return round(usage.output_tokens * WRITTEN_UWH + read * READ_UWH + read * read * READ_SQUARED_UWH)
