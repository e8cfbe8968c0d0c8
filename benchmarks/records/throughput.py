"""Time the training step and keep the outcome in throughput.json beside this file.

    python benchmarks/records/throughput.py      # about two minutes on 2 cores; the machine should do nothing else

Of what pytest-benchmark writes, the ratios and the spread of the seconds stay, with commit, processor and Python; the machine's
name and the raw rounds are left out. Nothing is written where a ratio misses its bound.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

RECORD = Path(__file__).with_suffix(".json")
BENCH = Path("benchmarks") / "bench_throughput.py"
ROOT = RECORD.parents[2]


def reduced(raw: dict) -> dict:
    """The record from pytest-benchmark's JSON."""
    machine, commit = raw["machine_info"], raw["commit_info"]
    return {
        "command": "python benchmarks/records/throughput.py",
        "when": raw["datetime"],
        "commit": commit["id"],
        "uncommitted_changes": commit["dirty"],
        "cpu": machine["cpu"].get("brand_raw", machine["machine"]),
        "cores": machine["cpu"].get("count"),
        "python": machine["python_version"],
        "benchmarks": [{"name": one["name"], **one["extra_info"]} for one in raw["benchmarks"]],
    }


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "raw.json"
        measured = subprocess.run([sys.executable, "-m", "pytest", str(BENCH), f"--benchmark-json={raw}"], cwd=ROOT)
        if measured.returncode:
            return measured.returncode
        record = json.dumps(reduced(json.loads(raw.read_text())), indent=1) + "\n"
    RECORD.write_text(record)
    print(f"{RECORD}:\n{record}", end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
