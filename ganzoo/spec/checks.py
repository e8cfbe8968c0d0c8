"""What a schema cannot say: overrides that reach something and change it, tiers that leave the science alone, claims about cases that exist."""

from __future__ import annotations

from ganzoo.errors import SpecError, nearest
from ganzoo.spec.layers import Layer
from ganzoo.spec.spec import FULL, Spec, settle
from ganzoo.spec.tree import below, covers, dotted, paths
from ganzoo.spec.yaml_lines import Path_, Source

TIER_MAY_SET = ("train.max_steps", "train.epochs", "train.precision", "train.channels_last")
TIER_MAY_SET_IN = ("eval.num_fake", "eval.num_select", "eval.every_epochs", "eval.protocol", "data")
Flat = dict[str, object]


def check(spec: Spec, source: Source) -> None:
    """Raises SpecError at the first thing that cannot mean anything."""
    base = _flat(spec, [spec.base])
    flats = {name: _check_case(spec, source, name, base) for name in spec.cases}
    _check_distinct(spec, flats)
    for name in spec.tiers:
        _check_tier(spec, source, name, base, flats)
    _check_claims(spec, source)
    _check_numbers(spec, source)


def _flat(spec: Spec, layers: list[Layer]) -> Flat:
    return dotted(settle(spec.path, layers, spec.catalogue).model_dump(mode="json"))


def _check_case(spec: Spec, source: Source, name: str, base: Flat) -> Flat:
    entry, layer = spec.cases[name], spec.cases[name].layer
    _check_paths(spec, source, layer, base, reserved=("title", "source"))
    flat = _flat(spec, [spec.base, layer])
    if not entry.of_matrix:  # in a product, one value of each axis is usually the base's
        for path in layer.overrides:
            if below(flat, path) == below(base, path):
                raise source.error_at(layer.line_of(path), f"{layer.label}: {path} is what the base has already; leave it out.")
    return flat


def _check_paths(spec: Spec, source: Source, layer: Layer, base: Flat, reserved: tuple[str, ...]) -> None:
    """Overrides name settings that exist, and none names a part of another."""
    valid = paths(base)
    seen: list[str] = []
    for path in layer.overrides:
        if path not in valid and not _free_option(spec, layer, path):
            head = path.partition(".")[0]
            near = {other for other in valid if covers(head, other)} or {*(other.partition(".")[0] for other in valid), *reserved}
            raise source.error_at(layer.line_of(path), f"{layer.label} overrides '{path}', which does not exist.{nearest(path, near)}")
        if clash := [other for other in seen if covers(other, path) or covers(path, other)]:
            raise source.error_at(layer.line_of(path), f"{layer.label} sets both {clash[0]} and {path}, one inside the other.")
        seen.append(path)


def _free_option(spec: Spec, layer: Layer, path: str) -> bool:
    """A model's option that the base does not show: judged by the catalogue, where there is one, once the case is complete."""
    parts = path.split(".")
    option = len(parts) == 2 and parts[0] == "model" and parts[1] not in ("name", "latent")
    return option and (spec.catalogue is None or "model.name" in layer.overrides)


def _check_distinct(spec: Spec, flats: dict[str, Flat]) -> None:
    names = list(flats)
    for index, name in enumerate(names):
        for other in names[:index]:
            if flats[name] == flats[other]:
                line = spec.cases[name].layer.line
                raise SpecError(f"{spec.path.name}:{line}: cases '{other}' and '{name}' are the same; keep one of them.")


def _check_tier(spec: Spec, source: Source, name: str, base: Flat, flats: dict[str, Flat]) -> None:
    tier = spec.tiers[name]
    layer = tier.layer
    if name == FULL and layer.overrides:
        raise source.error_at(layer.line, f"tier '{FULL}' is the document's own scale, expected no overrides in it.")
    for path in layer.overrides:
        if not _tier_may_set(path):
            valid = [*TIER_MAY_SET, *TIER_MAY_SET_IN, "data.…", "model.<option>"]
            message = f"tier '{name}' sets {path}; a tier changes scale, never science.{nearest(path, valid)}"
            raise source.error_at(layer.line_of(path), message)
    _check_paths(spec, source, layer, base, reserved=("stand_in", "cost"))
    if "data.name" in layer.overrides and tier.stand_in is None:
        raise source.error_at(layer.line_of("data.name"), f"tier '{name}' takes other data; say what for: stand_in: the document's data.")
    scaled = {case: _flat(spec, [spec.base, spec.cases[case].layer, layer]) for case in flats}
    for path in layer.overrides:
        if all(below(scaled[case], path) == below(flats[case], path) for case in flats):
            raise source.error_at(layer.line_of(path), f"tier '{name}': {path} is what every case has already; leave it out.")


def _tier_may_set(path: str) -> bool:
    parts = path.split(".")
    option = len(parts) >= 2 and parts[0] == "model" and parts[1] not in ("name", "latent")
    return option or path in TIER_MAY_SET or any(covers(prefix, path) for prefix in TIER_MAY_SET_IN)


def _check_claims(spec: Spec, source: Source) -> None:
    ids = [claim.id for claim in spec.claims]
    for index, claim in enumerate(spec.claims):
        if claim.id in ids[:index]:
            raise source.error(("claims", index, "id"), f"a second claim is called '{claim.id}'.")
        for field in claim.case_fields:
            named = getattr(claim, field)
            for name in named if isinstance(named, list) else [named]:
                _check_named(spec, source, ("claims", index, field), f"claim '{claim.id}': {field}", name)


def _check_numbers(spec: Spec, source: Source) -> None:
    cells = [(number.table, number.cell) for number in spec.numbers]
    for index, number in enumerate(spec.numbers):
        if cells[index] in cells[:index]:
            raise source.error(("numbers", index), f"cell '{number.cell}' of table '{number.table}' stands twice.")
        _check_named(spec, source, ("numbers", index, "case"), f"number '{number.table}/{number.cell}': case", number.case)


def _check_named(spec: Spec, source: Source, at: Path_, what: str, name: str) -> None:
    if name not in spec.cases:
        raise source.error(at, f"{what} is '{name}', which is no case.{nearest(name, spec.cases)}")
