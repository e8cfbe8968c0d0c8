"""Spec files → Spec. Whatever is wrong is said before anything runs, with file and line."""

from __future__ import annotations

import json
import re
from pathlib import Path

from pydantic import ValidationError

from ganzoo.errors import SpecError, nearest
from ganzoo.spec import checks
from ganzoo.spec.claims import NAME, NAME_RULE
from ganzoo.spec.complete import Catalogue
from ganzoo.spec.document import Document, TierBlock
from ganzoo.spec.layers import layer, tier_layer
from ganzoo.spec.matrix import matrix_cases
from ganzoo.spec.messages import explain
from ganzoo.spec.provenance import with_sources
from ganzoo.spec.spec import FULL, CaseEntry, Spec, Tier
from ganzoo.spec.yaml_lines import Source, read


def find_specs(root: Path) -> dict[str, Path]:
    """Name → file of every spec in a folder. Raises SpecError if there is no such folder."""
    if not root.is_dir():
        raise SpecError(f"{root}: no such folder, expected one with spec files (*.yaml).")
    return {path.stem: path for path in sorted(root.glob("*.yaml"))}


def find_spec(name: str, root: Path) -> Path:
    """The file of a spec, by its name in `root` or by its own path (ends in .yaml). Raises SpecError."""
    if name.endswith((".yaml", ".yml")):
        return Path(name)
    specs = find_specs(root)
    if name not in specs:
        raise SpecError(f"no spec '{name}' in {root}.{nearest(name, specs)}")
    return specs[name]


def load_spec(path: Path, catalogue: Catalogue | None = None) -> Spec:
    """Read and check a spec: every case at every tier, every claim. Raises SpecError.

    Without a catalogue the names of models, data sets and protocols, and the models' own options, stay unchecked.
    """
    path = Path(path)
    if not re.fullmatch(NAME, path.stem):
        raise SpecError(f"{path}: the file's name is the spec's, expected {NAME_RULE}, before .yaml.")
    source = read(path)
    document = _validated(source)
    spec = Spec(
        name=path.stem,
        path=path,
        document=document.document,
        title=document.title,
        header=source.header,
        base=layer(source, "base", ("base",), document.base),
        cases=_cases(source, document),
        tiers=_tiers(source, document),
        claims=document.claims,
        numbers=document.numbers,
        seeds=document.seeds,
        catalogue=catalogue,
    )
    checks.check(spec, source)
    return with_sources(spec, source, document)


def _validated(source: Source) -> Document:
    try:
        return Document.model_validate_json(json.dumps(source.data))
    except ValidationError as error:
        found = [str(source.error(loc, sentence)) for loc, sentence in explain(error, Document, source.data)]
        raise SpecError("\n".join(dict.fromkeys(found))) from None


def _cases(source: Source, document: Document) -> dict[str, CaseEntry]:
    cases = {}
    for name, block in document.cases.items():
        cases[name] = CaseEntry(name, block.title or name, layer(source, f"case '{name}'", ("cases", name), block.overrides))
    for name, title, point in matrix_cases(source, document.matrix) if document.matrix else ():
        if not re.fullmatch(NAME, name):
            raise source.error(("matrix", "name"), f"the matrix names a case '{name}', expected {NAME_RULE}.")
        if name in cases:
            raise source.error(("matrix", "name"), f"the matrix names a case '{name}', and there is one already.")
        cases[name] = CaseEntry(name, title or name, point, of_matrix=True)
    if not cases:
        raise source.error(("cases",), "no case to run, expected cases or a matrix.")
    return cases


def _tiers(source: Source, document: Document) -> dict[str, Tier]:
    blocks = document.tiers if FULL in document.tiers else {**document.tiers, FULL: TierBlock()}
    tiers = {}
    for name, block in blocks.items():
        inner = {
            part: {key: tier_layer(source, name, one, (part, key)) for key, one in getattr(block, part).items()}
            for part in ("stand_ins", "models")
        }
        tiers[name] = Tier(name, tier_layer(source, name, block), block.stand_in, block.cost, **inner)
    return tiers
