"""Speed of the Self step on MNIST-sized images at batch 64, as ratios within one run.

    pytest benchmarks/bench_self.py            # a minute on 2 cores, measures on an otherwise idle machine

What is timed, for the document's dense pair at 28×28 and for its conv pair at 32×32:

- `self`: `train.loop` with the rule self on noise in memory: one forward of G, one pass of D over all it judges, one backward, fused
  Adam over both networks, losses and weights kept on the device.
- `two_step`: `train.loop` with the usual rule, G first, on the same networks: what the Self step takes the place of.
- `plain`: the Self step the usual way, its data loading included: a DataLoader of PIL images and transforms, a pass of D for each of
  fakes, reals and the fakes of the step before, sigmoid and BCELoss, unfused Adam, the losses read back every step; the conv pair's G
  with the author's nn.Upsample and nn.Conv2d where `self` has NearestThenConv.

Rounds take the three in turn, another one first each time, so that a slow minute of the machine hits all; the median of the rounds'
ratios counts. The ratios stand in `extra_info`; pytest-benchmark's own table times a whole measurement.

The Self step has a sixth more multiplications than the two-step rule's on the dense pair: all three batches give D's weights gradients,
where two do there, and D's one pass carries them back to every image, though only the fakes of this step want them. One backward and one
optimiser for two make up for most of it. A step of the conv pair is mostly G's convolutions, whatever the rule: there the gain over the
plain way is NearestThenConv's. That the Self step is its formulas written out is shown by tests/unit/test_recipe_self.py.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable, Iterator

import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import BCELoss
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from ganzoo.layers import NearestThenConv
from ganzoo.models.selfgan import ConvGenerator
from ganzoo.spec.schema import Case
from ganzoo.train.loop import train
from ganzoo.train.state import State, build_networks

BATCH, LATENT, IMAGES = 64, 100, 60_000
ROUNDS, STEPS = 21, {"selfgan-dense": 20, "selfgan-conv": 1}  # steps of a round
SIDES = {"selfgan-dense": 28, "selfgan-conv": 32}  # of the images
MOST = 1.1  # times the two-step rule's time that the Self step takes, at most
LEAST = 1.3  # times the Self step's time that the plain way takes, at least
ADAM = {"name": "adam", "lr": 2e-4, "betas": [0.5, 0.999]}
RULES = {
    "self": {"name": "self", "balance": "outputs", "form": "shares"},
    "two_step": {"name": "alternating", "order": "g-first"},
}

pytestmark = [
    pytest.mark.throughput,
    pytest.mark.skipif("PYTEST_XDIST_WORKER" in os.environ, reason="times taken beside other workers say nothing; run it without -n"),
]


def mnist_case(model: str, rule: str) -> Case:
    """The document's pair `model` on digits, in fp32, trained by one of RULES."""
    return Case.model_validate_json(
        json.dumps(
            {
                "model": {"name": model, "latent": {"dim": LATENT}},
                "data": {"name": "mnist"},
                "recipe": RULES[rule],
                "optim": {"g": ADAM, "d": ADAM},
                "train": {"batch_size": BATCH, "epochs": 200},
                "eval": {"protocol": "mnist-cnn"},
            }
        )
    )


def noise(side: int) -> Tensor:
    """Grey pictures: speed does not depend on the pixels."""
    return torch.randint(0, 256, (IMAGES, 1, side, side), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def ours(model: str, rule: str, images: Tensor) -> Callable[[int], None]:
    case = mnist_case(model, rule)
    state = State.fresh(case, images, 0, 10**5, torch.device("cpu"))

    def steps(count: int) -> None:
        train(case, state, state.step + count)

    return steps


class PerImage(Dataset):
    """A data set as torchvision's are: one PIL image and its transforms for each index, and its label."""

    def __init__(self, images: Tensor):
        self.images = images
        self.transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.images[index, 0].numpy())), 0


def endless(loader: DataLoader) -> Iterator[Tensor]:
    while True:
        for x, _ in loader:
            yield x


def upsample_and_conv(layer: NearestThenConv) -> list[nn.Module]:
    conv = nn.Conv2d(layer.in_channels, layer.out_channels, 3, padding=1)
    conv.load_state_dict(layer.state_dict())
    return [nn.Upsample(scale_factor=2), conv]


