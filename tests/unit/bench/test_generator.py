"""The generator of a finished run, taken from its folder."""

from __future__ import annotations

import json
import shutil

import pytest
import torch

from ganzoo.bench.catalogue import load_checked
from ganzoo.bench.generator import is_run, load_generator
from ganzoo.bench.plan import plan
from ganzoo.bench.run import CHECKPOINT, Hooks, execute
from ganzoo.bench.store import Store
from ganzoo.errors import CheckpointError, StoreError, UserError
from ganzoo.metrics.evaluate import evaluate
from ganzoo.tensor_digest import digest_tensors
from ganzoo.train import checkpoint

CPU = torch.device("cpu")
SOURCE = {"assumed": "a test"}


@pytest.fixture(scope="module")
def trained(tmp_path_factory, write_tiny_spec):
    """Two finished runs, `plain` and `averaged`: name → (run, folder)."""
    root = tmp_path_factory.mktemp("trained")
    write_tiny_spec(root / "tiny.yaml", {"plain": {}, "averaged": {"train.ema": 0.9, "source": SOURCE}})
    spec, store, found = load_checked(root / "tiny.yaml"), Store(root / "results"), {}
    for name in ("plain", "averaged"):
        (run,) = plan(spec, [name], "full", [0])
        execute(run, store, CPU)
        found[name] = run, store.root / run.folder
    return found


@pytest.fixture
def folder(trained, tmp_path):
    """A copy of `plain`'s folder, to be spoilt."""
    return shutil.copytree(trained["plain"][1], tmp_path / "run")


def edit_record(folder, change) -> None:
    record = json.loads((folder / "record.json").read_text())
    change(record)
    (folder / "record.json").write_text(json.dumps(record))


@pytest.mark.parametrize(("case", "prefix", "other"), [("plain", "net/g.", "net/ema."), ("averaged", "net/ema.", "net/g.")])
def test_the_weights_are_those_of_the_checkpoint(trained, case, prefix, other):
    run, folder = trained[case]
    tensors, _ = checkpoint.load(folder / CHECKPOINT)
    weights = load_generator(folder).net.state_dict()
    assert weights.keys() == {name.removeprefix(prefix) for name in tensors if name.startswith(prefix)}
    assert all(torch.equal(value, tensors[prefix + name]) for name, value in weights.items())
    if case == "averaged":
        assert not all(torch.equal(value, tensors[other + name]) for name, value in weights.items())


@pytest.mark.parametrize("case", ["plain", "averaged"])
def test_measured_again_it_gives_the_numbers_of_the_record(trained, case):
    run, folder = trained[case]
    found = load_generator(folder)
    metrics, select = evaluate(found.net, run.protocol, found.case, found.seed, "cpu")
    last = found.record["evaluations"][-1]
    assert metrics.metrics == pytest.approx(last["metrics"], rel=1e-12) and select == pytest.approx(last["select"], rel=1e-12)


def test_what_is_told_of_it(trained):
    run, folder = trained["plain"]
    found = load_generator(folder)
    assert (found.seed, found.step, found.case) == (0, 10, run.resolved)
    assert found.record["key"] == run.key and not found.net.training
    assert found.record["code"] == run.code and not found.code_changed


def test_other_code_than_trained_it_is_told(folder):
    edit_record(folder, lambda record: record.update(code="0" * 64))
    assert load_generator(folder).code_changed


@pytest.mark.parametrize("name", ["", CHECKPOINT, "record.json"])
def test_the_folder_or_a_file_in_it(trained, name):
    _, folder = trained["plain"]
    assert is_run(folder / name) and load_generator(folder / name).step == 10


def test_what_is_no_run(trained, tmp_path):
    (tmp_path / "images").mkdir()
    assert not is_run(tmp_path / "images") and not is_run(tmp_path / "nowhere") and not is_run(trained["plain"][1].parent)


def test_loading_moves_no_stream_of_chance(trained):
    before = torch.get_rng_state()
    load_generator(trained["plain"][1])
    assert torch.equal(torch.get_rng_state(), before)


def test_an_interrupted_run_has_a_generator_too(trained, tmp_path):
    run, _ = trained["plain"]
    asked = iter(range(100))
    store = Store(tmp_path)
    assert execute(run, store, CPU, Hooks(interrupted=lambda: next(asked) >= 6, checkpoint_seconds=1e9))["status"] == "partial"
    assert load_generator(tmp_path / run.folder).step == 7


