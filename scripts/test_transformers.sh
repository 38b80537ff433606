#!/usr/bin/env bash
# Run the tests of the provider `transformers` on a tiny model, in an environment of its own: torch is large, and nothing else
# here needs it. Takes the environment's folder (default: a new temporary one, removed at the end). With UV_TORCH_BACKEND=cpu
# uv takes the smaller build for the processor alone, where its index can be reached.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=$(command -v uv || echo .venv/bin/uv)
if [ $# -gt 0 ]; then
  folder=$1
else
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
fi
[ -x "$folder/bin/python" ] || "$uv" venv --quiet --python "${PYTHON:-.venv/bin/python}" "$folder"
"$uv" pip install --quiet --python "$folder/bin/python" --editable '.[transformers]' 'pytest>=9,<10' 'hypothesis>=6.150'
"$folder/bin/python" -m pytest -q -p no:cacheprovider tests/gateway/providers/test_transformers.py \
  tests/gateway/providers/test_contract.py -k transformers
