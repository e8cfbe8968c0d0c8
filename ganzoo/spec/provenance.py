"""Where values come from: every leaf that base and cases write finds its source, and no source stands for nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pydantic import ValidationError

from ganzoo.errors import nearest
from ganzoo.spec.document import KINDS, Document, Provenance
from ganzoo.spec.layers import Given, Layer
from ganzoo.spec.messages import shown
from ganzoo.spec.spec import CaseEntry, Spec
from ganzoo.spec.tree import branches, dotted, neighbours, paths
from ganzoo.spec.yaml_lines import Place, Source

EVERYTHING = ""  # the branch that covers all


def with_sources(spec: Spec, source: Source, document: Document) -> Spec:
    """The spec, the source of every written value in its layers. SpecError for a value without one, a source without a value."""
    given = {path: provenance.as_dict() for path, provenance in document.sources.items()}
    base = _sourced(source, ("sources",), given, spec.base)
    cases = {name: _case(spec.cases[name], source, block.source) for name, block in document.cases.items()}
    if document.matrix:
        cases |= _matrix_cases(spec, source, document.matrix.source)
    return replace(spec, base=base, cases={name: cases[name] for name in spec.cases})


def _case(entry: CaseEntry, source: Source, written: dict | None) -> CaseEntry:
    at = ("cases", entry.name, "source")
    return replace(entry, layer=_sourced(source, at, _parsed(source, at, written), entry.layer))


def _matrix_cases(spec: Spec, source: Source, written: dict | None) -> dict[str, CaseEntry]:
    at = ("matrix", "source")
    given = _parsed(source, at, written)
    entries = [entry for entry in spec.cases.values() if entry.of_matrix]
    _refuse_unused(source, at, given, {leaf for entry in entries for leaf in dotted(entry.overrides)})
    return {entry.name: replace(entry, layer=replace(entry.layer, sources=_found(source, at, given, entry.layer))) for entry in entries}


def _sourced(source: Source, at: Place, given: Given, layer: Layer) -> Layer:
    _refuse_unused(source, at, given, dotted(layer.overrides))
    return replace(layer, sources=_found(source, at, given, layer))


def _parsed(source: Source, at: Place, written: dict | None) -> Given:
    """A `source`: one for everything ({stated: …}), or one a path ({optim.d.lr: {assumed: …}, …})."""
    written = written or {}
    given: Given = {}
    for branch, value in ({EVERYTHING: written} if set(written) & set(KINDS) else written).items():
        try:
            given[branch] = Provenance.model_validate(value).as_dict()
        except ValidationError:
            where = (*at, branch) if branch else at
            raise source.error(where, f"source is {shown(value)}, expected {{KIND: text}} with one of {', '.join(KINDS)}.") from None
    return given


def _found(source: Source, at: Place, given: Given, layer: Layer) -> Given:
    """Leaf → the source of the longest branch that covers it."""
    found: Given = {}
    for leaf in dotted(layer.overrides):
        branch = next((branch for branch in [*branches(leaf), EVERYTHING] if branch in given), None)
        if branch is None:
            remedy = f"add {leaf}: {{{'|'.join(KINDS)}: place or reason}} to {at[-1]}"
            raise source.error_at(layer.line_of(leaf), f"{leaf} has no source; {remedy}.")
        found[leaf] = given[branch]
    return found


def _refuse_unused(source: Source, at: Place, given: Given, leaves: Iterable[str]) -> None:
    """A source for something that is not written there is a slip of the pen."""
    leaves = set(leaves)
    reached = paths(leaves) | ({EVERYTHING} if leaves else set())
    for branch in (branch for branch in given if branch not in reached):
        if branch == EVERYTHING:
            raise source.error(at, "a source, but nothing is set here.")
        hint = nearest(branch, neighbours(branch, leaves))
        raise source.error((*at, branch), f"source for '{branch}', which is not set here.{hint}")
