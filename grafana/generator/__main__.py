"""The dashboards. `python3 grafana/generator` writes grafana/dashboards/*.json; with `--check` it only says which differ.

Why a generator: seven files of JSON hold the same thirty lines a panel ninety times, and they drift. Here a panel is its
title, its description, its queries and its unit, and panels.py says the rest. To use the dashboards it is not needed.

A dashboard is a file here, with the name of its JSON file, and what several of them need is in shared.py. They use no
recording rules, so that they work when imported into any Grafana. Every description says what a number means and what
it needs.
"""

import json
import sys
from importlib import import_module
from pathlib import Path

DASHBOARDS = ["fleet", "miner", "pools", "money", "efficiency", "exporter", "gpu-and-pool"]


def main():
    """Writes or checks the files; the exit code is the number of files that differ."""
    check = "--check" in sys.argv[1:]
    folder = Path(__file__).resolve().parents[1] / "dashboards"
    differ = 0
    for name in DASHBOARDS:
        board = import_module(name.replace("-", "_")).BOARD
        path = folder / f"{name}.json"
        wanted = json.dumps(board, indent=1, ensure_ascii=False) + "\n"
        if not path.exists() or path.read_text() != wanted:
            differ += 1
            print(f"{path.name} differs from its generator; run: python3 grafana/generator" if check else f"wrote {path.name}")
            if not check:
                path.write_text(wanted)
    return differ if check else 0


if __name__ == "__main__":
    sys.exit(main())
