"""One run from start to record: repeatable, resumable, extendable, and honest when it fails."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from ganzoo.bench import run as run_module
from ganzoo.bench.run import CHECKPOINT, Hooks, execute
from ganzoo.bench.worker import work_on
from ganzoo.errors import CheckpointError
from ganzoo.metrics.measure import metric_names
from ganzoo.train.state import State

CPU = torch.device("cpu")


def interrupted_after(steps: int) -> Hooks:
    asked = iter(range(1, 10**6))
    return Hooks(interrupted=lambda: next(asked) >= steps, checkpoint_seconds=1e9)


def test_the_record_tells_everything(run_of, store):
    record = execute(run_of("short"), store, CPU)
    assert record == json.loads((store.root / run_of("short").folder / "record.json").read_text())
    assert record["status"] == "finished" and record["cases"] == {"short": 2}
    assert [(e["epoch"], e["step"]) for e in record["evaluations"]] == [(1, 5), (2, 10)]
    metrics = record["evaluations"][-1]["metrics"]
    assert set(metrics) == set(metric_names(run_of("short").protocol)) and all(isinstance(value, int | float) for value in metrics.values())
    assert record["losses"]["step"] == [2, 4, 6, 8, 10]
    assert record["counts"]["parameters"] == {"generator": 4 * 8 + 8 + 8 * 64 + 64, "discriminator": 64 * 8 + 8 + 8 + 1}
    assert record["data"]["count"] == 320 and record["data"]["shape"] == [1, 8, 8]
    assert record["protocol"]["fields"]["num_fake"] == 200
    assert record["environment"]["threads"] == 1
    assert record["timing"]["steps_per_second"] > 0 and record["timing"]["peak_memory_mb"] > 0
    folder = store.root / run_of("short").folder
    assert (folder / record["evaluations"][-1]["samples"]).read_bytes().startswith(b"\x89PNG")
    assert (folder / "case.yaml").read_text().startswith("model:")


def test_peak_memory_is_the_runs_own(run_of, store):
    """A worker serves many runs: what an earlier one took is not this one's."""
    hoard = torch.ones(2**27)  # 512 MiB, touched
    held = execute(run_of("wide"), store, CPU)["timing"]["peak_memory_mb"]
    del hoard
    assert execute(run_of("short"), store, CPU)["timing"]["peak_memory_mb"] < held - 400


def test_evaluations_after_so_many_steps(run_of, store):
    case = run_of("short").resolved
    often = case.model_copy(update={"eval": case.eval.model_copy(update={"every_steps": 4})})
    record = execute(replace(run_of("short"), resolved=often, key="f" * 64), store, CPU)
    assert [entry["step"] for entry in record["evaluations"]] == [4, 8, 10]


def test_the_same_key_gives_the_same_weights_and_metrics(run_of, store, tmp_path):
    first = execute(run_of("short"), store, CPU)
    again = execute(run_of("short"), type(store)(tmp_path / "elsewhere"), CPU)
    assert first["weights"] == again["weights"]
    assert [e["metrics"] for e in first["evaluations"]] == [e["metrics"] for e in again["evaluations"]]
    assert first["weights"] != execute(run_of("short", seed=1), store, CPU)["weights"]


def test_a_finished_run_is_not_run_again(run_of, store, monkeypatch):
    first = execute(run_of("short"), store, CPU)
    monkeypatch.setattr(run_module, "train", lambda *_, **__: pytest.fail("trained again"))
    assert execute(run_of("short"), store, CPU) == first


@pytest.mark.parametrize("steps", [1, 5, 7, 13, 19])
def test_an_interrupted_run_ends_as_if_nothing_had_happened(run_of, store, tmp_path, steps):
    whole = execute(run_of("long"), type(store)(tmp_path / "whole"), CPU)
    part = execute(run_of("long"), store, CPU, interrupted_after(steps))
    assert part["status"] == "partial"
    resumed = execute(run_of("long"), store, CPU)
    assert resumed["weights"] == whole["weights"]
    assert resumed["losses"] == whole["losses"]
    assert [(e["step"], e["weights"], e["metrics"]) for e in resumed["evaluations"]] == [
        (e["step"], e["weights"], e["metrics"]) for e in whole["evaluations"]
    ]


def test_a_sweep_extends_a_finished_training_without_repeating_it(run_of, store, tmp_path):
    whole = execute(run_of("short", "long"), type(store)(tmp_path / "whole"), CPU)
    execute(run_of("short"), store, CPU)
    lines = []
    extended = execute(run_of("long"), store, CPU, Hooks(log=lines.append))
    assert "resumed at step 10 of 20" in lines
    assert extended["weights"] == whole["weights"]
    assert extended["cases"] == whole["cases"] == {"short": 2, "long": 4}
    assert extended["events_by_end"] == whole["events_by_end"] and set(whole["events_by_end"]) == {"10"}
    assert extended["watch"] == whole["watch"] and extended["start"] == whole["start"]


