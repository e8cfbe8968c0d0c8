"""From a spec to runs: what shares a trajectory, and what a key depends on."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ganzoo import data
from ganzoo.bench.catalogue import load_checked, protocol_of
from ganzoo.bench.plan import epoch_of, plan, run_key, stop_of
from ganzoo.data.image_set import image_set
from ganzoo.data.raw_set import raw_set
from ganzoo.errors import DataError, SpecError


def test_cases_that_differ_in_length_alone_are_one_run(spec):
    runs = plan(spec, None, "full", [0])
    assert [(run.case, set(run.stops)) for run in runs] == [("short", {"short", "long"}), ("wide", {"wide"})]
    assert runs[0].stops == {"short": (10, 2), "long": (20, 4)}  # 320 images make 5 batches of 64
    assert runs[0].total_steps == 20


def test_the_key_does_not_depend_on_the_length_asked_for(spec):
    keys = {plan(spec, cases, "full", [0])[0].key for cases in (["short"], ["long"], ["short", "long"])}
    assert len(keys) == 1


def test_the_folder_is_named_after_the_specs_first_case_of_the_trajectory(spec):
    assert plan(spec, ["long"], "full", [0])[0].folder.parts[:2] == ("tiny", "short")


def test_seeds_come_one_after_the_other_so_that_early_results_cover_all_cases(spec):
    assert [(run.seed, run.case) for run in plan(spec, None, "full", [0, 1])] == [(0, "short"), (0, "wide"), (1, "short"), (1, "wide")]


@pytest.mark.parametrize("position", range(6))
def test_the_key_depends_on_each_of_its_parts(run_of, position):
    run = run_of("short")
    parts = [run.resolved, run.seed, run.tier, run.code, run.data_digest, run.protocol.hash]
    other = [run_of("wide").resolved, 1, "smoke", "0" * 64, "1" * 64, "2" * 64]
    changed = [*parts]
    changed[position] = other[position]
    assert run_key(*parts) == run.key
    assert run_key(*changed) != run.key


def test_an_unknown_case_is_refused_with_the_nearest(spec):
    with pytest.raises(SpecError, match="no case 'shrt'. Did you mean 'short'"):
        plan(spec, ["shrt"], "full", [0])


def test_max_steps_cuts_a_case_short(spec):
    case = spec.resolve("long").case
    cut = case.model_copy(update={"train": case.train.model_copy(update={"max_steps": 7})})
    assert stop_of(cut, 320) == (7, 1.4)
    assert stop_of(case, 320) == (20, 4)


def test_epochs_stay_whole_where_they_are():
    assert epoch_of(10, 5) == 2 and isinstance(epoch_of(10, 5), int)
    assert epoch_of(7, 5) == 1.4


def test_too_few_images_for_a_batch_are_refused(tmp_path, write_tiny_spec):
    write_tiny_spec(tmp_path / "few.yaml", {"a": {"data.limit": 32, "source": {"assumed": "a test"}}})
    with pytest.raises(SpecError, match="32 images make no batch of 64"):
        plan(load_checked(tmp_path / "few.yaml"), None, "full", [0])


def test_images_that_the_protocol_cannot_read_are_refused(tmp_path, write_tiny_spec):
    write_tiny_spec(tmp_path / "large.yaml", {"a": {"data.resize": 16, "source": {"assumed": "a test"}}})
    with pytest.raises(SpecError, match=r"shape \(1, 16, 16\), but protocol digits-cnn reads 1 channel, 8×8"):
        plan(load_checked(tmp_path / "large.yaml"), None, "full", [0])


@pytest.fixture
def measured_on_mnist(tmp_path, write_tiny_spec, monkeypatch):
    """Digits, enlarged, under the protocol whose reals are MNIST's test split; two cases of one protocol, and no MNIST here."""
    for variable in ("GANZOO_DATA", "GANZOO_CACHE"):
        monkeypatch.setenv(variable, str(tmp_path / "empty"))
    source = {"assumed": "a test"}
    settings = {"data.resize": 28, "eval.protocol": "mnist-cnn", "source": source}
    write_tiny_spec(tmp_path / "far.yaml", {"a": settings, "b": {**settings, "model.hidden_g": [16]}})
    return load_checked(tmp_path / "far.yaml")


def test_missing_reals_of_a_protocol_are_refused(measured_on_mnist):
    with pytest.raises(DataError, match=r"'mnist' \(test\) not found.*Ways to get it"):
        plan(measured_on_mnist, None, "full", [0])


@pytest.fixture
def loads(monkeypatch):
    """What is loaded, in order; of MNIST nothing is read."""
    found, load = [], data.load
    stand_in = image_set(raw_set(np.zeros((12, 1, 28, 28), np.uint8), np.zeros(12, np.int64), ("x",)), "mnist", "test")

    def noted(name, split, **options):
        found.append((name, split))
        return stand_in if name == "mnist" else load(name, split, **options)

    monkeypatch.setattr(data, "load", noted)
    return found


def test_the_reals_of_a_protocol_are_looked_at_once(measured_on_mnist, loads):
    plan(measured_on_mnist, None, "full", [0, 1])
    assert loads.count(("mnist", "test")) == 1


def test_reals_that_are_trained_on_are_not_read_again(spec, loads):
    plan(spec, None, "full", [0, 1])
    assert loads == [("digits", "train")]


def test_the_noise_law_is_no_matter_of_the_protocol(spec):
    """Cases trained with other noise must stay comparable."""
    case = spec.resolve("short").case
    uniform = case.model_copy(
        update={"model": case.model.model_copy(update={"latent": case.model.latent.model_copy(update={"dist": "uniform"})})}
    )
    assert protocol_of(case).hash == protocol_of(uniform).hash


def test_the_number_of_fakes_is_a_matter_of_the_protocol(spec):
    case = spec.resolve("short").case
    fewer = case.model_copy(update={"eval": case.eval.model_copy(update={"num_fake": 100})})
    assert protocol_of(case).hash != protocol_of(fewer).hash


@pytest.mark.parametrize(("changes", "message"), [({"num_fake": 5}, "num_fake is 5.*at least 10"), ({"num_select": 1}, "at least 2")])
def test_too_few_fakes_to_measure_are_refused_before_anything_runs(spec, changes, message):
    case = spec.resolve("short").case
    few = case.model_copy(update={"eval": case.eval.model_copy(update=changes)})
    with pytest.raises(SpecError, match=message):
        protocol_of(few)


def test_a_model_that_refuses_the_images_is_told_in_the_plan(tmp_path, spec):
    """8×8 digits for a network of 32 and more."""
    tiny = json.loads((tmp_path / "tiny.yaml").read_text().partition("\n")[2])
    tiny["base"]["model"] = {"name": "dcgan", "latent": {"dim": 4}}
    (tmp_path / "square.yaml").write_text(json.dumps(tiny | {"document": "square", "cases": {"a": {}}}))
    with pytest.raises(SpecError, match="32, 64, 128"):
        plan(load_checked(tmp_path / "square.yaml"), None, "full", [0])
