"""Speed of a training step on the dense GAN, as ratios within one run.

    pytest benchmarks/bench_throughput.py            # about a minute on 2 cores, measures on an otherwise idle machine

`ours` is the suite's own loop with everything it does a step: batches, streams, log, the question whether to stop. It is
held against a bare loop of the same arithmetic written by hand (what does the suite cost?), and against the usual way of
writing a GAN (what does it gain?). Rounds alternate between the two sides, so that a slow minute of the machine hits both;
the median of the paired ratios counts.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable

import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, softplus
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from ganzoo.spec.schema import Case
from ganzoo.train.loop import train
from ganzoo.train.state import State, build_networks

BATCH, LATENT, IMAGES = 128, 100, 60_000
ROUNDS, STEPS = 15, 20
ADAM = {"name": "adam", "lr": 2e-4, "betas": [0.5, 0.999]}


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


def seconds(side: Callable[[int], None]) -> float:
    begun = time.perf_counter()
    side(STEPS)
    return time.perf_counter() - begun


def paired_ratio(first: Callable[[int], None], second: Callable[[int], None]) -> float:
    """Median over rounds of seconds(first) / seconds(second); the side that goes first changes with each round."""
    seconds(first), seconds(second)
    ratios = []
    for turn in range(ROUNDS):
        if turn % 2:
            b, a = seconds(second), seconds(first)
        else:
            a, b = seconds(first), seconds(second)
        ratios.append(a / b)
    return statistics.median(ratios)


def report(benchmark, name: str, ratio: float, side: Callable[[int], None]) -> None:
    benchmark.extra_info[name] = round(ratio, 4)
    benchmark.pedantic(side, args=(STEPS,), rounds=3, warmup_rounds=1)


def bench_cost_of_the_loop(benchmark, images):
    """The suite's loop costs less than 3 % over a bare loop of the same nets."""
    step = ours(images)
    ratio = paired_ratio(step, bare(images))
    report(benchmark, "ours_over_bare", ratio, step)
    assert ratio < 1.03, f"the loop takes {ratio:.3f} times the bare loop's time, expected below 1.03"


def bench_gain_over_the_usual_way(benchmark, images):
    """The fp32 step on the dense GAN is at least 1.25 times faster than the usual way of writing it."""
    step = ours(images)
    ratio = paired_ratio(usual(images), step)
    report(benchmark, "usual_over_ours", ratio, step)
    assert ratio >= 1.25, f"the usual way takes {ratio:.2f} times our time, expected at least 1.25"