def test_a_stop_before_the_checkpoint_that_was_evaluated_needs_no_training(run_of, store, monkeypatch):
    execute(run_of("long"), store, CPU)  # evaluates every epoch, so epoch 2 is known
    monkeypatch.setattr("ganzoo.train.batches.Batches.next", lambda *_: pytest.fail("trained again"))
    record = execute(run_of("short", "long"), store, CPU)
    assert record["cases"] == {"short": 2, "long": 4} and record["status"] == "finished"


def test_a_shorter_case_takes_nothing_from_a_longer_one(run_of, store):
    longer = execute(run_of("long"), store, CPU)
    record = execute(run_of("short"), store, CPU)
    assert record["cases"] == {"long": 4, "short": 2} and record["resolved"]["train"]["epochs"] == 4
    assert record["evaluations"] == longer["evaluations"] and record["weights"] == longer["weights"]


def test_a_longer_case_that_was_interrupted_is_not_taken_for_finished(run_of, store, tmp_path):
    execute(run_of("long"), store, CPU, interrupted_after(12))
    assert [e["epoch"] for e in execute(run_of("short"), store, CPU)["evaluations"]] == [1, 2]
    whole = execute(run_of("long"), type(store)(tmp_path / "whole"), CPU)
    assert execute(run_of("long"), store, CPU)["weights"] == whole["weights"]


def test_a_stop_that_was_passed_without_evaluation_is_trained_for_again(run_of, store, tmp_path):
    execute(run_of("long"), store, CPU)
    middle = replace(run_of("short"), stops={"middle": (13, 2.6)})
    record = execute(middle, store, CPU)
    assert [e["step"] for e in record["evaluations"]] == [5, 10, 13, 15, 20]
    assert record["weights"] == execute(run_of("long"), type(store)(tmp_path / "whole"), CPU)["weights"]


def test_a_checkpoint_of_another_run_is_refused(run_of, store):
    execute(run_of("long"), store, CPU, interrupted_after(7))
    other = replace(run_of("long"), key=run_of("long").key[:12] + "0" * 52)
    with pytest.raises(CheckpointError, match="belongs to run"):
        execute(other, store, CPU)


def test_scraps_of_a_killed_writer_are_cleared_away(run_of, store):
    folder = store.root / run_of("short").folder
    folder.mkdir(parents=True)
    (folder / ".checkpoint.safetensors.123.part").write_bytes(b"half")
    execute(run_of("short"), store, CPU)
    assert not list(folder.glob(".*.part"))


def test_a_diverged_training_is_an_outcome(spec, run_of, store, monkeypatch):
    run = run_of("short")

    def broken(case, state, until, **_):
        state.step = until
        for p in state.g.parameters():
            p.data.fill_(float("nan"))
        return True

    monkeypatch.setattr(run_module, "train", broken)
    record = execute(run, store, CPU)
    assert record["status"] == "finished"
    assert set(record["evaluations"][-1]["metrics"].values()) == {None}
    assert record["evaluations"][-1]["samples"] is None


def test_a_crash_is_a_row_and_is_retried_on_demand(run_of, store, monkeypatch):
    run, messages = run_of("short"), []

    def explode(*_, **__):
        raise RuntimeError("kaput <here>")

    with monkeypatch.context() as patch:
        patch.setattr(run_module, "evaluate", explode)
        record = work_on(run, store, CPU, messages.append, retry=False)
    assert record["status"] == "crashed" and record["error"]["message"] == "kaput <here>"
    assert "explode" in record["error"]["trace"]
    assert work_on(run, store, CPU, messages.append, retry=False)["status"] == "crashed"
    assert work_on(run, store, CPU, messages.append, retry=True)["status"] == "finished"


def test_a_crash_keeps_what_an_earlier_case_of_the_trajectory_reached(run_of, store, monkeypatch):
    execute(run_of("short"), store, CPU)
    monkeypatch.setattr(run_module, "evaluate", lambda *_: (_ for _ in ()).throw(RuntimeError("kaput")))
    record = work_on(run_of("long"), store, CPU, lambda _: None, retry=False)
    assert record["status"] == "crashed"
    assert record["cases"] == {"short": 2, "long": 4}
    assert [e["epoch"] for e in record["evaluations"]] == [1, 2]


