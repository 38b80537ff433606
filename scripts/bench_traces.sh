#!/usr/bin/env bash
# Measure OTLP ingest beside a rival, which gets an environment of its own below build/; arguments go to the bench.
# RIVAL=mlflow (default) or arize-phoenix.
set -euo pipefail
cd "$(dirname "$0")/.."
rival=${RIVAL:-mlflow}
environment=build/$rival
command=mlflow
test "$rival" = mlflow || command=phoenix
if ! test -x "$environment/bin/$command"; then
  if command -v uv >/dev/null 2>&1; then uv=uv; else uv=.venv/bin/uv; fi
  $uv venv --quiet "$environment"
  $uv pip install --quiet --python "$environment/bin/python" "$rival"
fi
exec .venv/bin/groundwork bench otlp --rival "$environment" "$@"
