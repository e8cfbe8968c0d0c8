"""Train a shipped classifier: `python -m ganzoo.metrics.train_classifier mnist-cnn|digits-cnn` (a minute or two on 2 cores).

Adam, cosine schedule, shifts of up to two pixels (one at 8×8) as augmentation; the last weights are kept, no selection on the test split.
"""

from __future__ import annotations

import argparse
import hashlib
import json

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn.functional import cross_entropy, pad

from ganzoo import data
from ganzoo.metrics.classifier import NETWORKS, WEIGHTS

SETTINGS = {
    "digits-cnn": {"data": "digits", "epochs": 80, "batch_size": 64, "lr": 2e-3, "shift": 1},
    "mnist-cnn": {"data": "mnist", "epochs": 6, "batch_size": 128, "lr": 2e-3, "shift": 2},
}


def shifted(x: Tensor, most: int, generator: torch.Generator) -> Tensor:
    """x (N, C, H, W) moved as a whole by up to `most` pixels each way, zeros moving in."""
    dy, dx = torch.randint(0, 2 * most + 1, (2,), generator=generator).tolist()
    return pad(x, (most, most, most, most))[..., dy : dy + x.shape[-2], dx : dx + x.shape[-1]]


@torch.no_grad()
def accuracy(net: torch.nn.Module, images: Tensor, labels: Tensor) -> float:
    net.eval()
    right = [(net(x.float() / 255)[1].argmax(1) == y).sum() for x, y in zip(images.split(1000), labels.split(1000), strict=True)]
    return float(sum(right)) / len(labels)


def train_classifier(name: str, seed: int = 0) -> tuple[torch.nn.Module, dict]:
    """The trained network and its card (without the digest)."""
    settings = SETTINGS[name]
    train, test = data.load(settings["data"], "train"), data.load(settings["data"], "test")
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    net = NETWORKS[name]()
    steps = settings["epochs"] * (len(train.images) // settings["batch_size"])
    optimiser = torch.optim.Adam(net.parameters(), lr=settings["lr"], fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(settings["epochs"]):
        net.train()
        order = torch.randperm(len(train.images), generator=generator)
        for chosen in order[: len(order) // settings["batch_size"] * settings["batch_size"]].split(settings["batch_size"]):
            x = shifted(train.images[chosen].float() / 255, settings["shift"], generator)
            loss = cross_entropy(net(x)[1], train.labels[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return net, {
        "name": name,
        "test_accuracy": accuracy(net, test.images, test.labels),
        "test_images": len(test.labels),
        "train_data": train.digest,
        "test_data": test.digest,
        "seed": seed,
        **settings,
    }


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
