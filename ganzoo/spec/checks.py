"""What a schema cannot say: overrides reach something and change it, tiers leave the science alone, claims are about cases that exist."""

from __future__ import annotations

import json

from ganzoo.errors import nearest
from ganzoo.spec.claims import Claim
from ganzoo.spec.layers import Layer
from ganzoo.spec.metric_names import PAIRED, PROBES, parted
from ganzoo.spec.spec import FULL, Spec, settle
from ganzoo.spec.tree import below, branches, dotted, neighbours, paths
from ganzoo.spec.yaml_lines import Place, Source

TIER_MAY_SET = [f"train.{name}" for name in ("max_steps", "epochs", "lr_decay_from", "precision", "channels_last", "log_every_steps")]
TIER_MAY_SET += [f"eval.{name}" for name in ("num_fake", "num_real", "real_split", "num_select", "every_epochs", "every_steps", "protocol")]
TIER_MAY_SET += ["eval.truncations", "eval.probe"]
TIER_MAY_SET += [f"data.{name}" for name in ("name", "split", "classes", "resize", "limit", "path", "stand_in", "domains", "holdout")]
TIER_MAY_SET += ["watch.every_steps"]

Flat = dict[str, object]  # dotted leaf → value of a complete case


def check(spec: Spec, source: Source) -> None:
    """Raises SpecError at the first thing that cannot mean anything."""
    base = _flat(spec, [spec.base])
    cases = {name: _check_case(spec, source, name, base) for name in spec.cases}
    _check_distinct(spec, source, cases)
    for name in spec.tiers:
        _check_tier(spec, source, name, base, cases)
    _check_claims(spec, source, cases)
    _check_numbers(spec, source)


def _flat(spec: Spec, layers: list[Layer]) -> Flat:
    return dotted(settle(spec.path, layers, spec.catalogue).model_dump(mode="json"))


def _check_case(spec: Spec, source: Source, name: str, base: Flat) -> Flat:
    entry = spec.cases[name]
    _check_paths(spec, source, entry.layer, base, reserved=("title", "source"))
    flat = _flat(spec, [spec.base, entry.layer])
    if not entry.of_matrix:  # in a product, one value of each axis is usually the base's
        for path in entry.layer.overrides:
            if below(flat, path) == below(base, path):
                line = entry.layer.line_of(path)
                raise source.error_at(line, f"{entry.layer.label} sets {path} to what the base has already; leave it out.")
    return flat


def _check_paths(spec: Spec, source: Source, layer: Layer, base: Flat, reserved: tuple[str, ...]) -> None:
    """Overrides name settings that exist, and none names a part of another."""
    valid = paths(base)
    for path in layer.overrides:
        if path not in valid and not _may_be_option(spec, layer, path):
            hint = nearest(path, neighbours(path, {*valid, *reserved}))
            raise source.error_at(layer.line_of(path), f"{layer.label} overrides '{path}', which does not exist.{hint}")
        for outer in branches(path)[1:]:
            if outer in layer.overrides:
                raise source.error_at(layer.line_of(path), f"{layer.label} sets both {outer} and {path}, one inside the other.")


def _may_be_option(spec: Spec, layer: Layer, path: str) -> bool:
    """A model's option that the base does not have: the catalogue judges it once the case is complete. Without one it may be anything."""
    return _is_option(path) and (spec.catalogue is None or "model.name" in layer.overrides)


def _is_option(path: str) -> bool:
    parts = path.split(".")
    return len(parts) >= 2 and parts[0] == "model" and parts[1] not in ("name", "latent")


def _check_distinct(spec: Spec, source: Source, flats: dict[str, Flat], tier: str | None = None) -> None:
    """No case is another one under a second name; at a tier, no two cases fall together."""
    seen: dict[str, str] = {}
    for name, flat in flats.items():
        told = {path: value for path, value in flat.items() if path != "data.stand_in"}  # a remark makes no other case
        other = seen.setdefault(json.dumps(told), name)
        if other != name and tier is None:
            raise source.error_at(spec.cases[name].layer.line, f"cases '{other}' and '{name}' are the same; keep one of them.")
        if other != name:
            message = f"tier '{tier}' makes cases '{other}' and '{name}' the same; a tier changes scale, never science."
            raise source.error_at(spec.tiers[tier].layer.line, message)


