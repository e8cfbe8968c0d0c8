"""Errors a user can mend. The command line prints their message alone and exits with 2; nothing is written before.

A message states the value, what was expected, and the remedy.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Base of every error that the user's input or surroundings cause."""


class SpecError(UserError):
    """A spec file, a case or a claim that cannot mean anything."""


class DataError(UserError):
    """Data that is missing, unreadable or of the wrong kind."""


class WeightsError(UserError):
    """Extractor weights that are missing, truncated or not the ones asked for."""


class CheckpointError(UserError):
    """A checkpoint that is corrupt or belongs to another run."""


class StoreError(UserError):
    """A results folder or a record that cannot be read or written."""


class ReferencesError(UserError):
    """A file under reference_results/ that is not what its schema asks for."""


def nearest(name: str, valid: Iterable[str]) -> str:
    """ " Did you mean 'x'?" for the closest valid name, then all of them; the tail of many messages."""
    valid = sorted(valid)
    close = difflib.get_close_matches(name, valid, n=1, cutoff=0.5)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    return f"{hint} Valid: {', '.join(valid) or 'none'}."
