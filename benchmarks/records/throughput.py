"""Time the training step and keep the outcome beside this file.

    python benchmarks/records/throughput.py            # throughput.json: about two minutes on 2 cores; the machine should do nothing else
    python benchmarks/records/throughput.py dcgan      # dcgan.json: about four minutes
    python benchmarks/records/throughput.py self       # self.json: about a minute

Of what pytest-benchmark writes, the ratios and the spread of the seconds stay, with commit, processor and Python; the machine's
name and the raw rounds are left out. Nothing is written where a ratio misses its bound.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BENCHES = ("throughput", "dcgan", "self")  # benchmarks/bench_NAME.py


def reduced(raw: dict, command: str) -> dict:
    """The record from pytest-benchmark's JSON."""
    machine, commit = raw["machine_info"], raw["commit_info"]
    return {
        "command": command,
        "when": raw["datetime"],
        "commit": commit["id"],
        "uncommitted_changes": commit["dirty"],
        "cpu": machine["cpu"].get("brand_raw", machine["machine"]),
        "cores": machine["cpu"].get("count"),
        "python": machine["python_version"],
        "benchmarks": [{"name": one["name"], **one["extra_info"]} for one in raw["benchmarks"]],
    }


def main(name: str = BENCHES[0]) -> int:
    if name not in BENCHES:
        print(f"no bench '{name}', expected one of {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    bench, kept = Path("benchmarks") / f"bench_{name}.py", HERE / f"{name}.json"
    command = " ".join(["python benchmarks/records/throughput.py", *([name] if name != BENCHES[0] else [])])
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "raw.json"
        measured = subprocess.run([sys.executable, "-m", "pytest", str(bench), f"--benchmark-json={raw}"], cwd=ROOT)
        if measured.returncode:
            return measured.returncode
        record = json.dumps(reduced(json.loads(raw.read_text()), command), indent=1) + "\n"
    kept.write_text(record)
    print(f"{kept}:\n{record}", end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
