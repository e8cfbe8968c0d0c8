"""`ganzoo show`: a spec, or one complete case with the source of every value and the size of its networks."""

from __future__ import annotations

import json

from ganzoo.commands.targets import load, split
from ganzoo.commands.terminal import console, table
from ganzoo.errors import DataError, SpecError
from ganzoo.spec import Resolved, Spec, Tier
from ganzoo.spec.show import case_as_dict, rows, spec_as_dict


def show(target: str, *, tier: str, as_json: bool) -> None:
    """Print a spec's overview, or one resolved case."""
    name, case = split(target)
    spec = load(name, check_names=True)
    if case is None:
        _show_spec(spec, as_json=as_json)
    else:
        _show_case(spec.resolve(case, tier), as_json=as_json)


def _show_spec(spec: Spec, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(spec_as_dict(spec), indent=2, ensure_ascii=False))
        return
    out = console()
    out.print(f"{spec.name}: {spec.title}\n\n{spec.header}\n")
    out.print(table(["case", "changes"], [(case.name, _told(case.overrides) or "the base") for case in spec.cases.values()]), "")
    tiers = [(tier.name, _changes(tier) or "the document's own scale", tier.cost or "") for tier in spec.tiers.values()]
    out.print(table(["tier", "changes", "cost"], tiers), "")
    out.print(table(["claim", "kind", "where", "text"], [(claim.id, claim.kind, claim.where, claim.text) for claim in spec.claims]))


def _changes(tier: Tier) -> str:
    """A tier's settings, then those for the cases of one model or data set, a line each."""
    inner = [f"{key}: {_told(layer.overrides)}" for layers in (tier.models, tier.stand_ins) for key, layer in layers.items()]
    return "\n".join(filter(None, [_told(tier.overrides), *inner]))


def _told(overrides: dict) -> str:
    return ", ".join(f"{path}: {json.dumps(value)}" for path, value in overrides.items())


def _show_case(resolved: Resolved, *, as_json: bool) -> None:
    parameters, missing = _parameters(resolved)
    if as_json:
        print(json.dumps({**case_as_dict(resolved), "parameters": parameters}, indent=2, ensure_ascii=False))
        return
    out = console()
    out.print(f"{resolved.spec}/{resolved.name}: {resolved.title} (tier {resolved.tier})\n")
    settings = [(row.path, json.dumps(row.value), row.kind, row.text) for row in rows(resolved)]
    out.print(table(["setting", "value", "source", ""], settings), "")
    if parameters:
        out.print("trainable parameters: " + ", ".join(f"{network} {count:,}" for network, count in parameters.items()))
    else:
        out.print(f"trainable parameters: unknown without the data. {missing}")


def _parameters(resolved: Resolved) -> tuple[dict[str, int] | None, str]:
    """(network → trainable parameters, ""), or (None, why not): sizes follow from the images' shape, which a folder's images must tell."""
    from ganzoo import data
    from ganzoo.bench.counts import parameters_of
    from ganzoo.bench.plan import load_images

    settings = resolved.case.data
    try:
        shape = data.describe(settings.name)["shape"]
        known = shape and (settings.resize or None not in shape)  # some sets' images are of many sizes
        channels, *sides = shape if known else load_images(resolved.case).shape
    except DataError as error:
        return None, str(error)
    height, width = [settings.resize] * 2 if settings.resize else sides
    try:
        return parameters_of(resolved.case, (channels, height, width)), ""
    except Exception as error:  # the model may be a user's, and fail in any way
        where = f"{resolved.spec}/{resolved.name}: model '{resolved.case.model.name}' cannot be built for {height}x{width} images"
        raise SpecError(f"{where} ({type(error).__name__}: {_first_line(error)}). Mend the settings under `model`, or it.") from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["no message"])[0].rstrip(".")
