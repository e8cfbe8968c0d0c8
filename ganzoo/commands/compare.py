"""`ganzoo compare`: verdicts from the records that are there. Torch-free."""

from __future__ import annotations

import json

from rich.console import Console
from rich.text import Text

from ganzoo.commands.judging import Evidence, judged_all
from ganzoo.commands.terminal import console, table
from ganzoo.commands.verdicts import print_verdicts
from ganzoo.judge.self_consistency import SelfVerdict

STYLE = {"consistent": "green", "inconsistent": "red", "mixed": "yellow"}


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
        print_self_checks(judgement.self_checks, out)


def print_self_checks(checks: list[SelfVerdict], out: Console) -> None:
    """What the document's own tables say of its claims, one row each; the pairs are in the JSON and on the page."""
    if checks:
        columns = ["own tables", "verdict", "text", "why"]
        rows = [(one.id, Text(one.verdict, style=STYLE[one.verdict]), one.text, one.reason) for one in checks]
        out.print(table(columns, rows), "")
