"""The checkpoint file: whole or refused, replaced in one go, and nothing in it can run code."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from ganzoo.errors import CheckpointError
from ganzoo.tensor_digest import digest_tensors
from ganzoo.train import checkpoint

TENSORS = {
    "weight": torch.arange(6.0).view(2, 3),
    "opt/0/step": torch.tensor(7.0),
    "rows": torch.zeros(0, 2),
    "stream": torch.arange(9, dtype=torch.uint8),
    "half": torch.ones(3, dtype=torch.bfloat16),
}
META = {"step": 3, "betas": [0.5, 0.999], "lr": 1e-4 / 3, "name": "größe"}


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "checkpoint.safetensors"


@pytest.fixture
def saved(path) -> bytes:
    checkpoint.save(path, TENSORS, META)
    return path.read_bytes()


def assert_kept(path: Path, tensors: dict = TENSORS, meta: dict = META) -> None:
    found, told = checkpoint.load(path)
    assert found.keys() == tensors.keys()
    assert all(torch.equal(found[key], value) and found[key].dtype == value.dtype for key, value in tensors.items())
    assert told == {"format": checkpoint.FORMAT, **meta}


def test_round_trip(path, saved):
    assert_kept(path)


def test_views_and_other_layouts_are_kept_by_value(path):
    base = torch.arange(24.0)
    tensors = {
        "view": base[3:9],
        "transposed": base.view(4, 6).T,
        "channels_last": torch.rand(2, 3, 4, 5).to(memory_format=torch.channels_last),
        "parameter": torch.nn.Parameter(torch.ones(2)),
        "same": base,
    }
    checkpoint.save(path, tensors, {})
    assert_kept(path, {key: value.detach() for key, value in tensors.items()}, {})


def test_it_is_a_safetensors_file(saved):
    """Eight bytes of length, then JSON: no pickle, no zip."""
    header = json.loads(saved[8 : 8 + int.from_bytes(saved[:8], "little")])
    assert set(header) == {"__metadata__", *TENSORS}


def test_nothing_is_pickled(path, monkeypatch):
    def refuse(*arguments, **settings):
        raise AssertionError("a pickle was read or written")

    for owner, name in [
        (torch, "load"),
        (torch, "save"),
        *((pickle, n) for n in ("load", "loads", "dump", "dumps", "Pickler", "Unpickler")),
    ]:
        monkeypatch.setattr(owner, name, refuse)
    checkpoint.save(path, TENSORS, META)
    assert_kept(path)


def test_a_pickle_is_not_run(path, tmp_path):
    class Evil:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "ran",))

    path.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(CheckpointError):
        checkpoint.load(path)
    torch.save({"weight": Evil()}, path)
    with pytest.raises(CheckpointError):
        checkpoint.load(path)
    assert not (tmp_path / "ran").exists()


def test_every_flipped_byte_is_noticed(path, saved):
    """Header, metadata and tensors alike; one bit of each byte, which one goes round."""
    for place in range(len(saved)):
        broken = bytearray(saved)
        broken[place] ^= 1 << place % 8
        path.write_bytes(broken)
        with pytest.raises(CheckpointError) as caught:
            checkpoint.load(path)
        assert str(path) in str(caught.value) and "Delete it" in str(caught.value)


def test_every_truncation_is_noticed(path, saved):
    for length in [*range(0, len(saved), 7), len(saved) - 1]:
        path.write_bytes(saved[:length])
        with pytest.raises(CheckpointError, match="expected a whole safetensors file"):
            checkpoint.load(path)


def test_a_longer_file_is_noticed(path, saved):
    path.write_bytes(saved + b"\0")
    with pytest.raises(CheckpointError):
        checkpoint.load(path)


def test_swapped_tensors_are_noticed(path, saved):
    """The right bytes under another name."""
    save_file({"a": torch.zeros(2), "b": torch.ones(2)}, path)
    checkpoint.save(path, {"a": torch.zeros(2), "b": torch.ones(2)}, {})
    content = path.read_bytes()
    assert content.count(b'"a":') == content.count(b'"b":') == 1
    path.write_bytes(content.replace(b'"a":', b'"?":').replace(b'"b":', b'"a":').replace(b'"?":', b'"b":'))
    with pytest.raises(CheckpointError, match="does not match its own checksum"):
        checkpoint.load(path)


def test_a_foreign_safetensors_file_is_refused(path):
    save_file(TENSORS, path)
    with pytest.raises(CheckpointError):
        checkpoint.load(path)
    save_file(TENSORS, path, metadata={"meta": json.dumps({"format": checkpoint.FORMAT}), "check": "0" * 64})
    with pytest.raises(CheckpointError, match="does not match its own checksum"):
        checkpoint.load(path)


def test_another_format_is_refused(path, monkeypatch):
    monkeypatch.setattr(checkpoint, "FORMAT", checkpoint.FORMAT + 1)
    checkpoint.save(path, TENSORS, META)
    monkeypatch.undo()
    with pytest.raises(CheckpointError, match=f"has format {checkpoint.FORMAT + 1}, expected {checkpoint.FORMAT}"):
        checkpoint.load(path)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"\xff" * 64, b"PK\x03\x04" + b"\0" * 60])
def test_what_is_no_checkpoint_is_refused(path, content):
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="cannot be read"):
        checkpoint.load(path)


def test_a_missing_one_or_a_folder_is_refused(path):
    with pytest.raises(CheckpointError, match="cannot be read"):
        checkpoint.load(path)
    path.mkdir()
    with pytest.raises(CheckpointError, match="cannot be read"):
        checkpoint.load(path)


@pytest.mark.parametrize("where", ["writing", "flushing", "replacing"])
@pytest.mark.parametrize("error", [OSError("No space left on device"), KeyboardInterrupt()], ids=["disk full", "Ctrl-C"])
def test_a_save_that_fails_leaves_the_old_file(path, saved, monkeypatch, where, error):
    def half_written(tensors, target, metadata):
        Path(target).write_bytes(b"half")
        raise error

    def fail(*arguments):
        raise error

    if where == "writing":
        monkeypatch.setattr(checkpoint, "save_file", half_written)
    else:
        monkeypatch.setattr(*{"flushing": (os, "fsync"), "replacing": (Path, "replace")}[where], fail)
    with pytest.raises(type(error)):
        checkpoint.save(path, {"weight": torch.zeros(2)}, {"step": 4})
    monkeypatch.undo()
    assert path.read_bytes() == saved
    assert list(path.parent.iterdir()) == [path], "no half-written file stays behind"


def test_the_new_file_is_on_disk_before_it_replaces_the_old(path, saved, monkeypatch):
    """Written in full and flushed beside the old one; at no moment does `path` hold less than a whole checkpoint."""
    done: list[str] = []
    flush, replace = os.fsync, Path.replace

    def flushed(descriptor):
        done.append("flushed")
        assert path.read_bytes() == saved
        flush(descriptor)

    def replaced(partial, target):
        done.append("replaced")
        assert_kept(partial, {"weight": torch.zeros(2)}, {"step": 4})
        return replace(partial, target)

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(Path, "replace", replaced)
    checkpoint.save(path, {"weight": torch.zeros(2)}, {"step": 4})
    assert done == ["flushed", "replaced"]
    assert_kept(path, {"weight": torch.zeros(2)}, {"step": 4})


def test_meta_that_is_no_json_writes_nothing(path, saved):
    with pytest.raises(TypeError):
        checkpoint.save(path, TENSORS, {"step": object()})
    assert path.read_bytes() == saved


def test_digest_tells_names_types_shapes_and_values_apart():
    base = {"a": torch.arange(4.0), "b": torch.zeros(2)}
    variants = [
        base,
        {"a": base["b"], "b": base["a"]},
        {"c": base["a"], "b": base["b"]},
        {"a": base["a"].view(2, 2), "b": base["b"]},
        {"a": base["a"], "b": torch.zeros(2, dtype=torch.int32)},  # the same bytes
        {"a": base["a"].nextafter(torch.tensor(9.0)), "b": base["b"]},
        {"a": base["a"], "b": -base["b"]},  # -0.0
        {"a": base["a"]},
    ]
    assert len({digest_tensors(tensors) for tensors in variants}) == len(variants)


def test_digest_does_not_depend_on_order_or_layout():
    a, b = torch.rand(2, 3, 4, 5), torch.zeros(2)
    digest = digest_tensors({"a": a, "b": b})
    assert digest_tensors({"b": b, "a": a}) == digest
    assert digest_tensors({"a": a.to(memory_format=torch.channels_last), "b": b}) == digest
    assert digest_tensors({"a": torch.nn.Parameter(a), "b": b}) == digest


@pytest.mark.parametrize("how", ["adam", "sgd", "sgd with momentum", "not yet stepped"])
def test_optimiser_round_trip(path, how):
    layers = [torch.nn.Linear(3, 2) for _ in range(2)]
    make = {
        "adam": lambda p: torch.optim.Adam(p, lr=1e-3 / 3, betas=(0.5, 0.999), fused=True),
        "sgd": lambda p: torch.optim.SGD(p, lr=0.1, fused=True),
        "sgd with momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, fused=True),
        "not yet stepped": lambda p: torch.optim.Adam(p, lr=1e-3, fused=True),
    }[how]
    ours, theirs = (make(layer.parameters()) for layer in layers)
    for _ in range(0 if how == "not yet stepped" else 3):
        ours.zero_grad()
        layers[0](torch.ones(4, 3)).sum().backward()
        ours.step()
    tensors, rest = checkpoint.flatten_optimiser("opt_g", ours.state_dict())
    checkpoint.save(path, tensors | {"opt_go/0/step": torch.tensor(99.0)}, {"opt_g": rest})
    found, meta = checkpoint.load(path)
    theirs.load_state_dict(checkpoint.unflatten_optimiser("opt_g", found, meta["opt_g"]))
    before, after = ours.state_dict(), theirs.state_dict()
    assert after["param_groups"] == before["param_groups"]
    assert after["state"].keys() == before["state"].keys()
    for index, entry in before["state"].items():
        assert all(torch.equal(after["state"][index][key], value) for key, value in entry.items())
