"""Checkpoints: one safetensors file of named tensors plus JSON, checksummed, written atomically. Nothing in it can run code."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ganzoo.errors import CheckpointError
from ganzoo.tensor_digest import digest_tensors

FORMAT = 1


def _is_channels_last(tensor: Tensor) -> bool:
    return tensor.dim() == 4 and not tensor.is_contiguous() and tensor.is_contiguous(memory_format=torch.channels_last)


def save(path: Path, tensors: dict[str, Tensor], meta: dict) -> None:
    """Write `tensors` and JSON-able `meta` to `path`; a kill at any moment leaves the old file or the new one, whole.

    The file knows only row-major tensors, so which ones lie channels-last in memory is noted beside them: fused optimisers
    walk weights and moments in memory order, and moments that came back in another layout would meet the wrong weights.
    """
    channels_last = sorted(name for name, tensor in tensors.items() if _is_channels_last(tensor))
    tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    text = json.dumps({"format": FORMAT, "channels_last": channels_last, **meta}, sort_keys=True)
    check = hashlib.sha256((digest_tensors(tensors) + text).encode()).hexdigest()
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        save_file(tensors, partial, metadata={"meta": text, "check": check})
        with partial.open("rb") as handle:
            os.fsync(handle.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def load(path: Path) -> tuple[dict[str, Tensor], dict]:
    """Tensors, in the layout they were saved from, and meta; CheckpointError where the file is truncated, altered or of another format."""
    remedy = "Delete it to start this run afresh."
    try:
        with safe_open(path, framework="pt") as handle:
            header = handle.metadata() or {}
            tensors = {name: handle.get_tensor(name) for name in handle.keys()}  # noqa: SIM118 (not a dict)
        text = header["meta"]
        meta = json.loads(text)
    except (SafetensorError, KeyError, ValueError, OSError) as error:
        raise CheckpointError(f"checkpoint {path} cannot be read ({error}); expected a whole safetensors file. {remedy}") from error
    if hashlib.sha256((digest_tensors(tensors) + text).encode()).hexdigest() != header.get("check"):
        raise CheckpointError(f"checkpoint {path} does not match its own checksum: its bytes were changed. {remedy}")
    if meta.get("format") != FORMAT:
        raise CheckpointError(f"checkpoint {path} has format {meta.get('format')}, expected {FORMAT}. {remedy}")
    for name in meta.pop("channels_last", []):
        tensors[name] = tensors[name].to(memory_format=torch.channels_last)
    return tensors, meta


def flatten_optimiser(prefix: str, state: dict) -> tuple[dict[str, Tensor], dict]:
    """An optimiser's state_dict as named tensors and the JSON rest."""
    tensors = {f"{prefix}/{index}/{key}": value for index, entry in state["state"].items() for key, value in entry.items()}
    return tensors, {"param_groups": state["param_groups"]}


def unflatten_optimiser(prefix: str, tensors: dict[str, Tensor], rest: dict) -> dict:
    """The inverse of `flatten_optimiser`."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith(prefix + "/"):
            _, index, key = name.rsplit("/", 2)
            state.setdefault(int(index), {})[key] = value
    groups = [{**group, "betas": tuple(group["betas"])} if "betas" in group else group for group in rest["param_groups"]]
    return {"state": state, "param_groups": groups}
