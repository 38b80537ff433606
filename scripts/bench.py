"""Run every bench one after the other and write what each prints: `python scripts/bench.py DATA [OUT]`.

DATA is a folder of data sets; those that are absent are left out, saying so.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SETS = ("cranfield", "docs_rag", "vaswani_npl", "code_retrieval", "squad2", "xquad")


def main() -> int:
    if len(sys.argv) < 2:
        print("usage: make bench DATA=FOLDER", file=sys.stderr)
        return 2
    data, out = Path(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else "build/bench")
    out.mkdir(parents=True, exist_ok=True)
    jobs = [("start", ["start"]), ("index", ["index"]), ("search", ["search"])]
    jobs += [("extract-squad2", ["extract", str(data / "squad2")])]
    jobs += [(f"retrieval-{name}", ["retrieval", str(data / name)]) for name in SETS]
    jobs += [
        ("parsing", ["parsing", str(data / "ingest_files")]),
        ("ingest", ["ingest", "--documents", "400"]),
    ]
    jobs += [("unchanged", ["ingest", "--documents", "10000", "--words", "20", "--embedder", "none"])]
    for name, arguments in jobs:
        if arguments[-1].startswith(str(data)) and not Path(arguments[-1]).is_dir():
            print(f"{name}: left out, {arguments[-1]} is not there", file=sys.stderr)
            continue
        print(f"groundwork bench {' '.join(arguments)}", file=sys.stderr)
        program = [
            sys.executable,
            "-c",
            "from groundwork.cli import main; main()",
            "bench",
            *arguments,
            "--json",
        ]
        done = subprocess.run(program, stdout=subprocess.PIPE, text=True, check=False)
        (out / f"{name}.json").write_text(done.stdout)
        if done.returncode:
            print(f"{name}: ended with {done.returncode}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
