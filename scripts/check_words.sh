#!/usr/bin/env bash
# Nothing that is committed may hold an absolute path of a workplace, a registry's host, or a pickle.
set -euo pipefail
cd "$(dirname "$0")/.."
hosts='pypi\.''org|files\.python''hosted|registry\.''npmjs|deb\.''debian\.org'
if git grep -nIE "(^|[^a-z.])/(work|farm|root)/|$hosts" -- . ':!groundwork/server/console/static/vendor' ':!scripts/check_words.sh'; then
  echo "error: a path of a workplace or a registry's host stands above" >&2
  exit 1
fi
if git grep -nE "^\s*(import|from) (pickle|marshal|shelve|dill|joblib)\b|[^a-z_.](eval|exec)\(" -- 'groundwork/*.py'; then
  echo "error: pickle, eval or exec stands above" >&2
  exit 1
fi
