"""What documents say: their tables and claims, from reference_results/published/<document>.yaml. Torch-free.

The files' fields are explained in reference_results/README.md. Blessed runs of our own live in ganzoo/judge/measured.py; its
`load_measured` and `save_measured` can be had from here too.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, model_validator

from ganzoo.errors import ReferencesError, SpecError, nearest
from ganzoo.judge.measured import load_measured, save_measured
from ganzoo.spec import yaml_lines
from ganzoo.spec.claims import Metric, Name, Text
from ganzoo.spec.messages import explain
from ganzoo.spec.schema import Strict

__all__ = ["Cell", "Claim", "Part", "Published", "SelfCheck", "Spread", "StatedNumber", "Table"]
__all__ += ["load_document", "load_measured", "load_published", "save_measured"]

UNJUDGED = "why no claim of the suite decides it: which quantity or run is missing"
Kind = Literal["ordering", "no-difference", "trend", "event", "cost", "property", "threshold", "probe"]
REMEDY = "The fields are explained in reference_results/README.md."


class StatedNumber(Strict):
    """A number that the text states outside its tables."""

    what: Text = Field(description="what is counted or measured")
    value: float
    unit: str = Field("", description="empty for a pure number")
    where: Text | None = Field(None, description="place in the document; under a claim, the claim's own where it is left out")


class Spread(Strict):
    """What the ± of a table is. Only a spread over trainings says anything about another training."""

    over: Literal["splits", "trainings"] = Field(description="splits of one sample, or trainings from several seeds")
    kind: Text = Field(description="in words, as for a table's caption")
    note: Text | None = None


class Cell(Strict):
    """One printed number with the row and column it stands in."""

    id: Name
    row: dict[str, str | int] = Field(min_length=1)
    column: Text
    value: float
    spread: float | None = Field(None, ge=0, description="the printed ±, of the table's kind")
    flags: list[Name] = Field(default_factory=list, description="keys of the table's flags that hold for this cell")


class Table(Strict):
    id: Name
    title: Text
    where: Text
    metric: Metric
    label: Text = Field(description="the document's own name of the metric")
    protocol: Name = Field(description="how the document measured; only numbers of the same protocol are compared")
    spread: Spread | None = Field(None, description="left out where the table prints no ±")
    flags: dict[Name, Text] = Field(default_factory=dict, description="remarks on some of the cells, by a short name")
    note: Text | None = None
    cells: list[Cell] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self):
        _distinct("cell id", [cell.id for cell in self.cells])
        _distinct("row and column", [self.place(cell) for cell in self.cells])
        for cell in self.cells:
            if cell.row.keys() != self.cells[0].row.keys():
                raise ValueError(f"cell '{cell.id}' names its row by {', '.join(cell.row)}, expected {', '.join(self.cells[0].row)}")
            if cell.spread is None and self.spread is not None:
                raise ValueError(f"cell '{cell.id}' has no spread, expected one in every cell since the table says what it is")
            if cell.spread is not None and self.spread is None:
                raise ValueError(f"cell '{cell.id}' has spread {cell.spread}, expected the table to say what its spread is over")
            if unknown := next((flag for flag in cell.flags if flag not in self.flags), None):
                raise ValueError(f"cell '{cell.id}' bears the flag '{unknown}', unknown to its table.{nearest(unknown, self.flags)}")
        return self

    def place(self, cell: Cell) -> str:
        """ "Table 1, architecture DCGAN, batch 32, CIFAR-10": where the cell is printed."""
        return ", ".join([self.where, *(f"{axis} {entry}" for axis, entry in cell.row.items()), cell.column])

    def cell(self, cell_id: str) -> Cell:
        """The cell by its id; ReferencesError with the nearest one."""
        found = next((cell for cell in self.cells if cell.id == cell_id), None)
        if found is None:
            raise ReferencesError(f"{self.id} has no cell '{cell_id}'.{nearest(cell_id, [cell.id for cell in self.cells])}")
        return found


class SelfCheck(Strict):
    """What the document's own tables can say of a claim; the rule is in ganzoo/judge/self_consistency.py.

    Cells that differ only in `axis`, one at `first` and one at `second`, are set side by side.
    """

    tables: list[Name] = Field(min_length=1)
    axis: Text = Field(description="what varies: column, or row.<name>")
    first: str | int = Field(description="the axis' entry that the claim is about")
    second: str | int = Field(description="the entry it is set against")
    expects: Literal["ordering", "no-difference"] = Field(description="ordering: the first is the better one")
    margin: float | None = Field(None, gt=0, description="no-difference: the largest difference that still counts as none")
    margin_kind: Literal["absolute", "relative"] | None = Field(None, description="relative: a share of the second's value")
    note: Text | None = Field(None, description="why this pairing, why this margin")

    @model_validator(mode="after")
    def _consistent(self):
        _distinct("self_check's table", self.tables)
        if self.first == self.second:
            raise ValueError(f"self_check sets {self.first} against itself, expected two entries of {self.axis}")
        if (self.margin is None) != (self.margin_kind is None) or (self.margin is None) != (self.expects == "ordering"):
            raise ValueError(f"self_check expects {self.expects}: margin and margin_kind belong to no-difference, both of them")
        return self

    def entry(self, cell: Cell) -> str | int | None:
        """What stands in the axis; None where the cell's row has no such axis."""
        return cell.column if self.axis == "column" else cell.row.get(self.axis.removeprefix("row."))

    def elsewhere(self, cell: Cell) -> tuple[tuple[str, str], ...]:
        """Everything else that places the cell: (axis, "SN-DCGAN"), a bare number with its axis, "batch 32"."""
        row = [(f"row.{axis}", f"{axis} {entry}" if isinstance(entry, int) else entry) for axis, entry in cell.row.items()]
        others = [*row, ("column", cell.column)]
        return tuple(place for place in others if place[0] != self.axis)

    def fault(self, table: Table) -> str | None:
        """Why it cannot be asked of this table."""
        axes = ["column", *(f"row.{axis}" for axis in table.cells[0].row)]
        if self.axis not in axes:
            return f"{table.id} has no axis '{self.axis}'.{nearest(self.axis, axes)[:-1]}"
        entries = list(dict.fromkeys(self.entry(cell) for cell in table.cells))
        if unknown := next((entry for entry in (self.first, self.second) if entry not in entries), None):
            return f"{table.id} has no {self.axis.removeprefix('row.')} {unknown}.{nearest(str(unknown), map(str, entries))[:-1]}"
        places = [{self.elsewhere(cell) for cell in table.cells if self.entry(cell) == entry} for entry in (self.first, self.second)]
        return None if places[0] & places[1] else f"no two cells of {table.id} differ in {self.axis} only"


