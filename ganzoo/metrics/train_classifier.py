"""Train a shipped classifier: `python -m ganzoo.metrics.train_classifier NAME`.

A few minutes on 2 cores for digits and MNIST, half an hour for the colour ones, whose packs of images lie below GANZOO_DATA
(`training_data.py`). Adam, cosine schedule, shifts of a few pixels and, in colour, mirroring as augmentation; the last weights are
kept, no selection on the test split.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn.functional import cross_entropy, pad

from ganzoo.metrics.extractors.classifier import WEIGHTS
from ganzoo.metrics.networks import NETWORKS
from ganzoo.metrics.training_data import Labelled, training_data

SETTINGS = {
    "digits-cnn": {"data": "digits", "epochs": 80, "batch_size": 64, "lr": 2e-3, "shift": 1},
    "mnist-cnn": {"data": "mnist", "epochs": 6, "batch_size": 128, "lr": 2e-3, "shift": 2},
    "mnist32-cnn": {"data": "mnist", "epochs": 6, "batch_size": 128, "lr": 2e-3, "shift": 2},
    "cifar10-cnn": {"data": "packs", "epochs": 12, "batch_size": 128, "lr": 3e-3, "shift": 4, "mirror": True, "channels_last": True},
    "images64-cnn": {"data": "packs", "epochs": 16, "batch_size": 64, "lr": 2e-3, "shift": 6, "mirror": True, "channels_last": True},
}


def shifted(x: Tensor, most: int, generator: torch.Generator) -> Tensor:
    """x (N, C, H, W) moved as a whole by up to `most` pixels each way, zeros moving in."""
    dy, dx = torch.randint(0, 2 * most + 1, (2,), generator=generator).tolist()
    return pad(x, (most, most, most, most))[..., dy : dy + x.shape[-2], dx : dx + x.shape[-1]]


def mirrored(x: Tensor, generator: torch.Generator) -> Tensor:
    """Each image of x (N, C, H, W) left and right exchanged with probability one half."""
    flip = torch.rand(len(x), 1, 1, 1, generator=generator) < 0.5
    return torch.where(flip, x.flip(3), x)


@torch.no_grad()
def accuracy(net: torch.nn.Module, images: Tensor, labels: Tensor) -> float:
    net.eval()
    right = [(net(x.float() / 255)[1].argmax(1) == y).sum() for x, y in zip(images.split(1000), labels.split(1000), strict=True)]
    return float(sum(right)) / len(labels)


@torch.no_grad()
def dead_features(net: torch.nn.Module, images: Tensor) -> int:
    """How many features are the same for all of `images` uint8 (N, C, H, W): units that never fire, most often."""
    net.eval()
    parts = [net(x.float() / 255)[0] for x in images.split(1000)]
    low, high = torch.stack([x.amin(0) for x in parts]).amin(0), torch.stack([x.amax(0) for x in parts]).amax(0)
    return int((low == high).sum())


def train_classifier(name: str, seed: int = 0) -> tuple[torch.nn.Module, dict]:
    """The trained network and its card (without the digest)."""
    settings = SETTINGS[name]
    train, test = training_data(name, settings["data"], NETWORKS[name].image[1])
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    layout = torch.channels_last if settings.get("channels_last") else torch.contiguous_format
    net = NETWORKS[name]().to(memory_format=layout)
    steps = settings["epochs"] * (len(train.images) // settings["batch_size"])
    optimiser = torch.optim.Adam(net.parameters(), lr=settings["lr"], fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    begun = time.monotonic()
    for epoch in range(settings["epochs"]):
        net.train()
        _one_pass(net, train, settings, layout, generator, optimiser, schedule)
        print(f"epoch {epoch + 1} of {settings['epochs']}, {time.monotonic() - begun:.0f} s", file=sys.stderr)
    return net, {
        "name": name,
        "test_accuracy": accuracy(net, test.images, test.labels),
        "test_images": len(test.labels),
        "dead_features": dead_features(net, test.images),
        "train_images": len(train.labels),
        "classes": list(train.classes),
        "train_data": list(train.digests),
        "test_data": list(test.digests),
        "seed": seed,
        **settings,
    }


def _one_pass(
    net: torch.nn.Module, train: Labelled, settings: dict, layout: torch.memory_format, generator: torch.Generator, optimiser, schedule
) -> None:
    size = settings["batch_size"]
    order = torch.randperm(len(train.images), generator=generator)
    for chosen in order[: len(order) // size * size].split(size):
        x = shifted(train.images[chosen].float() / 255, settings["shift"], generator)
        if settings.get("mirror"):
            x = mirrored(x, generator)
        loss = cross_entropy(net(x.contiguous(memory_format=layout))[1], train.labels[chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=sorted(NETWORKS))
    name = parser.parse_args().name
    net, facts = train_classifier(name)
    WEIGHTS.mkdir(exist_ok=True)
    path = WEIGHTS / f"{name}.safetensors"
    save_file({key: value.contiguous() for key, value in net.state_dict().items()}, path)
    facts = {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), **facts}
    (WEIGHTS / f"{name}.json").write_text(json.dumps(facts, indent=2) + "\n")
    print(json.dumps(facts, indent=2))


if __name__ == "__main__":
    main()