def as_written(g: nn.Module) -> nn.Module:
    """G with the layers that the author's code has: the conv pair's doubles its maps by an upsampling and a convolution."""
    if not isinstance(g, ConvGenerator):
        return g
    layers: list[nn.Module] = [g.dense, nn.Unflatten(1, g.map)]
    for layer in g.layers:
        layers += upsample_and_conv(layer) if isinstance(layer, NearestThenConv) else [layer]
    return nn.Sequential(*layers)


def plain(model: str, images: Tensor) -> Callable[[int], None]:
    """The document's GPU form with its author's code's dynamic weights, step by step as they are written."""
    g, d = build_networks(mnist_case(model, "self"), tuple(images.shape[1:]), 0)
    g = as_written(g)
    optimiser = torch.optim.Adam([*g.parameters(), *d.parameters()], lr=ADAM["lr"], betas=tuple(ADAM["betas"]), foreach=False, fused=False)
    batches = endless(DataLoader(PerImage(images), batch_size=BATCH, shuffle=True, drop_last=True, num_workers=0))
    criterion, ones, zeros = BCELoss(), torch.ones(BATCH), torch.zeros(BATCH)
    last, log = torch.zeros(BATCH, *images.shape[1:]), []

    def steps(count: int) -> None:
        nonlocal last
        for _ in range(count):
            x = next(batches)
            optimiser.zero_grad()
            made = g(torch.randn(BATCH, LATENT))
            of_gen, of_real, of_fake = (d(batch).sigmoid() for batch in (made, x, last))
            gen, real, fake = criterion(of_gen, ones), criterion(of_real, ones), criterion(of_fake, zeros)
            v_g, v_f = 1 - of_gen.mean(), of_fake.mean()
            loss = (real + 0.1 * v_g * gen + 0.9 * v_f * fake) / 2
            loss.backward()
            optimiser.step()
            last = made.detach()
            log.append((loss.item(), real.item(), fake.item(), gen.item()))

    return steps


def taken(side: Callable[[int], None], count: int) -> float:
    begun = time.perf_counter()
    side(count)
    return time.perf_counter() - begun


def in_turn(sides: dict[str, Callable[[int], None]], count: int) -> dict[str, list[float]]:
    """Seconds for `count` steps of each side in each of ROUNDS; the side that goes first changes with each round."""
    names, seconds = list(sides), {name: [] for name in sides}
    for side in sides.values():
        side(count)  # first steps make buffers
    for turn in range(ROUNDS):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            seconds[name].append(taken(sides[name], count))
    return seconds


def measure(benchmark, model: str) -> tuple[float, float]:
    """(self over two_step, plain over self), medians of the rounds' ratios; they and the seconds go into pytest-benchmark's JSON."""
    images, count = noise(SIDES[model]), STEPS[model]
    sides = {rule: ours(model, rule, images) for rule in RULES} | {"plain": plain(model, images)}
    seconds = benchmark.pedantic(lambda: in_turn(sides, count))
    for name, measured in seconds.items():
        spread = {"min": min(measured), "median": statistics.median(measured), "max": max(measured)}
        benchmark.extra_info[f"{name}_seconds_for_{count}_steps"] = {key: round(value, 4) for key, value in spread.items()}

    def ratio(first: str, second: str) -> float:
        found = statistics.median(a / b for a, b in zip(seconds[first], seconds[second], strict=True))
        benchmark.extra_info[f"{first}_over_{second}"] = round(found, 4)
        return found

    benchmark.extra_info["threads"] = torch.get_num_threads()
    return ratio("self", "two_step"), ratio("plain", "self")


def within_bounds(benchmark, model: str) -> None:
    cost, gain = measure(benchmark, model)
    assert cost <= MOST, f"the Self step takes {cost:.3f} times the two-step rule's time, expected at most {MOST}"
    assert gain >= LEAST, f"the plain way takes {gain:.2f} times the Self step's time, expected at least {LEAST}"


def bench_dense_pair(benchmark):
    """The Self step costs at most 1.1 times the two-step rule and is at least 1.3 times faster than the plain way."""
    within_bounds(benchmark, "selfgan-dense")


def bench_conv_pair(benchmark):
    """The same bounds."""
    within_bounds(benchmark, "selfgan-conv")
