"""The two sides of a case that translates: the model it needs, how many images are measured, and that none of them was trained on."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganzoo.bench.catalogue import protocol_of, reals_of, source_of
from ganzoo.bench.plan import load_images
from ganzoo.bench.sides import check_task, held_out, training_pairs, two_sided
from ganzoo.errors import SpecError
from ganzoo.spec.schema import Case

ADAM = {"name": "adam", "lr": 1e-3}


def case_of(name: str = "pairs", model: str = "pix2pix", data: dict | None = None, **evaluation) -> Case:
    settings = {
        "model": {"name": model},
        "data": {"name": name, **({"domains": ["A", "B"]} if name == "domains" else {}), **(data or {})},
        "recipe": {"order": "g-first"},
        "optim": {"g": ADAM, "d": ADAM},
        "train": {"batch_size": 1, "epochs": 1},
        "eval": {"protocol": "images64-cnn", "num_select": 2, **evaluation},
    }
    return Case.model_validate_json(json.dumps(settings))


def keys(images) -> list[bytes]:
    return [image.numpy().tobytes() for image in images]


@pytest.fixture
def data_root(tmp_path, monkeypatch) -> Path:
    """20 pairs, and domains of 16 and 19; all of 8x8 noise."""
    monkeypatch.setenv("GANZOO_DATA", str(tmp_path))
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    random = np.random.RandomState(0)
    for folder, count, width in (("pairs/train", 20, 16), ("sides/trainA", 16, 8), ("sides/trainB", 19, 8)):
        (tmp_path / folder).mkdir(parents=True)
        for i in range(count):
            Image.fromarray(random.randint(0, 256, (8, width, 3), dtype=np.uint8)).save(tmp_path / folder / f"{i:02d}.png")
    return tmp_path


PAIRS = {"path": "pairs", "resize": 8, "holdout": 14}
DOMAINS = {"path": "sides", "resize": 8, "holdout": 14, "domains": ["A", "B"]}


@pytest.mark.parametrize(("name", "model"), [("pairs", "pix2pix"), ("domains", "cyclegan")])
def test_a_model_for_the_data_passes(name, model):
    case = case_of(name, model, {"holdout": 4})
    check_task(case, "spec/case")
    assert two_sided(case)


def test_models_without_a_task_are_for_one_side():
    case = case_of("pairs", "dcgan", {"holdout": 4})
    one_side = case.model_copy(update={"data": case.data.model_copy(update={"name": "digits"})})
    check_task(one_side, "spec/case")
    assert not two_sided(one_side)


@pytest.mark.parametrize(
    ("name", "model", "kind"),
    [
        ("pairs", "cyclegan", "data set 'domains'"),
        ("pairs", "dcgan", "a data set of one side"),
        ("domains", "pix2pix", "data set 'pairs'"),
        ("domains", "mlp-gan", "a data set of one side"),
        ("digits", "pix2pix", "data set 'pairs'"),
        ("digits", "cyclegan", "data set 'domains'"),
    ],
)
def test_a_model_for_other_data_is_refused(name, model, kind):
    data = {"holdout": 4} if name != "digits" else {}
    message = f"spec/case: model '{model}' is for {kind}, not for '{name}'. Change model.name or data.name."
    with pytest.raises(SpecError, match=f"^{re.escape(message)}$"):
        check_task(case_of(name, model, data), "spec/case")


@pytest.mark.parametrize(
    ("holdout", "select", "asked", "expected"), [(60, 20, None, 40), (60, 2, None, 58), (60, 20, 30, 30), (60, 20, 40, 40)]
)
@pytest.mark.parametrize("name", ["pairs", "domains"])
def test_as_many_fakes_as_there_are_sources(name, holdout, select, asked, expected):
    case = case_of(name, data={"holdout": holdout}, num_select=select, num_fake=asked)
    assert protocol_of(case).num_fake == expected


def test_the_count_is_in_the_protocols_hash():
    hashes = {protocol_of(case_of(data={"holdout": holdout}, num_select=20)).hash for holdout in (60, 61)}
    assert len(hashes) == 2


@pytest.mark.parametrize(
    ("holdout", "evaluation", "says"),
    [
        (
            60,
            {"num_select": 20, "num_fake": 41},
            "eval.num_fake is 41, but data.holdout less eval.num_select leaves 40",
        ),
        (21, {"num_select": 20}, "eval.num_fake is 1, but images64-cnn needs at least "),
        (60, {"num_select": 1}, "eval.num_select is 1, expected at least 2"),
    ],
)
def test_too_few_to_be_measured_are_refused(holdout, evaluation, says):
    with pytest.raises(SpecError, match=re.escape(says)):
        protocol_of(case_of(data={"holdout": holdout}, **evaluation))


@pytest.mark.parametrize("limit", [None, 3])
def test_no_pair_that_is_measured_on_was_trained_on(data_root, limit):
    case = case_of(data={**PAIRS, "limit": limit})
    trained, held = training_pairs(case), held_out(case)
    assert (len(trained), len(held)) == (limit or 6, 14) and trained.paired and held.paired
    for one, other in ((trained.a, held.a), (trained.b, held.b)):
        assert set(keys(one)).isdisjoint(keys(other)) and len(set(keys(one) + keys(other))) == len(one) + len(other)
    assert load_images(case).digest == trained.digest


def test_no_image_of_either_domain_that_is_held_out_was_trained_on(data_root):
    case = case_of("domains", "cyclegan", DOMAINS)
    trained, held = training_pairs(case), held_out(case)
    assert (len(trained.a), len(trained.b), len(held.a), len(held.b)) == (2, 5, 14, 14) and not held.paired
    assert set(keys(trained.a)).isdisjoint(keys(held.a)) and set(keys(trained.b)).isdisjoint(keys(held.b))


def test_the_reals_are_targets_that_none_of_the_sources_belongs_to(data_root):
    """Fakes are held against side b of what is trained on: their own targets are not among the reals."""
    for case in (case_of(data=PAIRS), case_of("domains", "cyclegan", DOMAINS)):
        reals, held, trained = reals_of(case, protocol_of(case)).load(), held_out(case), training_pairs(case)
        assert sorted(keys(reals.images)) == sorted(keys(trained.b))
        assert set(keys(reals.images)).isdisjoint(keys(held.b))


def test_crops_are_for_training_only(data_root):
    case = case_of(data={**PAIRS, "resize": 4, "enlarge": 1.5})
    assert training_pairs(case).shape == (3, 6, 6) and held_out(case).shape == (3, 4, 4)
    assert source_of(case, "train").load().images.shape[1:] == (3, 4, 4)


def test_the_half_that_is_the_input_is_so_everywhere(data_root):
    left, right = (case_of(data={**PAIRS, "source": source}) for source in ("left", "right"))
    assert keys(held_out(left).a) == keys(held_out(right).b) and keys(training_pairs(left).b) == keys(training_pairs(right).a)
    reals = [reals_of(case, protocol_of(case)).load() for case in (left, right)]
    assert set(keys(reals[0].images)).isdisjoint(keys(reals[1].images)) and reals[0].digest != reals[1].digest
