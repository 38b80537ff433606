"""Who serves a model, in the words of the GenAI conventions; every sender has other ones."""

from __future__ import annotations

from typing import Any

from groundwork.telemetry.plain import word

_KNOWN = {
    "az.ai.openai": "azure.ai.openai", "azure": "azure.ai.openai", "azure_openai": "azure.ai.openai",
    "azure-openai": "azure.ai.openai", "azureopenai": "azure.ai.openai", "az.ai.inference": "azure.ai.inference",
    "vertexai": "gcp.vertex_ai", "vertex_ai": "gcp.vertex_ai", "google-vertex": "gcp.vertex_ai",
    "google.vertex": "gcp.vertex_ai", "google_vertexai": "gcp.vertex_ai", "google": "gcp.gemini", "gemini": "gcp.gemini",
    "google-gla": "gcp.gemini", "google.generative-ai": "gcp.gemini", "google_genai": "gcp.gemini",
    "google_generative_ai": "gcp.gemini", "gcp.gen_ai": "gcp.gen_ai", "bedrock": "aws.bedrock", "aws": "aws.bedrock",
    "amazon-bedrock": "aws.bedrock", "amazon_bedrock": "aws.bedrock", "bedrock_converse": "aws.bedrock",
    "mistralai": "mistral_ai", "mistral": "mistral_ai", "mistral ai": "mistral_ai", "xai": "x_ai",
    "watsonx": "ibm.watsonx.ai",
    "ibm_watsonx": "ibm.watsonx.ai", "claude": "anthropic",
}  # fmt: skip
_ENDINGS = (".chat", ".responses", ".completion", ".embedding", ".messages", ".image", ".textembedding")


def provider_of(value: Any) -> str:
    """Return the name of a provider; one that nobody knows stays as it came, in small letters."""
    name = word(value).strip().lower()
    for ending in _ENDINGS:  # the Vercel AI SDK tells the interface behind a dot
        name = name.removesuffix(ending)
    return _KNOWN.get(name, name)
