"""The two sides of `ganzoo evaluate`: what is measured, and what it is held against."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ganzoo import data
from ganzoo.bench.catalogue import source_of
from ganzoo.bench.generator import Trained, is_run, load_generator
from ganzoo.data.image_set import image_set
from ganzoo.data.loose import load_loose
from ganzoo.errors import DataError, UserError, nearest
from ganzoo.metrics.encode import generation_mode
from ganzoo.metrics.evaluate import sample_images
from ganzoo.metrics.protocol import CASE, Protocol
from ganzoo.metrics.translator import Translator
from ganzoo.streams import stream

CHUNK = 1000  # stored images at once


@dataclass(frozen=True)
class Asked:
    """What the command line said."""

    fake: str
    real: str | None
    protocol: str
    num_fake: int | None
    num_real: int | None
    resize: int | None
    seed: int | None
    device: str
    steps: bool


@dataclass(frozen=True)
class Fakes:
    """Images to be measured: a generator's, or stored ones."""

    told: dict
    count: int
    seed: int
    shape: tuple[int, ...]
    stored: Tensor | None = None
    trained: Trained | None = None

    def chunks(self, protocol: Protocol, device: str) -> Iterator[Tensor]:
        if self.stored is not None:
            order = torch.randperm(len(self.stored), generator=stream(self.seed, "evaluate/choice"))  # files come ordered by class
            yield from (self.stored[rows].to(device) for rows in order[: protocol.num_fake].split(CHUNK))
            return
        with generation_mode(self.trained.net, protocol) as g:
            yield from sample_images(g, self.trained.case, protocol, protocol.num_fake, self.seed, "eval/report", device)


def fakes_of(asked: Asked, protocol: Protocol, device: str) -> Fakes:
    path = Path(asked.fake)
    if is_run(path):
        if asked.resize is not None and asked.real is None:
            raise UserError("--resize is for image files: a generator's images are taken as it makes them, its data as it was trained.")
        trained = load_generator(path)
        trained.net.to(device)
        there = len(trained.net.reported) if isinstance(trained.net, Translator) else None
        if there is not None and asked.seed is not None:
            raise UserError(
                "--seed is for latents or a choice of files: a run that translates takes its held-out images in order. Leave it out."
            )
        if there is not None and (asked.num_fake or 0) > there:
            raise DataError(f"{asked.fake} translates {there} held-out images, --num-fake asks for {asked.num_fake}. Lower it.")
        count = asked.num_fake or (protocol.num_fake if there is None else min(protocol.num_fake, there))
        of, seed = trained.record, trained.seed if asked.seed is None else asked.seed
        told = {"run": f"{of['spec']}/{of['case']}", "seed": trained.seed, "step": trained.step, "tier": of["tier"]}
        return Fakes(told, count, seed, tuple(of["data"]["shape"]), trained=trained)
    images = _images("--fake", asked.fake, asked.resize)
    count = asked.num_fake or min(protocol.num_fake, len(images))
    if count > len(images):
        raise DataError(f"{asked.fake} holds {len(images)} images, --num-fake asks for {count}.")
    told = {"path": asked.fake, "digest": images.digest}
    return Fakes(told, count, asked.seed or 0, images.shape, stored=images.images)


def _images(option: str, what: str, resize: int | None, split: str | None = None) -> data.ImageSet:
    """A data set by name (NAME or NAME:SPLIT), or the images at a path."""
    (name, _, named_split), path, built_in = what.partition(":"), Path(what), set(data.names()) - {"folder", "zip", "pairs", "domains"}
    if not what:
        raise UserError(f"{option} is empty, expected a path or a data set: {', '.join(sorted(built_in))}.")
    if name in built_in and not path.exists():
        return data.load(name, named_split or split or "train", resize=resize)
    if is_run(path):
        raise UserError(f"{option} {what} is a run's folder, expected images: a run goes to --fake, its data are then the reals.")
    if any(path.glob("*-s*/record.json")):
        raise UserError(f"{option} {what} holds several runs, expected one of them: {min(path.glob('*-s*/record.json')).parent}")
    if not path.exists() and len(path.parts) == 1:
        raise DataError(f"{option} {what}: no such path, and no data set.{nearest(name, built_in)}")
    return image_set(load_loose(path, resize), path.name, "all")


def reals_of(asked: Asked, protocol: Protocol, fakes: Fakes) -> data.ImageSet:
    if asked.real is not None:
        return _images("--real", asked.real, asked.resize, protocol.real_split)
    split = (fakes.trained and fakes.trained.case.eval.real_split) or protocol.real_split
    if protocol.real_data != CASE:
        return data.load(protocol.real_data, split)
    if fakes.trained is None:
        raise UserError(f"protocol {protocol.name} holds fakes against the data they imitate. Name it: --real PATH or a data set.")
    return source_of(fakes.trained.case, split).load()
