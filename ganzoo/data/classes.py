"""Some classes of a labelled set instead of all of them: which ones are asked for, and what that leaves."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import numpy as np

from ganzoo.data.raw_set import RawSet, raw_set
from ganzoo.errors import DataError

SHOWN = 5  # names a message spells out, of classes that are not there
SHOWN_VALID = 20  # and of those that are; ImageNet has a thousand


def positions(asked: Sequence[str], held: Sequence[str], where: str) -> list[int]:
    """Where the classes `asked` stand in `held`, rising: the set's own order counts, not that of the question."""
    if isinstance(asked, str) or not asked or not all(isinstance(name, str) for name in asked):
        raise DataError(f"{where}: classes is {asked!r}, expected a list of class names.{_valid(held)}")
    if repeated := sorted({name for name in asked if list(asked).count(name) > 1}):
        raise DataError(f"{where}: classes names {_some(repeated, SHOWN)} more than once. Name each class once.")
    position = {name: i for i, name in enumerate(held)}
    if missing := [name for name in asked if name not in position]:
        close = difflib.get_close_matches(missing[0], held, n=1, cutoff=0.5)
        hint = f" Did you mean '{close[0]}'?" if close else ""
        few = f"{len(missing):,} of the {len(asked):,} classes asked for are not there: {_some(missing, SHOWN)}."
        raise DataError(f"{where}: {few}{hint}{_valid(held)}")
    return sorted(position[name] for name in asked)


def only(raw: RawSet, asked: Sequence[str], where: str) -> RawSet:
    """The images of the classes `asked` in the set's order, labelled anew from 0."""
    kept = positions(asked, raw.classes, where)
    chosen = np.isin(raw.labels, kept)
    if not chosen.any():
        raise DataError(f"{where}: no image of the classes asked for: {_some(asked, SHOWN)}.")
    labels = np.searchsorted(kept, raw.labels[chosen]).astype(np.int64)
    return raw_set(raw.pixels[chosen], labels, tuple(raw.classes[i] for i in kept))


def _valid(held: Sequence[str]) -> str:
    return f" It has {len(held):,}: {_some(held, SHOWN_VALID)}."


def _some(names: Sequence[str], most: int) -> str:
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
