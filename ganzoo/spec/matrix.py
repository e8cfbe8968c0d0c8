"""A matrix of axes → one case for every point of the product."""

from __future__ import annotations

from collections.abc import Iterator

from ganzoo.spec.document import Matrix, Overrides
from ganzoo.spec.layers import Layer, lines_of
from ganzoo.spec.tree import covers
from ganzoo.spec.yaml_lines import Source


def matrix_cases(source: Source, matrix: Matrix) -> Iterator[tuple[str, str | None, Layer]]:
    """(name, title, layer) of every point. SpecError where two axes set the same thing."""
    for point in matrix.points():
        overrides: Overrides = {}
        lines: dict[str, int] = {}
        for axis, value in point.items():
            added = matrix.axes[axis][value]
            added_lines = lines_of(source, ("matrix", "axes", axis, value), added)
            for path in added:
                if clash := [other for other in overrides if covers(other, path) or covers(path, other)]:
                    message = f"axis '{axis}' sets {path}, and another axis sets {clash[0]}; one axis for each setting."
                    raise source.error_at(added_lines[path], message)
            overrides |= added
            lines |= added_lines
        name = matrix.filled(matrix.name, point)
        title = matrix.filled(matrix.title, point) if matrix.title else None
        yield name, title, Layer(f"case '{name}'", source.line(("matrix",)), overrides, lines)
