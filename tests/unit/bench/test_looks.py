"""The looks at fixed samples: what they measure, and that they neither move the training nor wait for the device."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from ganzoo import data
from ganzoo.bench.looks import Looks
from ganzoo.bench.plan import Run
from ganzoo.bench.run import execute
from ganzoo.metrics.reals import reals_for
from ganzoo.spec.schema import Watch
from ganzoo.train.state import State

CPU = torch.device("cpu")


def looking(run: Run, every: int) -> Run:
    """The same run, looking after so many steps."""
    case = run.resolved.model_copy(update={"watch": Watch(every_steps=every)})
    return replace(run, resolved=case, key=f"{every:064d}")


class Fixed(nn.Module):
    """Gives the same images whatever z is."""

    def __init__(self, images: torch.Tensor):
        super().__init__()
        self.register_buffer("images", images)

    def forward(self, z):
        return self.images[: len(z)]


@pytest.fixture
def looks_at(run_of):
    run = run_of("short")

    def look(g: nn.Module) -> float | None:
        case = run.resolved
        state = State.fresh(case, torch.zeros(64, 1, 8, 8, dtype=torch.uint8), 0, 10, CPU)
        state.g = g
        looks = Looks(case, run.protocol, reals_for(run.protocol), 0, 10, CPU)
        looks.after(state)
        return looks.read()["diversity"][0]

    return look


def test_images_all_alike_have_no_diversity_and_the_reals_have_their_own(looks_at):
    reals = data.load("digits").images
    chosen = reals[torch.randperm(len(reals), generator=torch.Generator().manual_seed(0))[:64]].float() / 127.5 - 1
    assert looks_at(Fixed(chosen[:1].expand(64, -1, -1, -1))) == 0.0
    assert looks_at(Fixed(chosen)) == pytest.approx(1.0, abs=0.1)


def test_half_the_images_alike_shrink_it(looks_at):
    chosen = data.load("digits").images[:64].float() / 127.5 - 1
    whole, one = looks_at(Fixed(chosen)), chosen[:1].expand(56, -1, -1, -1)
    assert looks_at(Fixed(torch.cat((chosen[:8], one)))) < 0.6 * whole


def test_images_that_are_not_finite_have_no_number(looks_at):
    assert looks_at(Fixed(torch.full((64, 1, 8, 8), torch.nan))) is None


def test_an_evaluators_odd_steps_do_not_touch_them(run_of):
    """Clipped and through JPEG, real pictures would not be as far apart as real pictures."""
    run = run_of("short")
    odd = replace(run.protocol, jpeg=20, denormalised=False)
    state = State.fresh(run.resolved, torch.zeros(64, 1, 8, 8, dtype=torch.uint8), 0, 10, CPU)
    state.g = Fixed(data.load("digits").images[:64].float() / 127.5 - 1)
    found = []
    for protocol in (run.protocol, odd):
        looks = Looks(run.resolved, protocol, reals_for(run.protocol), 0, 10, CPU)
        looks.after(state)
        found.append(looks.read()["diversity"])
    assert found[0] == found[1]


class Operations(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.names = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.add(func.name())
        return func(*args, **(kwargs or {}))


def test_nothing_is_read_back_and_nothing_moves(run_of):
    run = run_of("short")
    state = State.fresh(run.resolved, torch.zeros(64, 1, 8, 8, dtype=torch.uint8), 0, 10, CPU)
    looks = Looks(run.resolved, run.protocol, reals_for(run.protocol), 0, 10, CPU)
    before, chance = copy.deepcopy(state.weights()), torch.get_rng_state()
    latent = state.latent.get_state()
    with Operations() as seen:
        looks.after(state)
    assert looks.filled == 1 and any(name.startswith("aten::var") for name in seen.names)
    assert not {name for name in seen.names if name.split(".")[0] in ("aten::_local_scalar_dense", "aten::item", "aten::nonzero")}
    assert all(torch.equal(value, before[name]) for name, value in state.weights().items())
    assert torch.equal(chance, torch.get_rng_state()) and torch.equal(latent, state.latent.get_state())


def test_they_are_taken_at_the_start_and_after_so_many_steps(run_of, store):
    record = execute(looking(run_of("short"), 4), store, CPU)
    assert record["watch"]["step"] == [0, 4, 8] and len(record["watch"]["diversity"]) == 3
    assert record["start"]["frechet"] > 0


def test_looking_more_often_leaves_the_weights(run_of, store):
    often = execute(looking(run_of("short"), 1), store, CPU)
    assert often["weights"] == execute(run_of("short"), store, CPU)["weights"]