# refusals: one line each


def refused(path, kind: type[UserError], match: str) -> None:
    with pytest.raises(kind, match=match) as caught:
        load_generator(path)
    assert "\n" not in str(caught.value)


def test_no_record(folder):
    (folder / "record.json").unlink()
    refused(folder, CheckpointError, "is no run's folder: expected checkpoint.safetensors and record.json")


def test_no_checkpoint(folder):
    (folder / CHECKPOINT).unlink()
    refused(folder, CheckpointError, "is no run's folder")
    assert is_run(folder)


def test_a_record_that_is_none(folder):
    (folder / "record.json").write_text("{}")
    refused(folder, StoreError, "lacks case, cases")


def test_a_checkpoint_of_another_run(folder, trained):
    shutil.copy(trained["averaged"][1] / CHECKPOINT, folder / CHECKPOINT)
    refused(folder, CheckpointError, "belongs to run [0-9a-f]{64}, the record beside it to [0-9a-f]{64}")


@pytest.mark.parametrize("kept", [0, 7, 200, -1])
def test_a_truncated_checkpoint(folder, kept):
    path = folder / CHECKPOINT
    path.write_bytes(path.read_bytes()[:kept])
    refused(folder, CheckpointError, "cannot be read")


def test_a_changed_byte(folder):
    path = folder / CHECKPOINT
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    refused(folder, CheckpointError, "does not match its own checksum")


@pytest.mark.parametrize(("case", "net"), [("plain", "net/g."), ("plain", "net/d."), ("averaged", "net/g."), ("averaged", "net/ema.")])
def test_weights_that_are_not_the_records(trained, tmp_path, case, net):
    """A checkpoint whole in itself, and of the same run, but of another moment."""
    folder = shutil.copytree(trained[case][1], tmp_path / "run")
    tensors, meta = checkpoint.load(folder / CHECKPOINT)
    tensors[next(name for name in tensors if name.startswith(net))].view(-1)[0] += 1
    checkpoint.save(folder / CHECKPOINT, tensors, meta)
    refused(folder, CheckpointError, "holds weights [0-9a-f]{64}, the record beside it is of [0-9a-f]{64}")


def test_a_record_without_weights(folder):
    edit_record(folder, lambda record: record.update(weights=None))
    refused(folder, CheckpointError, "the record beside it is of None")


def test_a_model_of_another_width(folder):
    edit_record(folder, lambda record: record["resolved"]["model"].update(hidden_g=[9]))
    refused(folder, CheckpointError, "does not fit model mlp-gan as it is now: .*size mismatch")


def test_a_model_that_is_gone(folder):
    edit_record(folder, lambda record: record["resolved"]["model"].update(name="mlp-gone"))
    refused(folder, UserError, "unknown model 'mlp-gone'. Did you mean 'mlp-gan'")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda resolved: resolved["model"].update(width=3), "width: Extra inputs are not permitted"),
        (lambda resolved: resolved["train"].update(warmup=3), "train.warmup: Extra inputs"),
        (lambda resolved: resolved.pop("eval"), "eval: Field required"),
    ],
    ids=["an option", "a setting", "a part"],
)
def test_settings_of_another_version(folder, change, match):
    edit_record(folder, lambda record: change(record["resolved"]))
    refused(folder, CheckpointError, f"are not this version's: {match}")


def test_a_run_that_crashed_before_it_was_recorded(folder):
    edit_record(folder, lambda record: record["data"].pop("shape"))
    refused(folder, CheckpointError, "the run crashed, its record names no shape")


def test_a_generator_that_diverged(folder):
    """NaN becomes black on the way to pixels: without a refusal, black images would be measured."""
    tensors, meta = checkpoint.load(folder / CHECKPOINT)
    tensors[next(name for name in tensors if name.startswith("net/g."))].fill_(float("nan"))
    checkpoint.save(folder / CHECKPOINT, tensors, meta)
    weights = {name.removeprefix("net/"): value for name, value in tensors.items() if name.startswith("net/")}
    edit_record(folder, lambda record: record.update(weights=digest_tensors(weights)))
    refused(folder, CheckpointError, "diverged, its weights are not finite")
