"""What is asked of translations alone, and runs of both kinds from spec to record."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from ganzoo.bench.catalogue import load_checked
from ganzoo.bench.generator import load_generator
from ganzoo.bench.plan import plan
from ganzoo.bench.run import CHECKPOINT, Hooks, execute
from ganzoo.bench.sides import held_out
from ganzoo.bench.store import Store
from ganzoo.bench.strips import MOST, as_strips
from ganzoo.bench.translations import QUALITIES, show_translations
from ganzoo.commands.sides import Asked, fakes_of
from ganzoo.data import PairSet
from ganzoo.errors import DataError, UserError
from ganzoo.metrics.image_quality import image_quality
from ganzoo.metrics.translator import CHUNK, Translator
from ganzoo.spec.schema import Case

CPU = torch.device("cpu")
ADAM = {"name": "adam", "lr": 2e-4, "betas": [0.5, 0.999]}


class Darker(nn.Module):
    def __init__(self):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(0.5))
        self.dropout = nn.Dropout(0.5)

    def forward(self, x: Tensor) -> Tensor:
        return self.dropout((x + 1) * self.factor - 1)


def case_of(**evaluation) -> Case:
    settings = {
        "model": {"name": "pix2pix"}, "data": {"name": "pairs", "holdout": 30}, "optim": {"g": ADAM, "d": ADAM},
        "train": {"batch_size": 1, "epochs": 1}, "eval": {"protocol": "images64-cnn", "num_select": 2, **evaluation},
    }  # fmt: skip
    return Case.model_validate_json(json.dumps(settings))


def pairs(count: int, *, paired: bool = True) -> PairSet:
    """Targets are what `Darker` should make of the sources, give or take some levels. Even levels: half of one is a level again."""
    random = np.random.RandomState(2)
    a = torch.from_numpy(random.randint(0, 128, (count, 3, 12, 12)).astype(np.uint8) * 2)
    b = (a.int() // 2 + torch.from_numpy(random.randint(0, 9, a.shape))).to(torch.uint8)
    return PairSet(a, b, paired, "pairs" if paired else "domains", "train", "0" * 64)


def halved(images: Tensor) -> Tensor:
    return images // 2


@pytest.mark.parametrize("reported", [3, MOST, CHUNK + 7])
def test_each_translation_is_held_against_its_own_target(tmp_path, reported):
    held = pairs(reported + 2)
    g = Translator(Darker(), held, (-1.0, 1.0), 2)
    found = show_translations(tmp_path / "new" / "strips.png", g, halved(held.a[:reported]))
    expected = image_quality(halved(held.a[:reported]), held.b[:reported])
    assert len(found.l1) == reported and found.l1.max() < 0.05
    for name in ("l1", "psnr", "ssim"):
        torch.testing.assert_close(getattr(found, name), getattr(expected, name), rtol=0, atol=0)
    assert set(found.means()) == set(QUALITIES)
    rows = min(reported, MOST)
    drawn = as_strips(held.a[:rows], halved(held.a[:rows]), held.b[:rows])
    with Image.open(tmp_path / "new" / "strips.png") as image:
        assert np.array_equal(np.asarray(image), np.asarray(drawn))


def test_without_targets_there_is_nothing_to_be_far_from(tmp_path):
    held = pairs(6, paired=False)
    g = Translator(nn.ModuleDict({"ab": Darker(), "ba": nn.Identity()}), held, (-1.0, 1.0), 2)
    assert show_translations(tmp_path / "strips.png", g, halved(held.a[:4])) is None
    with Image.open(tmp_path / "strips.png") as image:
        assert np.array_equal(np.asarray(image), np.asarray(as_strips(held.a[:4], halved(held.a[:4]))))


@pytest.fixture
def data_root(tmp_path, monkeypatch) -> Path:
    """Pairs and domains, 24 of each, of smooth colours at 64x64."""
    monkeypatch.setenv("GANZOO_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    random = np.random.RandomState(0)
    for folder, width in (("pairs/train", 8), ("sides/trainA", 4), ("sides/trainB", 4)):
        (tmp_path / "data" / folder).mkdir(parents=True)
        for i in range(24):
            colours = Image.fromarray(random.randint(0, 256, (4, width, 3), dtype=np.uint8))
            colours.resize((width * 16, 64), Image.NEAREST).save(tmp_path / "data" / folder / f"{i:02d}.png")
    return tmp_path / "data"


MODELS = {
    "pairs": {"name": "pix2pix", "width": 1, "latent": {"dim": 1, "dist": "normal"}},
    "domains": {"name": "cyclegan", "width": 1, "blocks": 0, "latent": {"dim": 1, "dist": "normal"}},
}
DATA = {
    "pairs": {"name": "pairs", "path": "pairs", "resize": 64, "enlarge": 1.12, "flip": True, "holdout": 14, "limit": 6},
    "domains": {"name": "domains", "path": "sides", "domains": ["A", "B"], "resize": 64, "holdout": 14, "limit": 6},
}
RULES = {"usual": {"order": "g-first", "loss": "mse"}, "self": {"name": "self", "loss": "mse", "balance": "outputs"}}


def spec_of(tmp_path, write_tiny_spec, kind: str, **changes):
    source = {"assumed": "a test"}
    base = {
        "model": MODELS[kind], "data": DATA[kind], "recipe": RULES["usual"], "optim": {"g": ADAM, "d": ADAM},
        "train": {"batch_size": 2, "epochs": 2, "lr_decay_from": 1, "log_every_steps": 2},
        "eval": {"protocol": "images64-cnn", "num_select": 3, "every_epochs": 1}, **changes,
    }  # fmt: skip
    cases = {"usual": {}, "self": {"recipe": RULES["self"], "source": source}}
    write_tiny_spec(tmp_path / "tiny.yaml", cases, base=base, sources=dict.fromkeys(base, source))
    return load_checked(tmp_path / "tiny.yaml")


@pytest.fixture
def run_of(tmp_path, data_root, write_tiny_spec):
    def find(kind: str, rule: str):
        (run,) = plan(spec_of(tmp_path, write_tiny_spec, kind), [rule], "full", [0])
        return run

    return find


BALANCE = ["v_g", "v_r", "v_f", "d_real", "d_fake"]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("kind", MODELS)
def test_a_run_from_spec_to_record(run_of, store, kind, rule):
    run = run_of(kind, rule)
    record = execute(run, store, CPU)
    folder = store.root / run.folder
    assert record["status"] == "finished" and [entry["step"] for entry in record["evaluations"]] == [3, 6]
    assert record["data"]["count"] == 6 and record["data"]["shape"] == [3, 64, 64] and record["protocol"]["fields"]["num_fake"] == 11
    for entry in record["evaluations"]:
        assert math.isfinite(entry["metrics"]["frechet"]) and math.isfinite(entry["select"]["frechet"])
        assert {name for name in QUALITIES if name in entry["metrics"]} == (set(QUALITIES) if kind == "pairs" else set())
        with Image.open(folder / entry["samples"]) as strips:
            assert strips.size == (65 * (3 if kind == "pairs" else 2) + 1, 65 * 8 + 1)
    assert record["losses"]["step"] == [2, 4, 6] and all(map(math.isfinite, record["losses"]["d"] + record["losses"]["g"]))
    assert set(BALANCE) <= set(record["balance"]) if rule == "self" else not set(BALANCE) & set(record["balance"])
    assert record["watch"]["diversity"][0] is not None, "fewer are held out than the watch asks for by default"
    assert json.loads((folder / "record.json").read_text()) == record


@pytest.mark.parametrize(("kind", "rule"), [("pairs", "self"), ("domains", "usual")])
def test_stopped_in_an_epoch_and_resumed(run_of, store, tmp_path, kind, rule):
    run = run_of(kind, rule)
    asked = iter(range(1, 100))
    execute(run, store, CPU, Hooks(interrupted=lambda: next(asked) >= 4, checkpoint_seconds=1e9))
    resumed, whole = execute(run, store, CPU), execute(run, Store(tmp_path / "whole"), CPU)
    assert resumed["weights"] == whole["weights"] and resumed["losses"] == whole["losses"]
    assert [entry["metrics"] for entry in resumed["evaluations"]] == [entry["metrics"] for entry in whole["evaluations"]]


def test_the_generator_of_a_run_is_a_translator_of_what_was_held_out(run_of, store):
    run = run_of("pairs", "usual")
    execute(run, store, CPU)
    trained = load_generator(store.root / run.folder / CHECKPOINT)
    held = held_out(run.resolved)
    assert (
        isinstance(trained.net, Translator)
        and torch.equal(trained.net.reported, held.a[:11])
        and torch.equal(trained.net.targets, held.b[:11])
    )


def test_evaluating_a_run_translates_what_was_held_out(run_of, store):
    run = run_of("pairs", "usual")
    execute(run, store, CPU)
    asked = Asked(str(store.root / run.folder), None, "images64-cnn", None, None, None, None, "cpu", False)
    fakes = fakes_of(asked, run.protocol, "cpu")
    assert fakes.count == 11
    assert sum(len(chunk) for chunk in fakes.chunks(replace(run.protocol, num_fake=11), "cpu")) == 11
    with pytest.raises(DataError, match="translates 11 held-out images, --num-fake asks for 30. Lower it."):
        fakes_of(replace(asked, num_fake=30), run.protocol, "cpu")
    with pytest.raises(UserError, match="--seed is for latents"):
        fakes_of(replace(asked, seed=3), run.protocol, "cpu")


def test_a_decay_knows_its_end(tmp_path, data_root, write_tiny_spec):
    """Cases of two lengths are two trainings where the rates fall towards the end, and one where they do not."""
    source = {"assumed": "a test"}
    for decay, runs in ((1, 2), (None, 1)):
        base = {
            "model": MODELS["pairs"], "data": DATA["pairs"], "optim": {"g": ADAM, "d": ADAM},
            "train": {"batch_size": 2, "epochs": 2, **({"lr_decay_from": decay} if decay else {})},
            "eval": {"protocol": "images64-cnn", "num_select": 3},
        }  # fmt: skip
        write_tiny_spec(
            tmp_path / "two.yaml", {"short": {}, "long": {"train.epochs": 4, "source": source}}, base=base,
            sources=dict.fromkeys(base, source),
        )  # fmt: skip
        assert len(plan(load_checked(tmp_path / "two.yaml"), None, "full", [0])) == runs
