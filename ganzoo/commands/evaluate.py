"""`ganzoo evaluate`: a user's own images, or a run's generator, under a protocol."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from ganzoo import data
from ganzoo.commands.counting import counting
from ganzoo.commands.evaluation_page import check_page, with_origin, write_page
from ganzoo.commands.run import device_named
from ganzoo.commands.sides import Asked, Fakes, fakes_of, reals_of
from ganzoo.commands.terminal import console, table
from ganzoo.errors import DataError, UserError
from ganzoo.metrics import extractors, protocols
from ganzoo.metrics.measure import Measurement, measure
from ganzoo.metrics.protocol import LAST, SHUFFLED, Protocol
from ganzoo.metrics.reals import reals_for


def evaluate(asked: Asked, *, as_json: bool, page: Path | None = None) -> None:
    """Print every metric of the protocol, with what it was measured on; `page`: the HTML file to write as well."""
    check_page(page)
    protocol = protocols.get(asked.protocol)
    device = device_named(asked.device)
    extractors.check_at_hand(protocol.extractor)  # before images are decoded, which may take minutes
    fakes = fakes_of(asked, protocol, device)
    _check_steps(asked, protocol, fakes)
    reals = reals_of(asked, protocol, fakes)
    warnings = _warnings(protocol, fakes, reals)
    protocol = _as_measured(protocol, fakes, reals, asked)
    found, step_rows = _measured(asked, protocol, fakes, reals, device, quiet=as_json)
    told = {
        "protocol": protocol.as_record(),
        "real": {"name": reals.name, "split": reals.split, "digest": reals.digest, "count": protocol.used_reals(len(reals))},
        "fake": fakes.told | {"count": protocol.num_fake, "samples_seed": fakes.seed},
        "metrics": found.metrics,
        "warnings": warnings + found.warnings,
    } | ({"steps": step_rows} if asked.steps else {})
    told = with_origin(told, asked, page, fakes, protocol)
    if page:
        write_page(page, told, fakes, protocol, device)
    if as_json:
        print(json.dumps(told, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        _show(told)
        if page:
            print(f"page: {page}")


def _warnings(protocol: Protocol, fakes: Fakes, reals: data.ImageSet) -> list[dict]:
    """Where what is measured is not quite what the protocol's name says."""
    told = {}
    if fakes.count < protocol.num_fake:
        told["fewer-fakes"] = f"{fakes.count:,} fakes, where protocol {protocol.name} takes {protocol.num_fake:,}: not its number."
    if fakes.stored is not None and (protocol.jpeg is not None or not protocol.denormalised):
        told["taken-as-stored"] = f"the fakes are measured as they are stored: {protocol.name}'s clipping and JPEG are not done to them."
    if fakes.trained and fakes.trained.code_changed:
        told["code-changed"] = "the run was trained by other code than today's: its record's numbers may not come out again."
    if fakes.shape != reals.shape:
        sides = f"fakes are of shape {fakes.shape}, reals {reals.shape}"
        told["shapes-differ"] = f"{sides}: how they were made larger or smaller is part of the distance."
    return [{"code": code, "message": message} for code, message in told.items()]


def _as_measured(protocol: Protocol, fakes: Fakes, reals: data.ImageSet, asked: Asked) -> Protocol:
    """The protocol with the counts and reals of this measurement, so that its hash tells them."""
    builtin = (reals.name, reals.split) == (protocol.real_data, protocol.real_split)
    named = {} if builtin else {"real_data": reals.name, "real_split": reals.split, "real_digest": reals.digest, "subset": SHUFFLED}
    if not builtin and (asked.num_real or protocol.real_batch is None):  # a part of a set in unknown order must not be one class
        named["real_order"] = "shuffled"
    if protocol.checkpoint != LAST:
        named["checkpoint"] = "the one measured"
    ema = bool(fakes.trained and fakes.trained.case.train.ema)
    made = replace(protocol, num_fake=fakes.count, real_count=asked.num_real, ema=ema, **named)
    least = made.least_images
    if asked.num_real and asked.num_real > len(reals):
        raise DataError(f"{asked.real or reals.name} holds {len(reals)} images, --num-real asks for {asked.num_real}.")
    for what, count in (("fakes", made.num_fake), ("reals", made.used_reals(len(reals)))):
        if count < least:
            whole = f" (whole batches of {made.real_batch})" if what == "reals" and made.real_batch else ""
            raise DataError(f"too few {what} for protocol {protocol.name}: {count}{whole}, expected at least {least}.")
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
        with counting(f"{what}: reals", protocol.used_reals(len(reals)), quiet) as counted:
            real_side = reals_for(protocol, device, images=reals.images, digest=reals.digest, progress=lambda done, total: counted(done))
        with counting(f"{what}: fakes", protocol.num_fake, quiet) as counted:
            return measure(protocol, real_side, fakes.chunks(protocol, device), device, counted)

    found = one(protocol, protocol.name)
    without = protocols.steps(protocol) if asked.steps else {}
    return found, {step: one(changed, step).metrics for step, changed in without.items()}


def _show(told: dict) -> None:
    out, labels = console(), told["protocol"]["labels"]
    out.print(table(["metric", "value"], [(labels.get(name, name), f"{value:.6g}") for name, value in told["metrics"].items()]))
    if told.get("steps"):
        names = list(told["metrics"])
        rows = [("as it is", told["metrics"]), *told["steps"].items()]
        out.print("", table(["step switched off", *names], [  # their labels stand above, and ten of them would not fit
            (step, *(f"{values[name]:.5g}" if name in values else "" for name in names)) for step, values in rows
        ]))  # fmt: skip
    fields, fake = told["protocol"]["fields"], told["fake"]
    source = fake.get("path") or f"{fake['run']} seed {fake['seed']}, step {fake['step']}"
    out.print(f"\nprotocol {told['protocol']['name']} ({told['protocol']['hash'][:12]}), {fields['extractor']} {fields['weights'][:12]}")
    real = told["real"]
    out.print(f"reals {real['name']} ({real['split']}, {real['count']:,}), fakes {source} ({fake['count']:,})", soft_wrap=True)
    for warning in told["warnings"]:
        out.print(f"warning: {warning['message']}", soft_wrap=True)