def _check_tier(spec: Spec, source: Source, name: str, base: Flat, cases: dict[str, Flat]) -> None:
    tier = spec.tiers[name]
    layer = tier.layer
    if name == FULL and (layer.overrides or tier.stand_ins or tier.models):
        raise source.error_at(layer.line, f"tier '{FULL}' is the document's own scale, expected no overrides in it.")
    reaches = [(layer, base)]  # each block of settings, and a case whose settings they must be among
    for setting, blocks in (("model.name", tier.models), ("data.name", tier.stand_ins)):
        used = {flat[setting]: flat for flat in cases.values()}
        for key, block in blocks.items():
            if key not in used:
                raise source.error_at(block.line, f"tier '{name}' has settings for '{key}', which no case uses.{nearest(key, used)}")
            reaches.append((block, used[key]))
    for each, reached in reaches:
        _check_paths(spec, source, each, reached, reserved=("stand_in", "stand_ins", "models", "cost"))
        for path in each.overrides:
            if path not in TIER_MAY_SET and not _is_option(path):
                valid = [*TIER_MAY_SET, "model.<option>"]
                message = f"tier '{name}' sets {path}; a tier changes scale, never science.{nearest(path, valid)}"
                raise source.error_at(each.line_of(path), message)
    scaled = {case: _flat(spec, spec.layers(case, name)) for case in cases}
    for path in layer.overrides:
        if all(below(scaled[case], path) == below(cases[case], path) for case in cases):
            raise source.error_at(layer.line_of(path), f"tier '{name}' sets {path} to what every case has already; leave it out.")
    for case, flat in scaled.items():
        if flat["data.name"] != cases[case]["data.name"] and flat["data.stand_in"] is None:
            line = layer.line_of("data.name")
            raise source.error_at(line, f"tier '{name}' takes other data than case '{case}'; add stand_in: what the document used.")
    _check_distinct(spec, source, scaled, name)


def _check_claims(spec: Spec, source: Source, cases: dict[str, Flat]) -> None:
    ids = [claim.id for claim in spec.claims]
    for index, claim in enumerate(spec.claims):
        if claim.id in ids[:index]:
            raise source.error(("claims", index, "id"), f"a second claim is called '{claim.id}'.")
        for field in claim.case_fields:
            named = getattr(claim, field)
            for name in named if isinstance(named, list) else [named]:
                _check_named(spec, source, ("claims", index, field), f"claim '{claim.id}': {field}", name)
                _check_measured(source, index, claim, name, cases[name])


def _check_measured(source: Source, index: int, claim: Claim, case: str, flat: Flat) -> None:
    """Every metric of a claim is one that the case measures: hours later it would be no evidence."""
    for metric in claim.metrics:
        name, threshold = parted(metric)
        if threshold is not None and threshold not in flat["eval.truncations"]:
            at = f"claim '{claim.id}': {metric} is measured at {threshold:g}, which is not among case '{case}'s eval.truncations"
            raise source.error(("claims", index), f"{at} {flat['eval.truncations']}. Add it there.")
        if name in PAIRED and flat["data.name"] != "pairs":
            at = f"claim '{claim.id}': {metric} is not measured by case '{case}', whose data set is '{flat['data.name']}'"
            raise source.error(("claims", index), f"{at}: only 'pairs' has targets. Choose another metric.")
        if name in PROBES and not flat["eval.probe"]:
            raise source.error(
                ("claims", index), f"claim '{claim.id}': {metric} is not measured by case '{case}'. Set its eval.probe: true."
            )


def _check_numbers(spec: Spec, source: Source) -> None:
    cells = [(number.table, number.cell) for number in spec.numbers]
    for index, number in enumerate(spec.numbers):
        if cells[index] in cells[:index]:
            raise source.error(("numbers", index), f"cell '{number.cell}' of table '{number.table}' stands twice.")
        _check_named(spec, source, ("numbers", index, "case"), f"number '{number.table}/{number.cell}': case", number.case)


def _check_named(spec: Spec, source: Source, at: Place, what: str, name: str) -> None:
    if name not in spec.cases:
        raise source.error(at, f"{what} is '{name}', which is no case.{nearest(name, spec.cases)}")
