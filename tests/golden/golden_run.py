"""One small training on the 8x8 digits, whose outcome `small-dense.json` pins.

    python tests/golden/golden_run.py --seed 0     # one run, printed as JSON
    python tests/golden/golden_run.py --write      # pin anew (10 s); say in the commit why the numbers may move

`early` is told after 40 steps, where machines still differ by rounding alone; `late` after 300, where rounding has
grown and only the law of the outcome over seeds is the same everywhere.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from ganzoo import data
from ganzoo.bench.catalogue import protocol_of
from ganzoo.metrics.evaluate import evaluate
from ganzoo.spec.schema import Case
from ganzoo.train.loop import train
from ganzoo.train.state import State

PINNED = Path(__file__).with_name("small-dense.json")
SEEDS = [0, 1, 2, 3, 4]
EARLY, LATE = 40, 300
METRICS = ("frechet", "kid", "is", "precision", "recall", "entropy")

CASE = {
    "model": {"name": "mlp-gan", "latent": {"dim": 32, "dist": "normal"}, "hidden_g": [64, 128], "hidden_d": [128, 64], "dropout_d": 0.3},
    "data": {"name": "digits"},
    "optim": {"g": {"name": "adam", "lr": 1e-3, "betas": [0.5, 0.999]}, "d": {"name": "adam", "lr": 1e-3, "betas": [0.5, 0.999]}},
    "train": {"batch_size": 64, "epochs": 14, "log_every_steps": 5},
    "eval": {"protocol": "digits-cnn", "num_fake": 1000, "num_select": 10},
}


def golden_run(seed: int) -> dict:
    """Losses of the early windows, metrics, and the digest of the last weights; on one thread."""
    torch.set_num_threads(1)
    case = Case.model_validate_json(json.dumps(CASE))
    state = State.fresh(case, data.load("digits", "train").images, seed, LATE, torch.device("cpu"))
    outcome: dict = {"seed": seed}
    for name, steps in (("early", EARLY), ("late", LATE)):
        train(case, state, steps)
        found, _ = evaluate(state.g, protocol_of(case), case, seed, "cpu")
        outcome[name] = {key: round(float(found.metrics[key]), 6) for key in METRICS}
    log = state.log.read()
    windows = EARLY // case.train.log_every_steps
    return outcome | {"losses": {player: log[player][:windows] for player in ("d", "g")}, "weights": state.weights_digest()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true", help=f"pin seeds {SEEDS} in {PINNED.name}")
    arguments = parser.parse_args()
    if not arguments.write:
        print(json.dumps(golden_run(arguments.seed)))
        return
    runs = [{key: value for key, value in golden_run(seed).items() if key != "weights"} for seed in SEEDS]
    PINNED.write_text(json.dumps({"torch": torch.__version__, "case": CASE, "runs": runs}, indent=1) + "\n")


if __name__ == "__main__":
    main()
