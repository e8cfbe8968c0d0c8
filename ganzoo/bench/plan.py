"""From a spec to the runs it needs. Cases that differ only in their length are one trajectory, read off at several points."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from ganzoo import data
from ganzoo.bench.catalogue import protocol_of
from ganzoo.bench.code import science_digest
from ganzoo.errors import SpecError, nearest
from ganzoo.metrics.classifier import SHAPES
from ganzoo.metrics.protocol import Protocol
from ganzoo.spec import Resolved, Spec
from ganzoo.spec.schema import Case


@dataclass(frozen=True)
class Run:
    """One training of one seed. `stops`: case name → (G step, epoch) at which that case is read off."""

    spec: str
    document: str
    case: str  # the first case of the trajectory, after which the folder is named
    stops: dict[str, tuple[int, float]]
    seed: int
    tier: str
    key: str
    resolved: Case  # with the trajectory's greatest length
    stand_in: str | None
    protocol: Protocol
    data_digest: str
    code: str

    @property
    def folder(self) -> Path:
        """Below the results folder."""
        return Path(self.spec) / self.case / f"{self.key[:12]}-s{self.seed}"

    @property
    def total_steps(self) -> int:
        return max(step for step, _ in self.stops.values())


Loaded = dict[str, tuple[int, str, tuple]]  # data settings → (images, digest, shape): each set is read once a plan


def _facts_of(case: Case, loaded: Loaded) -> tuple[int, str, tuple]:
    key = case.data.model_dump_json()
    if key not in loaded:
        images = load_images(case)
        loaded[key] = len(images.images), images.digest, tuple(images.shape)
    return loaded[key]


def load_images(case: Case) -> data.ImageSet:
    """The training images of a case."""
    settings = case.data
    return data.load(settings.name, settings.split, path=settings.path, resize=settings.resize, limit=settings.limit)


def steps_per_epoch(case: Case, count: int) -> int:
    """Whole batches in `count` images."""
    if count < case.train.batch_size:
        raise SpecError(f"{count} images make no batch of {case.train.batch_size}. Lower train.batch_size or raise data.limit.")
    return count // case.train.batch_size


def stop_of(case: Case, count: int) -> tuple[int, float]:
    """(G step, epoch) at which a case ends; `train.max_steps` cuts it short."""
    per_epoch = steps_per_epoch(case, count)
    steps = case.train.epochs * per_epoch
    if case.train.max_steps is not None:
        steps = min(steps, case.train.max_steps)
    return steps, epoch_of(steps, per_epoch)


def epoch_of(step: int, per_epoch: int) -> float:
    """Epochs done after `step` G steps; whole numbers stay whole."""
    return step // per_epoch if step % per_epoch == 0 else round(step / per_epoch, 4)


def trajectory(case: Case) -> str:
    """Everything of a case but its length, as canonical JSON: equal for cases that can share one training."""
    settings = case.model_dump(mode="json")
    settings["data"]["stand_in"] = None  # a remark for readers
    settings["train"] = {key: value for key, value in settings["train"].items() if key not in ("epochs", "max_steps")}
    return json.dumps(settings, sort_keys=True)


def run_key(case: Case, seed: int, tier: str, code: str, data_digest: str, protocol_hash: str) -> str:
    """sha256 of what decides a run's outcome, its length aside."""
    parts = [trajectory(case), seed, tier, code, data_digest, protocol_hash]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def plan(spec: Spec, cases: list[str] | None, tier: str, seeds: list[int]) -> list[Run]:
    """The runs for `cases` (all by default) of a spec at a tier, in the spec's order, seed by seed.

    A case's folder is named after the first case of the *spec* on its trajectory, whichever cases are asked for.
    """
    for name in cases or []:
        if name not in spec.cases:
            raise SpecError(f"{spec.name} has no case '{name}'.{nearest(name, spec.cases)}")
    groups: dict[str, list[Resolved]] = {}
    for name in spec.cases:
        resolved = spec.resolve(name, tier)
        groups.setdefault(trajectory(resolved.case), []).append(resolved)
    chosen, loaded = set(cases or spec.cases), {}
    runs = []
    for seed in seeds:
        for members in groups.values():
            wanted = [member for member in members if member.name in chosen]
            if wanted:
                runs.append(_run(spec, tier, seed, members[0].name, wanted, loaded))
    _check_reals(runs)
    return runs


def _check_reals(runs: list[Run]) -> None:
    """DataError where images that a protocol measures against are missing, before anything is written; those trained on are there."""
    read = {(run.resolved.data.name, run.resolved.data.split) for run in runs}
    for name, split in sorted({(run.protocol.real_data, run.protocol.real_split) for run in runs} - read):
        data.load(name, split)


def _run(spec: Spec, tier: str, seed: int, leader: str, members: list[Resolved], loaded: Loaded) -> Run:
    count, digest, shape = _facts_of(members[0].case, loaded)
    stops = {member.name: stop_of(member.case, count) for member in members}
    longest = max(members, key=lambda member: stops[member.name][0])
    case, protocol, code = longest.case, protocol_of(longest.case), science_digest(longest.case.model.name)
    if shape != SHAPES[protocol.extractor]:
        raise SpecError(
            f"{spec.name}/{leader} trains on images of shape {shape}, but protocol {protocol.name} reads {SHAPES[protocol.extractor]}."
        )
    return Run(
        spec=spec.name,
        document=spec.document,
        case=leader,
        stops=stops,
        seed=seed,
        tier=tier,
        key=run_key(case, seed, tier, code, digest, protocol.hash),
        resolved=case,
        stand_in=longest.stand_in,
        protocol=protocol,
        data_digest=digest,
        code=code,
    )
