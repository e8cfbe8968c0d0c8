"""Spec files → Spec. Whatever is wrong is said before anything runs, with file and line."""

from __future__ import annotations

import json
import re
from pathlib import Path

from pydantic import ValidationError

from ganzoo.errors import SpecError, nearest
from ganzoo.spec import checks
from ganzoo.spec.complete import Catalogue
from ganzoo.spec.document import Document, TierBlock
from ganzoo.spec.layers import base_layer, case_layer, matrix_layers, tier_layer
from ganzoo.spec.messages import explain
from ganzoo.spec.spec import FULL, CaseEntry, Spec, Tier
from ganzoo.spec.yaml_lines import Source, read

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


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
    """Read and check a spec: every case at every tier, every claim. Raises SpecError. Without a catalogue the names of
    models, data sets and protocols, and the models' options, stay unchecked."""
    path = Path(path)
    if not NAME.fullmatch(path.stem):
        raise SpecError(f"{path}: the file's name is the spec's, expected letters, digits, '.', '_' and '-' before .yaml.")
    source = read(path)
    document = _validated(source)
    spec = Spec(
        name=path.stem,
        path=path,
        document=document.document,
        title=document.title,
        header=source.header,
        base=base_layer(source, document),
        cases=_cases(source, document),
        tiers=_tiers(source, document),
        claims=document.claims,
        numbers=document.numbers,
        seeds=document.seeds,
        catalogue=catalogue,
    )
    checks.check(spec, source)
    return spec


def _validated(source: Source) -> Document:
    try:
        return Document.model_validate_json(json.dumps(source.data))
    except ValidationError as error:
        found = [str(source.error(loc, sentence)) for loc, sentence in explain(error, Document, source.data)]
        raise SpecError("\n".join(dict.fromkeys(found))) from None


def _cases(source: Source, document: Document) -> dict[str, CaseEntry]:
    cases = {}
    for name, block in document.cases.items():
        cases[name] = CaseEntry(name, block.title or name, case_layer(source, name, block))
    if document.matrix:
        for name, (title, layer) in matrix_layers(source, document.matrix).items():
            if not NAME.fullmatch(name):
                raise source.error(("matrix", "name"), f"the matrix gives a case '{name}', expected letters, digits, '.', '_' and '-'.")
            if name in cases:
                raise source.error(("cases", name), f"case '{name}' is also a point of the matrix.")
            cases[name] = CaseEntry(name, title or name, layer, of_matrix=True)
    if not cases:
        raise source.error(("cases",), "no case to run, expected cases or a matrix.")
    return cases


def _tiers(source: Source, document: Document) -> dict[str, Tier]:
    blocks = {**document.tiers}
    blocks.setdefault(FULL, TierBlock())
    return {name: Tier(name, tier_layer(source, name, block), block.stand_in, block.cost) for name, block in blocks.items()}
