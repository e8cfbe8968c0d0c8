"""`ganzoo evaluate`: a user's own images, or a run's generator, under a protocol."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from ganzoo import data
from ganzoo.bench.generator import Trained, is_run, load_generator
from ganzoo.commands.counting import counting
from ganzoo.commands.run import device_named
from ganzoo.commands.terminal import console, table
from ganzoo.data.image_set import image_set
from ganzoo.data.loose import load_loose
from ganzoo.errors import DataError, UserError
from ganzoo.metrics import protocols
from ganzoo.metrics.encode import evaluation_mode
from ganzoo.metrics.evaluate import sample_images
from ganzoo.metrics.measure import Measurement, measure
from ganzoo.metrics.protocol import CASE, Protocol
from ganzoo.metrics.reals import reals_for

CHUNK = 1000


@dataclass(frozen=True)
class Asked:
    """What the command line said."""

    fake: str
    real: str | None
    protocol: str
    num_fake: int | None
    num_real: int | None
    resize: int | None
    seed: int
    device: str
    steps: bool


@dataclass(frozen=True)
class Fakes:
    """Images to be measured: a generator's, or stored ones."""

    told: dict
    count: int
    stored: Tensor | None = None
    trained: Trained | None = None

    def chunks(self, protocol: Protocol, seed: int, device: str) -> Iterator[Tensor]:
        if self.stored is not None:
            yield from (chunk.to(device) for chunk in self.stored[: protocol.num_fake].split(CHUNK))
            return
        with evaluation_mode(self.trained.net) as g:
            yield from sample_images(g, self.trained.case, protocol, protocol.num_fake, seed, "eval/report", device)


