"""Base, case and tier as layers of settings. Every written value knows its line and its source."""

from __future__ import annotations

from dataclasses import dataclass, field

from ganzoo.spec.document import ModelBlock, Overrides, StandInBlock, TierBlock
from ganzoo.spec.tree import assigned, branches, dotted
from ganzoo.spec.yaml_lines import Place, Source

Given = dict[str, dict[str, str]]  # dotted leaf or branch → {"kind", "text"}


@dataclass(frozen=True)
class Layer:
    """Some settings of a spec, laid over those before."""

    label: str
    line: int
    overrides: Overrides  # dotted path → value
    lines: dict[str, int]  # every written path, branches too
    sources: Given = field(default_factory=dict)  # every written leaf, once provenance.py has found them

    def line_of(self, path: str) -> int:
        """Line of the path, or of the closest branch above it that this layer writes."""
        return next((self.lines[branch] for branch in branches(path) if branch in self.lines), self.line)


def laid(layers: list[Layer]) -> dict:
    """The nested settings that the layers give together. A later value replaces the whole branch it names."""
    settings: dict = {}
    for layer in layers:
        for path, value in layer.overrides.items():
            settings = assigned(settings, path, value)
    return settings


def leaf_sources(layers: list[Layer]) -> Given:
    """Dotted leaf → source given by the layer that wrote it last."""
    sources: Given = {}
    for layer in layers:
        sources = {leaf: source for leaf, source in sources.items() if layer.overrides.keys().isdisjoint(branches(leaf))}
        sources |= layer.sources
    return sources


def layer(source: Source, label: str, at: Place, overrides: Overrides) -> Layer:
    """The settings that stand at a place of the file."""
    return Layer(label, source.line(at), overrides, lines_of(source, at, overrides))


def tier_layer(source: Source, name: str, block: TierBlock | StandInBlock | ModelBlock, inside: tuple[str, str] | None = None) -> Layer:
    """A tier's values are the suite's own; its `stand_in` becomes the setting data.stand_in.

    inside: ("stand_ins" or "models", key) of a block for the cases of one data set or model.
    """
    at = ("tiers", name, *(inside or ()))
    overrides = block.overrides
    lines = lines_of(source, at, overrides)
    if getattr(block, "stand_in", None) is not None:
        overrides["data.stand_in"] = block.stand_in
        lines["data.stand_in"] = source.line((*at, "stand_in"))
    label = f"tier '{name}'" if inside is None else f"tier '{name}' for {inside[1]}"
    return Layer(label, source.line(at), overrides, lines, {leaf: {"kind": "suite", "text": label} for leaf in dotted(overrides)})


def lines_of(source: Source, at: Place, overrides: Overrides) -> dict[str, int]:
    """Dotted path → line, of every override and everything inside it."""
    lines: dict[str, int] = {}

    def walk(value: object, place: Place, path: str) -> None:
        lines[path] = source.line(place)
        if isinstance(value, dict):
            for key, item in value.items():
                walk(item, (*place, key), f"{path}.{key}")

    for path, value in overrides.items():
        walk(value, (*at, path), path)
    return lines