class Part(Strict):
    """One of several things that a claim states; its id is the claim's with a letter."""

    id: Name
    kind: Kind
    text: Text
    self_check: SelfCheck | None = Field(None, description="how the document's own tables decide it")
    unjudged: Text | None = Field(None, description=UNJUDGED)


class Claim(Strict):
    """A claim in our own words. `note`: what the text leaves open, where it disagrees with itself, how we read it."""

    id: Name
    where: Text
    kind: Kind = Field(description="of the claim as a whole; its parts may be of other kinds")
    text: Text
    parts: list[Part] = Field(default_factory=list)
    numbers: list[StatedNumber] = Field(default_factory=list)
    note: Text | None = None
    self_check: SelfCheck | None = Field(None, description="how the document's own tables decide it, as a whole")
    unjudged: Text | None = Field(None, description=UNJUDGED)

    @model_validator(mode="after")
    def _parts_are_lettered(self):
        expected = [f"{self.id}{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"[: len(self.parts)]]
        if [part.id for part in self.parts] != expected:
            raise ValueError(f"parts are {', '.join(part.id for part in self.parts)}, expected {', '.join(expected)}")
        return self


class Published(Strict):
    """Everything transcribed from one document."""

    document: Name
    title: Text
    authors: list[Text] = Field(default_factory=list)
    year: int | None = Field(None, description="only where the text states it")
    text: Text | None = Field(None, description="file name of the text that was transcribed")
    note: Text | None = None
    tables: list[Table] = Field(default_factory=list)
    numbers: list[StatedNumber] = Field(default_factory=list, description="stated numbers that belong to no claim and no table")
    claims: list[Claim] = Field(default_factory=list)

    @model_validator(mode="after")
    def _consistent(self):
        _distinct("table id", [table.id for table in self.tables])
        _distinct("claim id", [claim.id for claim in self.claims])
        if nowhere := next((number.what for number in self.numbers if number.where is None), None):
            raise ValueError(f"the number '{nowhere}' belongs to no claim and so needs its own `where`")
        for entry in (entry for claim in self.claims for entry in (claim, *claim.parts) if entry.self_check):
            known = {table.id: table for table in self.tables}
            for name in entry.self_check.tables:
                if name not in known:
                    raise ValueError(f"self_check of {entry.id} names '{name}', which is no table.{nearest(name, known)[:-1]}")
                if fault := entry.self_check.fault(known[name]):
                    raise ValueError(f"self_check of {entry.id}: {fault}")
        return self

    def table(self, table_id: str) -> Table:
        """The table by its id; ReferencesError with the nearest one."""
        found = next((table for table in self.tables if table.id == table_id), None)
        if found is None:
            raise ReferencesError(f"{self.document} has no table '{table_id}'.{nearest(table_id, [table.id for table in self.tables])}")
        return found

    def claim(self, claim_id: str) -> Claim | Part:
        """The claim, or the part of one, by its id; ReferencesError with the nearest one."""
        known = {entry.id: entry for claim in self.claims for entry in (claim, *claim.parts)}
        if claim_id not in known:
            raise ReferencesError(f"{self.document} has no claim '{claim_id}'.{nearest(claim_id, known)}")
        return known[claim_id]

    def unjudged(self, judged: Collection[str]) -> list[Claim | Part]:
        """The claims that no id in `judged` covers. Of a claim of which only some parts are judged, the other parts."""
        missing: list[Claim | Part] = []
        for claim in self.claims:
            if claim.id in judged:
                continue
            open_parts = [part for part in claim.parts if part.id not in judged]
            missing.extend(open_parts if len(open_parts) < len(claim.parts) else [claim])
        return missing