def evaluate(asked: Asked, *, as_json: bool) -> None:
    """Print every metric of the protocol, with what it was measured on."""
    protocol = protocols.get(asked.protocol)
    device = device_named(asked.device)
    fakes, warnings = _fakes(asked, protocol, device)
    reals = _reals(asked, protocol, fakes)
    protocol = _as_measured(protocol, fakes, reals, asked)
    _check_steps(asked, protocol, fakes)
    found, step_rows = _measured(asked, protocol, fakes, reals, device, quiet=as_json)
    told = {
        "protocol": protocol.as_record(),
        "real": {"name": reals.name, "split": reals.split, "digest": reals.digest, "count": len(reals)},
        "fake": fakes.told | {"count": protocol.num_fake},
        "metrics": found.metrics,
        "warnings": warnings + found.warnings,
    } | ({"steps": step_rows} if asked.steps else {})
    if as_json:
        print(json.dumps(told, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        _show(told)


def _fakes(asked: Asked, protocol: Protocol, device: str) -> tuple[Fakes, list[dict]]:
    """What to measure, and a warning where there are fewer images than the protocol takes."""
    path = Path(asked.fake)
    if is_run(path):
        trained = load_generator(path)
        trained.net.to(device)
        of = trained.record
        told = {"run": f"{of['spec']}/{of['case']}", "seed": trained.seed, "step": trained.step, "tier": of["tier"]}
        return Fakes(told, asked.num_fake or protocol.num_fake, trained=trained), []
    images = _images(asked.fake, asked.resize)
    count = asked.num_fake or min(protocol.num_fake, len(images))
    if count > len(images):
        raise DataError(f"{asked.fake} holds {len(images)} images, --num-fake asks for {count}.")
    shuffled = torch.randperm(len(images), generator=torch.Generator().manual_seed(asked.seed))[:count]  # files come ordered by class
    few = {"code": "fewer-fakes", "message": f"{count} fakes, where protocol {protocol.name} takes {protocol.num_fake}: not its number."}
    told = {"path": asked.fake, "digest": images.digest}
    return Fakes(told, count, stored=images.images[shuffled]), [few] if count < protocol.num_fake else []


def _images(what: str, resize: int | None, split: str | None = None) -> data.ImageSet:
    """A data set by name (NAME or NAME:SPLIT), or the images at a path."""
    name, _, named_split = what.partition(":")
    if name in data.names() and name not in ("folder", "zip") and not Path(what).exists():
        return data.load(name, named_split or split or "train", resize=resize)
    return image_set(load_loose(Path(what), resize), Path(what).name, "all")


def _reals(asked: Asked, protocol: Protocol, fakes: Fakes) -> data.ImageSet:
    if asked.real:
        return _images(asked.real, asked.resize, protocol.real_split)
    if protocol.real_data != CASE:
        return data.load(protocol.real_data, protocol.real_split)
    if fakes.trained is None:
        raise UserError(f"protocol {protocol.name} holds fakes against the data they imitate. Name it: --real PATH or a data set.")
    settings = fakes.trained.case.data
    return data.load(settings.name, protocol.real_split, path=settings.path, resize=settings.resize)


def _as_measured(protocol: Protocol, fakes: Fakes, reals: data.ImageSet, asked: Asked) -> Protocol:
    """The protocol with the counts and reals of this measurement, so that its hash tells them."""
    builtin = (reals.name, reals.split) == (protocol.real_data, protocol.real_split)
    named = {} if builtin else {"real_data": reals.name, "real_split": reals.split, "real_digest": reals.digest}
    ema = bool(fakes.trained and fakes.trained.case.train.ema)
    made = replace(protocol, num_fake=fakes.count, real_count=asked.num_real, ema=ema, **named)
    least = max(made.is_splits, made.neighbours + 1, made.coverage_neighbours + 1)
    for what, count in (("fakes", made.num_fake), ("reals", min(len(reals), asked.num_real or len(reals)))):
        if count < least:
            raise DataError(f"{count} {what} are too few for protocol {protocol.name}: expected at least {least}.")
    return made


def _check_steps(asked: Asked, protocol: Protocol, fakes: Fakes) -> None:
    if asked.steps and not protocols.steps(protocol):
        which = "--steps is for iyengar-2018, also as iyengar-2018@EXTRACTOR."
        raise UserError(f"protocol {protocol.name} has no steps to switch off. {which}")
    if asked.steps and fakes.trained is None:
        raise UserError("--steps needs a run's folder as --fake: clipping and JPEG happen before images are stored.")


def _measured(
    asked: Asked, protocol: Protocol, fakes: Fakes, reals: data.ImageSet, device: str, *, quiet: bool
) -> tuple[Measurement, dict[str, dict]]:
    def one(protocol: Protocol, what: str) -> Measurement:
        with counting(f"{what}: reals", len(reals), quiet) as counted:
            real_side = reals_for(protocol, device, images=reals.images, progress=lambda done, total: counted(done))
        with counting(f"{what}: fakes", protocol.num_fake, quiet) as counted:
            return measure(protocol, real_side, fakes.chunks(protocol, asked.seed, device), device, counted)

    found = one(protocol, protocol.name)
    without = protocols.steps(protocol) if asked.steps else {}
    return found, {step: one(changed, step).metrics for step, changed in without.items()}


def _show(told: dict) -> None:
    out, labels = console(), told["protocol"]["labels"]
    out.print(table(["metric", "value"], [(labels.get(name, name), f"{value:.6g}") for name, value in told["metrics"].items()]))
    if told.get("steps"):
        names = list(told["metrics"])
        rows = [("as it is", told["metrics"]), *told["steps"].items()]
        out.print("", table(["step switched off", *(labels.get(name, name) for name in names)], [
            (step, *(f"{values[name]:.5g}" if name in values else "" for name in names)) for step, values in rows
        ]))  # fmt: skip
    fields, fake = told["protocol"]["fields"], told["fake"]
    source = fake.get("path") or f"{fake['run']} seed {fake['seed']}, step {fake['step']}"
    out.print("", f"protocol {told['protocol']['name']} ({told['protocol']['hash'][:12]}), {fields['extractor']} {fields['weights'][:12]}")
    real = told["real"]
    out.print(f"reals {real['name']} ({real['split']}, {real['count']:,}), fakes {source} ({fake['count']:,})", soft_wrap=True)
    for warning in told["warnings"]:
        out.print(f"warning: {warning['message']}", soft_wrap=True)
