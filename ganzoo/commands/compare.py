"""`ganzoo compare`: verdicts from the records that are there. Torch-free."""

from __future__ import annotations

import json

from ganzoo.commands.judging import Evidence, judged_all
from ganzoo.commands.terminal import console
from ganzoo.commands.verdicts import print_verdicts


def compare(evidence: Evidence, *, as_json: bool) -> None:
    """Print the judgements; as JSON one object for one name, else a list."""
    found = [one.judgement for one in judged_all(evidence)]
    if as_json:
        shown = [judgement.as_dict() for judgement in found]
        print(json.dumps(shown[0] if len(evidence.names) == 1 else shown, indent=2, ensure_ascii=False, allow_nan=False))
        return
    out = console()
    for judgement in found:
        print_verdicts(judgement, out)
