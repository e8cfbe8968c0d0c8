"""From a spec to the runs it needs. Cases that differ only in their length are one trajectory, read off at several points."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from ganzoo import data, models
from ganzoo.bench.catalogue import protocol_of, reals_of, source_of
from ganzoo.bench.code import science_digest
from ganzoo.bench.probing import check_probe
from ganzoo.bench.sides import check_task, held_out, training_pairs, two_sided
from ganzoo.errors import SpecError, UserError, nearest
from ganzoo.metrics import extractors, protocols
from ganzoo.metrics.protocol import CASE, Protocol
from ganzoo.metrics.reals import Source
from ganzoo.spec import Resolved, Spec
from ganzoo.spec.schema import POINTS, Case
from ganzoo.train.state import build_networks


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


@dataclass(frozen=True)
class Facts:
    """What a plan has to know of a data set."""

    count: int  # images, or pairs
    digest: str
    shape: tuple[int, int, int]  # of one, as it is trained on
    classes: int = 0


Loaded = dict[tuple, Facts]  # by (source, limit): each set is read once a plan


def _facts_of(source: Source, limit: int | None, loaded: Loaded) -> Facts:
    if (source, limit) not in loaded:
        images = source.load(limit)
        loaded[source, limit] = Facts(len(images), images.digest, tuple(images.shape), len(images.classes))
    return loaded[source, limit]


def _trained_on(case: Case, loaded: Loaded) -> Facts:
    settings = case.data
    if not two_sided(case):
        return _facts_of(source_of(case, settings.split), settings.limit, loaded)
    key = json.dumps(settings.model_dump(mode="json")), None
    if key not in loaded:
        pairs, held = training_pairs(case), held_out(case)  # what is measured on is told before any training, too
        digest = hashlib.sha256(f"{pairs.digest} {held.digest}".encode()).hexdigest()
        loaded[key] = Facts(len(pairs), digest, held.shape)
    return loaded[key]


def load_images(case: Case) -> data.ImageSet | data.PairSet:
    """The training images of a case, or both sides of a translation."""
    if two_sided(case):
        return training_pairs(case)
    return source_of(case, case.data.split).load(case.data.limit)


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
    length = ("epochs", "max_steps") if case.train.lr_decay_from is None else ("max_steps",)  # a decay knows its end from the start
    settings["train"] = {key: value for key, value in settings["train"].items() if key not in length}
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
    return runs


def _protocol(case: Case, loaded: Loaded) -> Protocol:
    """The protocol with its reals, which are read here so that missing ones are told before anything is written."""
    protocol = protocol_of(case)
    extractors.check_at_hand(protocol.extractor)
    source = reals_of(case, protocol)
    named = protocols.get(case.eval.protocol).real_data != CASE  # then the name says which images they are
    part = next((limit for known, limit in loaded if known == source), None) if named and protocol.real_count is None else None
    found = _facts_of(source, part, loaded)  # a part that is trained on shows that all are there
    if not extractors.fits(takes := extractors.card(protocol.extractor), found.shape):
        told = f"protocol {protocol.name} takes its reals from {source.name}, of shape {found.shape}"
        raise SpecError(f"{told}, but its network reads {extractors.in_words(takes)}.")
    if protocol.real_count is not None and protocol.real_count > found.count:
        raise SpecError(f"eval.num_real is {protocol.real_count}, but {source.name} ({source.split}) holds {found.count} images.")
    if part is None and (used := protocol.used_reals(found.count)) < (least := protocol.least_images):
        batches = f" in whole batches of {protocol.real_batch}" if protocol.real_batch else ""
        raise SpecError(f"{source.name} ({source.split}) gives {used} reals{batches}, but protocol {protocol.name} needs at least {least}.")
    return protocol if named else replace(protocol, real_digest=found.digest)


def _check_reads(case: Case, protocol: Protocol, shape: tuple[int, int, int], what: str) -> None:
    """SpecError where the protocol cannot measure what the case makes."""
    takes = extractors.card(protocol.extractor)
    if not extractors.fits(takes, shape):
        reads = extractors.in_words(takes)
        raise SpecError(f"{what} trains on images of shape {shape}, but protocol {protocol.name} reads {reads}.")
    if protocol.points and case.data.name != protocol.real_data:
        raise SpecError(
            f"{what} trains on '{case.data.name}', but protocol {protocol.name} counts the modes of '{protocol.real_data}': "
            f"expected eval.protocol: {case.data.name}."
        )


def _check_classes(case: Case, found: int, what: str) -> None:
    """SpecError where the networks are told other classes than the data have."""
    told = case.model.num_classes
    if told not in (0, found):
        raise SpecError(
            f"{what}: model.num_classes is {told}, but {case.data.name} ({case.data.split}) has {found} classes: expected {found}, or 0 to "
            "tell none. Set model.num_classes, or data.classes."
        )


def _check_builds(case: Case, shape: tuple[int, int, int], what: str) -> None:
    """UserError where the model refuses the images, before anything is written; any other failure is the run's own, a row."""
    try:
        with torch.device("meta"):  # no memory and no time, however wide
            build_networks(case, shape, seed=0)
    except UserError as error:
        if case.data.name in POINTS and hasattr(models.get(case.model.name), "SIDES"):  # its advice is for images
            raise SpecError(
                f"{what}: model '{case.model.name}' makes images, but '{case.data.name}' holds points. Set model.name: point-mlp."
            ) from error
        raise
    except Exception:  # noqa: BLE001, S110 (a user's model may fail in any way, or want real numbers while it is built)
        pass


def _run(spec: Spec, tier: str, seed: int, leader: str, members: list[Resolved], loaded: Loaded) -> Run:
    what = f"{spec.name}/{leader}"
    check_task(members[0].case, what)
    data_set = _trained_on(members[0].case, loaded)
    stops = {member.name: stop_of(member.case, data_set.count) for member in members}
    longest = max(members, key=lambda member: stops[member.name][0])
    case, code = longest.case, science_digest(longest.case.model.name)
    protocol = _protocol(case, loaded)
    _check_reads(case, protocol, data_set.shape, what)
    _check_classes(case, data_set.classes, what)
    _check_builds(case, data_set.shape, what)
    check_probe(case, what)
    return Run(
        spec=spec.name,
        document=spec.document,
        case=leader,
        stops=stops,
        seed=seed,
        tier=tier,
        key=run_key(case, seed, tier, code, data_set.digest, protocol.hash),
        resolved=case,
        stand_in=longest.stand_in,
        protocol=protocol,
        data_digest=data_set.digest,
        code=code,
    )
