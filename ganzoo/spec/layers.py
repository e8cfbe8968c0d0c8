"""Base, case and tier as layers of settings. Every written value knows its line and its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import ValidationError

from ganzoo.errors import nearest
from ganzoo.spec.document import KINDS, CaseBlock, Document, Matrix, Overrides, Provenance, TierBlock
from ganzoo.spec.messages import shown
from ganzoo.spec.tree import assigned, below, covers, dotted
from ganzoo.spec.yaml_lines import Path_, Source

EVERYTHING = ""  # the prefix of a source that covers all of its layer


@dataclass(frozen=True)
class Layer:
    """Some settings of a spec: dotted path → value, laid over those before."""

    label: str
    line: int
    overrides: Overrides
    lines: Mapping[str, int] = field(default_factory=dict)  # every written path, branches too
    sources: Mapping[str, dict[str, str]] = field(default_factory=dict)  # every written leaf → {"kind", "text"}

    def line_of(self, path: str) -> int:
        """Line of the path, or of the closest branch that this layer writes."""
        while path and path not in self.lines:
            path = path.rpartition(".")[0]
        return self.lines.get(path, self.line)

    def writes(self, path: str) -> bool:
        return any(covers(written, path) for written in self.overrides)


def laid(layers: list[Layer]) -> dict:
    """The nested settings that the layers give together. A later value replaces the whole branch it names."""
    settings: dict = {}
    for layer in layers:
        for path, value in layer.overrides.items():
            settings = assigned(settings, path, value)
    return settings


def leaf_sources(layers: list[Layer]) -> dict[str, dict[str, str]]:
    """Dotted leaf → source, of the layer that wrote it last."""
    sources: dict[str, dict[str, str]] = {}
    for layer in layers:
        for path in layer.overrides:
            sources = {leaf: source for leaf, source in sources.items() if not covers(path, leaf)}
        sources.update(layer.sources)
    return sources


def base_layer(source: Source, document: Document) -> Layer:
    lines = _lines(source, ("base",), document.base)
    given = {path: provenance.as_dict() for path, provenance in document.sources.items()}
    sources = _assign(source, ("sources",), given, dotted(document.base), lines)
    return Layer("base", source.line(("base",)), dict(document.base), lines, sources)


def case_layer(source: Source, name: str, block: CaseBlock) -> Layer:
    at = ("cases", name)
    lines = _lines(source, at, block.overrides)
    sources = _block_sources(source, at, block.source, block.overrides, lines)
    return Layer(f"case '{name}'", source.line(at), block.overrides, lines, sources)


def matrix_layers(source: Source, matrix: Matrix) -> dict[str, tuple[str | None, Layer]]:
    """Case name → (title, layer) of the whole product."""
    layers: dict[str, tuple[str | None, Layer]] = {}
    used: set[str] = set()
    for chosen in matrix.products():
        name = matrix.fill(matrix.name, chosen)
        overrides: Overrides = {}
        lines: dict[str, int] = {}
        for axis, value in chosen.items():
            at = ("matrix", "axes", axis, value)
            for path, setting in matrix.axes[axis][value].items():
                if clash := [other for other in overrides if covers(other, path) or covers(path, other)]:
                    raise source.error((*at, path), f"axis '{axis}' sets {path}, which another axis sets as {clash[0]}.")
                overrides[path] = setting
            lines.update(_lines(source, at, matrix.axes[axis][value]))
        sources = _block_sources(source, ("matrix",), matrix.source, overrides, lines, used)
        title = matrix.fill(matrix.title, chosen) if matrix.title else None
        if name in layers:
            raise source.error(("matrix", "name"), f"two points of the matrix are both called '{name}'.")
        layers[name] = (title, Layer(f"case '{name}'", source.line(("matrix",)), overrides, lines, sources))
    if isinstance(matrix.source, dict) and not set(matrix.source) & set(KINDS):
        for prefix in set(matrix.source) - used:
            raise source.error(("matrix", "source", prefix), f"source for '{prefix}', which no axis sets.")
    return layers


def tier_layer(source: Source, name: str, block: TierBlock) -> Layer:
    at = ("tiers", name)
    overrides = block.overrides
    lines = _lines(source, at, overrides)
    if block.stand_in is not None:
        overrides["data.stand_in"] = block.stand_in
        lines["data.stand_in"] = source.line((*at, "stand_in"))
    text = f"tier '{name}'"
    leaves = dotted_overrides(overrides)
    return Layer(text, source.line(at), overrides, lines, {leaf: {"kind": "suite", "text": text} for leaf in leaves})


def dotted_overrides(overrides: Overrides) -> dict[str, object]:
    """Every leaf that the overrides write."""
    leaves: dict[str, object] = {}
    for path, value in overrides.items():
        leaves.update(dotted(value, f"{path}.") if isinstance(value, dict) and value else {path: value})
    return leaves


def _lines(source: Source, at: Path_, overrides: Overrides) -> dict[str, int]:
    lines: dict[str, int] = {}

    def walk(value: object, yaml_path: Path_, path: str) -> None:
        lines[path] = source.line(yaml_path)
        if isinstance(value, dict):
            for key, item in value.items():
                walk(item, (*yaml_path, key), f"{path}.{key}")

    for path, value in overrides.items():
        walk(value, (*at, path), path)
    return lines


def _block_sources(
    source: Source, at: Path_, given: dict | None, overrides: Overrides, lines: dict[str, int], used: set[str] | None = None
) -> dict[str, dict[str, str]]:
    """`given` is one source for everything ({stated: …}) or one per path ({optim.d.lr: {assumed: …}})."""
    if given is None:
        if overrides:
            path = next(iter(overrides))
            raise source.error(at, f"{path} has no source; add source: {{{'|'.join(KINDS)}: where it comes from}}.")
        return {}
    if set(given) & set(KINDS):
        given = {EVERYTHING: given}
    parsed = {}
    for prefix, value in given.items():
        where = (*at, "source", prefix) if prefix else (*at, "source")
        try:
            parsed[prefix] = Provenance.model_validate(value).as_dict()
        except ValidationError:
            raise source.error(where, f"source is {shown(value)}, expected {{KIND: text}} with one of {', '.join(KINDS)}.") from None
    return _assign(source, (*at, "source"), parsed, dotted_overrides(overrides), lines, used)


def _assign(
    source: Source, at: Path_, given: dict[str, dict[str, str]], leaves: dict[str, object], lines: dict[str, int], used: set[str] | None = None
) -> dict[str, dict[str, str]]:
    """The longest prefix that covers a leaf is its source. With `used`, prefixes that cover nothing are the caller's to judge."""
    assigned_to: dict[str, dict[str, str]] = {}
    for leaf in leaves:
        prefixes = [prefix for prefix in given if prefix == EVERYTHING or covers(prefix, leaf)]
        if not prefixes:
            message = f"{leaf} has no source; add {leaf}: {{{'|'.join(KINDS)}: where it comes from}} to {'.'.join(map(str, at))}."
            raise source.error_at(lines.get(leaf, source.line(at)), message)
        assigned_to[leaf] = given[max(prefixes, key=len)]
        if used is not None:
            used.add(max(prefixes, key=len))
    for prefix in given:
        if used is None and prefix != EVERYTHING and not below(leaves, prefix):
            raise source.error((*at, prefix), f"source for '{prefix}', which nothing sets.{nearest(prefix, leaves)}")
    return assigned_to