@pytest.fixture
def crashed_later(run_of, store, monkeypatch):
    """`short` finished; on its way to `long` the training crashed, with checkpoint and evaluation at epoch 3."""
    execute(run_of("short"), store, CPU)
    evaluate, measured = run_module.evaluate, []

    def at_epoch_4(*arguments):
        measured.append(1)
        if len(measured) == 2:
            raise RuntimeError("kaput")
        return evaluate(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(run_module, "evaluate", at_epoch_4)
        assert work_on(run_of("long"), store, CPU, lambda _: None, retry=False)["status"] == "crashed"
    return store.record(run_of("long").folder)


@pytest.mark.parametrize("retry", [False, True])
def test_a_case_that_was_passed_before_the_crash_has_its_result(run_of, store, crashed_later, monkeypatch, retry):
    monkeypatch.setattr(run_module, "train", lambda *_, **__: pytest.fail("trained again"))
    record = work_on(run_of("short"), store, CPU, lambda _: None, retry=retry)
    assert (record["status"], record["error"], record["cases"]) == ("finished", None, {"short": 2})
    assert store.record(run_of("short").folder) == crashed_later, "the longer case stays a crash on disk"


def test_a_case_first_asked_for_after_the_crash_is_read_off_where_it_was_evaluated(run_of, store, crashed_later):
    middle = replace(run_of("short"), stops={"middle": (15, 3)})
    assert work_on(middle, store, CPU, lambda _: None, retry=False)["status"] == "finished"
    known = store.record(middle.folder)
    assert known["status"] == "crashed" and known["cases"] == {"short": 2, "long": 4, "middle": 3}
    unseen = replace(run_of("short"), stops={"unseen": (13, 2.6)})
    assert work_on(unseen, store, CPU, lambda _: None, retry=False)["status"] == "crashed"


def test_both_cases_asked_for_after_the_crash_are_a_crash_until_retried(run_of, store, crashed_later):
    assert work_on(run_of("short", "long"), store, CPU, lambda _: None, retry=False) == crashed_later
    assert work_on(run_of("short", "long"), store, CPU, lambda _: None, retry=True)["status"] == "finished"


def test_a_checkpoint_of_another_kind_of_device_is_refused_by_name(run_of, store, monkeypatch):
    execute(run_of("long"), store, CPU, interrupted_after(7))
    load = run_module.checkpoint.load

    def made_on_cuda(path):
        tensors, meta = load(path)
        return tensors | {"stream/cuda": torch.zeros(16, dtype=torch.uint8)}, meta

    monkeypatch.setattr(run_module.checkpoint, "load", made_on_cuda)
    with pytest.raises(CheckpointError, match=r"\.safetensors: .*made on cuda, expected one made on cpu\. Go on with --device cuda"):
        execute(run_of("long"), store, CPU)


def test_a_checkpoint_made_on_the_cpu_is_refused_on_a_gpu(run_of):
    case, images = run_of("short").resolved, torch.zeros(320, 1, 8, 8, dtype=torch.uint8)
    state = State.fresh(case, images, 0, 10, CPU)
    packed, state.device = state.pack(), torch.device("cuda")
    with pytest.raises(CheckpointError, match="made on cpu, expected one made on cuda"):
        state.restore(*packed)


def test_out_of_memory_gives_a_hint(run_of, store, monkeypatch):
    def starve(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(run_module, "train", starve)
    record = work_on(run_of("short"), store, CPU, lambda _: None, retry=False)
    assert "train.batch_size" in record["error"]["hint"] and "bf16" in record["error"]["hint"]


def test_a_real_shortage_of_memory_is_a_row_with_the_hint_and_the_next_case_goes_on(run_of, store, monkeypatch):
    """The allocator's own refusal, whose type is a plain RuntimeError on the CPU."""
    monkeypatch.setattr(run_module, "train", lambda *_, **__: torch.empty(2**55))
    record = work_on(run_of("short"), store, CPU, lambda _: None, retry=False)
    assert record["status"] == "crashed" and record["error"]["type"] == "RuntimeError"
    assert "train.batch_size" in record["error"]["hint"] and "bf16" in record["error"]["hint"]
    monkeypatch.undo()
    assert work_on(run_of("wide"), store, CPU, lambda _: None, retry=False)["status"] == "finished"


def test_a_damaged_checkpoint_is_refused_not_trusted(run_of, store):
    execute(run_of("long"), store, CPU, interrupted_after(7))
    path = store.root / run_of("long").folder / CHECKPOINT
    data = bytearray(path.read_bytes())
    data[-10] ^= 1
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match="checksum.*Delete it"):
        execute(run_of("long"), store, CPU)


def test_resuming_keeps_the_thread_count_it_began_with(run_of, store):
    execute(run_of("long"), store, CPU, interrupted_after(7))
    torch.set_num_threads(2)
    assert execute(run_of("long"), store, CPU)["environment"]["threads"] == 1
