"""`ganzoo list`: what this installation and this folder offer."""

from __future__ import annotations

import json

from ganzoo import paths
from ganzoo.commands.terminal import console, table
from ganzoo.errors import UserError, nearest
from ganzoo.spec import Spec, find_specs, load_spec

KINDS = ("specs", "models", "datasets", "protocols")


def listing(kind: str | None, *, as_json: bool) -> None:
    """Print one kind, or all. Data sets asked for alone are told as `ganzoo doctor` tells them."""
    if kind is not None and kind not in KINDS:
        raise UserError(f"unknown kind '{kind}'.{nearest(kind, KINDS)}")
    wanted = KINDS if kind is None else (kind,)
    specs = [load_spec(path) for path in find_specs(paths.specs_dir()).values()] if "specs" in wanted else []
    named = {name: _names(name) for name in wanted if name != "specs"}
    if as_json:
        found = {"specs": [_as_dict(spec) for spec in specs]} if "specs" in wanted else {}
        print(json.dumps(found | named, indent=2, ensure_ascii=False))
        return
    out = console()
    if specs:
        rows = [(spec.name, len(spec.cases), len(spec.claims), ", ".join(spec.tiers), spec.title) for spec in specs]
        out.print(table(["spec", "cases", "claims", "tiers", "title"], rows))
    if kind == "datasets":
        from ganzoo.commands.doctor import dataset_rows

        out.print(table(["data set", "state", ""], dataset_rows()))
        return
    for name, names in named.items():
        out.print(f"{name}: {', '.join(names)}")


def _as_dict(spec: Spec) -> dict:
    return {"name": spec.name, "document": spec.document, "cases": list(spec.cases), "claims": [claim.id for claim in spec.claims]}


def _names(kind: str) -> list[str]:
    if kind == "models":
        from ganzoo.models import names
    elif kind == "datasets":
        from ganzoo.data import names
    else:
        from ganzoo.metrics.protocols import names
    return names()
