"""The generator that a finished run leaves behind."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from torch import nn

from ganzoo.bench.store import read_record
from ganzoo.errors import CheckpointError
from ganzoo.spec.schema import Case
from ganzoo.train import checkpoint
from ganzoo.train.state import build_networks

CHECKPOINT = "checkpoint.safetensors"


@dataclass(frozen=True)
class Trained:
    """G of a run's checkpoint (the averaged one, if the case keeps one), and the run it comes from."""

    net: nn.Module
    case: Case
    seed: int
    step: int
    record: dict


def load_generator(path: Path) -> Trained:
    """From a run's folder, or the checkpoint in it; CheckpointError where either the checkpoint or the record beside it is not whole."""
    folder = path if path.is_dir() else path.parent
    file = folder / CHECKPOINT
    if not file.is_file() or not (folder / "record.json").is_file():
        raise CheckpointError(f"{folder} is no run's folder: expected {CHECKPOINT} and record.json in it, as below results/.")
    record = read_record(folder / "record.json")
    try:
        case = Case.model_validate_json(json.dumps(record["resolved"]))
    except ValidationError as error:
        raise CheckpointError(f"{folder}: the settings in record.json are not those of this version: {error}") from None
    tensors, meta = checkpoint.load(file)
    if meta.get("key") != record["key"]:
        raise CheckpointError(f"{file} belongs to run {meta.get('key')}, the record beside it to {record['key']}.")
    net, _ = build_networks(case, tuple(record["data"]["shape"]), record["seed"])
    prefix = "net/ema." if case.train.ema else "net/g."
    try:
        net.load_state_dict({name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)})
    except RuntimeError as error:
        raise CheckpointError(f"{file} does not fit model {case.model.name}: {error}") from None
    return Trained(net.eval(), case, record["seed"], meta["training"]["step"], record)


def is_run(path: Path) -> bool:
    return (path / CHECKPOINT).is_file() or path.name == CHECKPOINT
