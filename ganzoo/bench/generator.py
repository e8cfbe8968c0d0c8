"""The generator that a finished run leaves behind."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from torch import nn

from ganzoo.bench.code import science_digest
from ganzoo.bench.run import CHECKPOINT
from ganzoo.bench.sides import held_out, two_sided
from ganzoo.bench.store import read_record
from ganzoo.errors import CheckpointError
from ganzoo.metrics.translator import Translator
from ganzoo.spec.schema import Case
from ganzoo.tensor_digest import digest_tensors
from ganzoo.train import checkpoint
from ganzoo.train.state import build_networks

FILES = (CHECKPOINT, "record.json")


@dataclass(frozen=True)
class Trained:
    """G of a run's checkpoint (the averaged one, if the case keeps one; a Translator, if it translates), and the run it comes from."""

    net: nn.Module
    case: Case
    seed: int
    step: int
    record: dict
    code_changed: bool = False  # whether the science code, or the model's, is another than the one that trained it


def load_generator(path: Path) -> Trained:
    """From a run's folder, or a file of FILES in it; CheckpointError or StoreError where these are not whole or not of one run."""
    folder = path if path.is_dir() else path.parent
    file = folder / CHECKPOINT
    if not file.is_file() or not (folder / "record.json").is_file():
        raise CheckpointError(f"{folder} is no run's folder: expected {CHECKPOINT} and record.json in it, as below results/.")
    record = read_record(folder / "record.json")
    tensors, meta = checkpoint.load(file)
    if meta.get("key") != record["key"]:
        raise CheckpointError(f"{file} belongs to run {meta.get('key')}, the record beside it to {record['key']}. Run that case again.")
    if "shape" not in record.get("data", {}):  # the row of a crash does not know it
        raise CheckpointError(f"{folder}: the run crashed, its record names no shape of images. `ganzoo run ... --retry` goes on with it.")
    try:
        case = Case.model_validate_json(json.dumps(record["resolved"]))
        net, _ = build_networks(case, tuple(record["data"]["shape"]), record["seed"])
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(map(str, fault["loc"]))
        raise CheckpointError(f"{folder}: the settings in record.json are not this version's: {where}: {fault['msg']}.") from None
    trained = {name.removeprefix("net/"): value for name, value in tensors.items() if name.startswith("net/")}
    if (digest := digest_tensors(trained)) != record["weights"]:
        told = f"holds weights {digest}, the record beside it is of {record['weights']}"
        raise CheckpointError(f"{file} {told}: the run was stopped between writing the two, or one was replaced. Run that case again.")
    prefix = "net/ema." if case.train.ema else "net/g."
    weights = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
    try:
        net.load_state_dict(weights)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise CheckpointError(f"{file} does not fit model {case.model.name} as it is now: {reason}") from None
    if not all(bool(value.isfinite().all()) for value in weights.values()):
        raise CheckpointError(f"{file}: the generator diverged, its weights are not finite. There is nothing to measure.")
    if two_sided(case):
        net = Translator(net, held_out(case), case.data.range, case.eval.num_select)
    code_changed = science_digest(case.model.name) != record["code"]
    return Trained(net.eval(), case, record["seed"], meta["training"]["step"], record, code_changed)


def is_run(path: Path) -> bool:
    """Whether `path` is meant as a run: its folder, or a file in it."""
    return path.name in FILES or any((path / name).is_file() for name in FILES)
