"""How commands print: as wide as the terminal, wide enough for a table where there is none."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

PLAIN_WIDTH = 140  # columns, for pipes and log files


def console(*, stderr: bool = False) -> Console:
    """A console that prints text as given: nothing in it is read as markup."""
    probe = Console(stderr=stderr)
    return Console(stderr=stderr, highlight=False, emoji=False, markup=False, width=None if probe.is_terminal else PLAIN_WIDTH)


def table(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> Table:
    """A plain table."""
    made = Table(*columns, box=None, header_style="bold")
    for row in rows:
        made.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in row))
    return made
