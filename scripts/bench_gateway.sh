#!/usr/bin/env bash
# Measure the gateway beside LiteLLM, which gets an environment of its own below build/; arguments go to the bench.
set -euo pipefail
cd "$(dirname "$0")/.."
environment=build/litellm
if ! test -x "$environment/bin/litellm"; then
  if command -v uv >/dev/null 2>&1; then uv=uv; else uv=.venv/bin/uv; fi
  $uv venv --quiet "$environment"
  $uv pip install --quiet --python "$environment/bin/python" 'litellm[proxy]'
fi
exec .venv/bin/groundwork bench gateway --litellm "$environment" "$@"
