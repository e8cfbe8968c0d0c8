"""Speed of a training step on the dense GAN, as ratios within one run.

    pytest benchmarks/bench_throughput.py            # about two minutes on 2 cores, measures on an otherwise idle machine
    python benchmarks/records/throughput.py          # the same, and keeps the outcome in benchmarks/records/throughput.json

What is timed, 20 steps at a time:

- `ours`: `train.loop` on noise in memory, with all that belongs to a step: drawing and scaling the batch, the streams, both
  updates, the loss log. Outside: reading data, and whatever a run does beside the loop.
- `session`: `bench.run.execute` on the case liu/original, as `ganzoo run` calls it in its workers: `ours` and, after each step,
  the hooks (progress, whether to save, whether to stop). Outside: reading data, evaluations and checkpoints, which come after
  hundreds of steps or a minute and are timed in every record; and the pipe to the terminal, twice a second.
- `bare`: the same arithmetic written by hand, nothing around it. What does the suite cost?
- `usual`: the usual way of writing a GAN, its data loading included. What does the suite gain?

Rounds alternate between two sides, so that a slow minute of the machine hits both; the median of the rounds' ratios counts. The
ratios stand in `extra_info`; pytest-benchmark's own table times a whole measurement.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, softplus
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from ganzoo.bench.catalogue import load_checked
from ganzoo.bench.plan import Run, plan
from ganzoo.bench.run import Hooks, execute
from ganzoo.bench.store import Store
from ganzoo.errors import DataError
from ganzoo.spec.schema import Case
from ganzoo.train.loop import train
from ganzoo.train.state import State, build_networks

BATCH, LATENT, IMAGES = 128, 100, 60_000
ROUNDS, STEPS = 15, 20
ADAM = {"name": "adam", "lr": 2e-4, "betas": [0.5, 0.999]}
LIU = Path(__file__).parent / "specs" / "liu.yaml"

pytestmark = [
    pytest.mark.throughput,
    pytest.mark.skipif("PYTEST_XDIST_WORKER" in os.environ, reason="times taken beside other workers say nothing; run it without -n"),
]


def dense_case() -> Case:
    """`liu`'s original at its own size."""
    return Case.model_validate_json(
        json.dumps(
            {
                "model": {"name": "mlp-gan", "latent": {"dim": LATENT}},
                "data": {"name": "mnist"},
                "optim": {"g": ADAM, "d": ADAM},
                "train": {"batch_size": BATCH, "epochs": 30},
                "eval": {"protocol": "mnist-cnn"},
            }
        )
    )


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    """Noise in MNIST's shape: speed does not depend on the pixels."""
    return torch.randint(0, 256, (IMAGES, 1, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def ours(images: torch.Tensor) -> Callable[[int], None]:
    case = dense_case()
    state = State.fresh(case, images, 0, 10**6, torch.device("cpu"))

    def steps(count: int) -> None:
        train(case, state, state.step + count)

    return steps


def adam(net: nn.Module, *, fused: bool) -> torch.optim.Adam:
    return torch.optim.Adam(net.parameters(), lr=ADAM["lr"], betas=tuple(ADAM["betas"]), fused=fused)


def bare(images: torch.Tensor) -> Callable[[int], None]:
    """The same arithmetic by hand, nothing around it: the cost that no suite can go below."""
    g, d = build_networks(dense_case(), (1, 28, 28), 0)
    opt_g, opt_d = adam(g, fused=True), adam(d, fused=True)
    params_g, params_d = list(g.parameters()), list(d.parameters())
    order = torch.randperm(len(images))
    z, x, raw = torch.empty(BATCH, LATENT), torch.empty(BATCH, 1, 28, 28), torch.empty(BATCH, 1, 28, 28, dtype=torch.uint8)
    position = 0

    def steps(count: int) -> None:
        nonlocal position
        for _ in range(count):
            position = (position + BATCH) % (len(images) - BATCH)
            torch.index_select(images, 0, order[position : position + BATCH], out=raw)
            x.copy_(raw).mul_(2 / 255).sub_(1)
            fakes = g(z.normal_())
            real, fake = d(torch.cat((x, fakes.detach()))).chunk(2)
            opt_d.zero_grad()
            ((softplus(-real).mean() + softplus(fake).mean()) * 0.5).backward(inputs=params_d)
            opt_d.step()
            opt_g.zero_grad()
            softplus(-d(fakes)).mean().backward(inputs=params_g)
            opt_g.step()

    return steps


class PerImage(Dataset):
    """A data set as torchvision's are: one PIL image and its transforms for each index."""

    def __init__(self, images: torch.Tensor):
        self.images = images
        self.transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> torch.Tensor:
        return self.transform(Image.fromarray(self.images[index, 0].numpy()))


def usual(images: torch.Tensor) -> Callable[[int], None]:
    """The usual way: a DataLoader of transforms, G run forward for each update, gradients into D in G's step, unfused Adam."""
    g, d = build_networks(dense_case(), (1, 28, 28), 0)
    opt_g, opt_d = adam(g, fused=False), adam(d, fused=False)
    loader = DataLoader(PerImage(images), batch_size=BATCH, shuffle=True, drop_last=True)
    batches = iter(loader)
    ones, zeros = torch.ones(BATCH), torch.zeros(BATCH)

    def steps(count: int) -> None:
        for _ in range(count):
            x = next(batches)
            opt_d.zero_grad()
            real = binary_cross_entropy_with_logits(d(x), ones)
            fake = binary_cross_entropy_with_logits(d(g(torch.randn(BATCH, LATENT)).detach()), zeros)
            ((real + fake) / 2).backward()
            opt_d.step()
            opt_g.zero_grad()
            binary_cross_entropy_with_logits(d(g(torch.randn(BATCH, LATENT))), ones).backward()
            opt_g.step()

    return steps


Seconds = tuple[list[float], list[float]]  # of STEPS steps, round by round: of the first side, of the second


def seconds(side: Callable[[int], None]) -> float:
    begun = time.perf_counter()
    side(STEPS)
    return time.perf_counter() - begun


def alternate(first: Callable[[int], None], second: Callable[[int], None]) -> Seconds:
    """ROUNDS of both; the side that goes first changes with each round."""
    seconds(first), seconds(second)
    ours, theirs = [], []
    for turn in range(ROUNDS):
        for side, found in ((first, ours), (second, theirs))[:: -1 if turn % 2 else 1]:
            found.append(seconds(side))
    return ours, theirs


def session(run: Run, second: Callable[[int], None], results: Path) -> Seconds:
    """ROUNDS of a real run and the second side: after every STEPS steps the run waits while the other has its turn.

    The run is asked to stop after the last round, before its first evaluation. Each round of the second side stands between two
    of the run, whose mean it is paired with.
    """
    ours, theirs, asked, begun = [], [], 0, time.perf_counter()

    def interrupted() -> bool:
        nonlocal asked, begun
        asked += 1
        if asked % STEPS:
            return False
        ours.append(time.perf_counter() - begun)
        theirs.append(seconds(second))
        begun = time.perf_counter()
        return len(theirs) == ROUNDS + 2  # the first round warms up, the last only closes the one before

    record = execute(run, Store(results), torch.device("cpu"), Hooks(interrupted=interrupted, checkpoint_seconds=float("inf")))
    assert record["status"] == "partial" and not record["evaluations"], "something else than steps was timed"
    return [(before + after) / 2 for before, after in zip(ours[1:], ours[2:], strict=False)], theirs[1:-1]


def ratio_of(benchmark, name: str, measure: Callable[[], Seconds]) -> float:
    """The median ratio of `name`, "FIRST_over_SECOND"; it and both sides' seconds go into pytest-benchmark's JSON."""
    pair = benchmark.pedantic(measure)
    for side, taken in zip(name.split("_over_"), pair, strict=True):
        spread = {"min": min(taken), "median": statistics.median(taken), "max": max(taken)}
        benchmark.extra_info[f"{side}_seconds_for_{STEPS}_steps"] = {key: round(value, 4) for key, value in spread.items()}
    ratio = statistics.median(a / b for a, b in zip(*pair, strict=True))
    benchmark.extra_info[name] = round(ratio, 4)
    return ratio


def bench_cost_of_the_loop(benchmark, images):
    """The suite's loop costs less than 3 % over a bare loop of the same nets."""
    ratio = ratio_of(benchmark, "ours_over_bare", lambda: alternate(ours(images), bare(images)))
    assert ratio < 1.03, f"the loop takes {ratio:.3f} times the bare loop's time, expected below 1.03"


def bench_cost_of_a_session(benchmark, images, tmp_path):
    """What users run costs less than 3 % over that bare loop, too."""
    try:
        run, *_ = plan(load_checked(LIU), ["original"], "full", [0])
    except DataError as error:
        pytest.skip(str(error))
    ratio = ratio_of(benchmark, "session_over_bare", lambda: session(run, bare(images), tmp_path))
    assert ratio < 1.03, f"a session takes {ratio:.3f} times the bare loop's time, expected below 1.03"


def bench_gain_over_the_usual_way(benchmark, images):
    """The fp32 step on the dense GAN is at least 1.25 times faster than the usual way of writing it."""
    ratio = ratio_of(benchmark, "usual_over_ours", lambda: alternate(usual(images), ours(images)))
    assert ratio >= 1.25, f"the usual way takes {ratio:.2f} times our time, expected at least 1.25"
