"""`ganzoo compare`: verdicts from the records that are there."""

from __future__ import annotations

import json
from pathlib import Path

from ganzoo.commands.judging import judged_all
from ganzoo.commands.terminal import console
from ganzoo.commands.verdicts import print_verdicts


def compare(names: list[str], *, tier: str | None, results: Path | None, as_json: bool) -> None:
    """Print the judgements; as JSON one object for one name, else a list."""
    found = [one.judgement for one in judged_all(names, tier, results)]
    if as_json:
        shown = [judgement.as_dict() for judgement in found]
        print(json.dumps(shown[0] if len(names) == 1 else shown, indent=2, ensure_ascii=False, allow_nan=False))
        return
    out = console()
    for judgement in found:
        print_verdicts(judgement, out)