def load_document(path: Path) -> Published:
    """One published file; ReferencesError with file, line, value, what was expected, and the remedy."""
    try:
        source = yaml_lines.read(path)
    except SpecError as error:
        raise ReferencesError(f"{error} {REMEDY}") from error
    try:
        published = Published.model_validate(source.data)
    except ValidationError as error:
        faults = [f"{path.name}:{source.line(place)}: {sentence}" for place, sentence in explain(error, Published, source.data)]
        raise ReferencesError("\n".join([*faults, REMEDY])) from error
    if published.document != path.stem:
        raise ReferencesError(
            f"{path.name}:{source.line(('document',))}: document is '{published.document}', expected '{path.stem}'. "
            "The file bears its document's key as name: rename one of the two."
        )
    return published


def load_published(folder: Path) -> dict[str, Published]:
    """Every <document>.yaml of a folder, by document."""
    if not folder.is_dir():
        raise ReferencesError(f"{folder}: no such folder, expected the published references. Set GANZOO_HOME to the project's folder.")
    return {path.stem: load_document(path) for path in sorted(folder.glob("*.yaml"))}


def _distinct(what: str, entries: list[str]) -> None:
    if repeated := next((entry for entry in entries if entries.count(entry) > 1), None):
        raise ValueError(f"{what} '{repeated}' stands twice")
