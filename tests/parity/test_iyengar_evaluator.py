"""The protocol `iyengar-2018` against the authors' evaluator, written down once more as plainly as it can be.

Their steps, as github.com/rikenmehta03/gan_mine at 3693ba3 has them (evaluation_metric/*.py, data_loader/loader.py): every fake is
saved alone as N.jpeg without being brought from [-1, 1] to [0, 1]; the files are read back in the order of their names as text;
the score takes softmax over them in [0, 1]; the distance takes reals in [-1, 1], in whole batches of 64, against fakes in
[0, 1], both resized and then shifted channel by channel. A tiny random network stands for Inception.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import linalg
from scipy.stats import entropy
from torch import Tensor
from torchvision import datasets, transforms
from torchvision.utils import save_image

from ganzoo.metrics import extractors, protocols
from ganzoo.metrics.encode import stored
from ganzoo.metrics.measure import measure
from ganzoo.metrics.protocol import Protocol
from ganzoo.metrics.reals import reals_for

NUM_FAKE, NUM_REAL, BATCH, SPLITS = 640, 333, 64, 10  # 333 reals: 13 of them make no batch
G_RANGE = (-1.0, 1.0)

pytestmark = pytest.mark.plumbing


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    yield
    sys.modules.pop("iyengar_net", None)
    extractors.load.cache_clear()


def smooth(seed: int, count: int, low: float, high: float) -> Tensor:
    """Images (count, 3, 24, 24) in [-1, 1] with more in them than noise, which JPEG would ruin alike everywhere."""
    random = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 5, 5, generator=random) * (high - low) + low
    images = torch.nn.functional.interpolate(coarse, (24, 24), mode="bicubic")
    return (images + 0.1 * torch.randn(images.shape, generator=random)).clamp(-1, 1)


@pytest.fixture(scope="module")
def output() -> Tensor:
    """What a G with tanh gives."""
    return smooth(0, NUM_FAKE, -1.2, 1.2)


@pytest.fixture(scope="module")
def reals() -> Tensor:
    return ((smooth(1, NUM_REAL, -0.8, 1.3) + 1) * 127.5).round().to(torch.uint8)


@pytest.fixture
def whole() -> Protocol:
    return replace(protocols.get("iyengar-2018@iyengar_net:TinyInception"), num_fake=NUM_FAKE)


# the authors' evaluator


@dataclass(frozen=True)
class Theirs:
    """Their evaluator; each field is one of its steps, True as they have it."""

    clips_negatives: bool = True
    jpeg: bool = True
    ranges_differ: bool = True
    shifts: bool = True
    drops_partial_batch: bool = True

    def save(self, output: Tensor, folder: Path) -> None:
        (folder / "set").mkdir(parents=True)
        for i, image in enumerate(output):
            path = folder / "set" / f"{i}.{'jpeg' if self.jpeg else 'png'}"
            if self.clips_negatives:
                save_image(image, path)
            else:  # as it should be: the whole range on 0..255, rounded
                pixels = ((image + 1) * 127.5).clamp(0, 255).round().to(torch.uint8)
                Image.fromarray(pixels.permute(1, 2, 0).numpy()).save(path)

    def batches(self, folder: Path) -> Iterator[Tensor]:
        """Files in the order of their names as text, 0..1."""
        loader = torch.utils.data.DataLoader(datasets.ImageFolder(str(folder), transforms.ToTensor()), BATCH, drop_last=True)
        return (images for images, _ in loader)

    def score(self, net: torch.nn.Module, folder: Path) -> tuple[float, float]:
        predictions = np.concatenate([torch.softmax(net(x)[1], 1).numpy() for x in self.batches(folder)])
        each, values = len(predictions) // SPLITS, []
        for k in range(SPLITS):
            part = predictions[k * each : (k + 1) * each]
            marginal = part.mean(0)
            values.append(np.exp(np.mean([entropy(row, marginal) for row in part])))
        return float(np.mean(values)), float(np.std(values))

    def features(self, net: torch.nn.Module, batches: Iterator[Tensor]) -> np.ndarray:
        found = []
        for x in batches:
            x = torch.nn.functional.interpolate(x, (16, 16), mode="bilinear", align_corners=False)
            if self.shifts:
                mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
                x = x * (std / 0.5)[:, None, None] + ((mean - 0.5) / 0.5)[:, None, None]
            found.append(net(x)[0].double().numpy())  # the net's own resize to 16 leaves 16 as it is
        return np.concatenate(found)

    def real_batches(self, reals: Tensor) -> Iterator[Tensor]:
        count = len(reals) // BATCH * BATCH if self.drops_partial_batch else len(reals)
        for batch in (reals[:count].float() / 255).split(BATCH):
            yield (batch - 0.5) / 0.5 if self.ranges_differ else batch

    def distance(self, net: torch.nn.Module, reals: Tensor, folder: Path) -> float:
        fake, real = self.features(net, self.batches(folder)), self.features(net, self.real_batches(reals))
        (m1, s1), (m2, s2) = ((x.mean(0), np.cov(x, rowvar=False)) for x in (fake, real))
        root = linalg.sqrtm(s1 @ s2).real
        return float((m1 - m2) @ (m1 - m2) + np.trace(s1) + np.trace(s2) - 2 * np.trace(root))


@torch.no_grad()
def found_by_them(theirs: Theirs, output: Tensor, reals: Tensor, folder: Path) -> dict[str, float]:
    import iyengar_net

    net = iyengar_net.TinyInception().eval()
    theirs.save(output, folder)
    score, spread = theirs.score(net, folder)
    return {"frechet": theirs.distance(net, reals, folder), "is": score, "is_split_std": spread}


def found_by_us(protocol: Protocol, output: Tensor, reals: Tensor) -> dict[str, float]:
    pixels = (stored(chunk, protocol, G_RANGE) for chunk in output.split(100))
    return measure(protocol, reals_for(protocol, images=reals), pixels, "cpu").metrics


def as_text(output: Tensor) -> Tensor:
    """In the order in which ImageFolder lists 0.jpeg, 1.jpeg, 10.jpeg, 100.jpeg, ..."""
    return output[[int(name) for name in sorted(str(i) for i in range(len(output)))]]


def agree(ours: dict[str, float], theirs: dict[str, float], rel: float = 1e-5) -> bool:
    return all(ours[name] == pytest.approx(value, rel=rel) for name, value in theirs.items())


def test_names_sort_as_text(output, tmp_path):
    """Else their order would not be the one that `as_text` makes."""
    (tmp_path / "set").mkdir()
    for i in range(NUM_FAKE):
        (tmp_path / "set" / f"{i}.jpeg").touch()
    listed = [int(Path(path).stem) for path, _ in datasets.ImageFolder(str(tmp_path)).samples]
    assert torch.equal(output[listed], as_text(output)) and not torch.equal(as_text(output), output)


def test_the_whole_evaluator(whole, output, reals, tmp_path):
    theirs = found_by_them(Theirs(), output, reals, tmp_path)
    assert theirs["is"] > 1.3 and theirs["frechet"] > 1e-2  # there is something to agree on
    assert agree(found_by_us(whole, as_text(output), reals), theirs)


def test_the_order_of_the_files_moves_the_score_alone(whole, output, reals):
    """And that by less than its spread: which fakes share a part is all that differs."""
    ours, theirs = (found_by_us(whole, x, reals) for x in (output, as_text(output)))
    assert ours["frechet"] == pytest.approx(theirs["frechet"], rel=1e-9)
    assert ours["is"] != theirs["is"] and abs(ours["is"] - theirs["is"]) < ours["is_split_std"]


SWITCHED_OFF: dict[str, Callable[[], Theirs]] = {
    "negative half not clipped": lambda: Theirs(clips_negatives=False),
    "no JPEG": lambda: Theirs(jpeg=False),
    "reals and fakes in one range": lambda: Theirs(ranges_differ=False),
    "no channel shift": lambda: Theirs(shifts=False),
    "score in the network's own range": Theirs,  # this network asks for 0..1, as they have it
    "running statistics": Theirs,  # a matter of how G makes its samples: test_metrics_sampling.py
    "all reals": lambda: Theirs(drops_partial_batch=False),
    "none of them": lambda: Theirs(False, False, False, False, False),
}


def test_every_step_can_be_switched_off(whole):
    assert list(protocols.steps(whole)) == list(SWITCHED_OFF)


@pytest.mark.parametrize("step", SWITCHED_OFF)
def test_without_a_step(whole, output, reals, tmp_path, step):
    theirs = found_by_them(SWITCHED_OFF[step](), output, reals, tmp_path)
    without, as_it_is = (found_by_us(protocol, as_text(output), reals) for protocol in (protocols.steps(whole)[step], whole))
    assert agree(without, theirs)
    if SWITCHED_OFF[step] is not Theirs:
        assert not agree(as_it_is, theirs, rel=1e-4)  # the step makes a difference that the tolerance sees
