"""Verdicts in the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from ganzoo.commands.terminal import table
from ganzoo.judge.verdicts import ClaimVerdict, Judgement, NumberVerdict
from ganzoo.judge.words import figure, seeds, span

STYLE = {
    "holds": "green",
    "reproduced": "green",
    "better": "cyan",
    "contradicted": "red",
    "worse": "red",
    "crashed": "red",
    "inconclusive": "yellow",
}


def print_verdicts(judgement: Judgement, out: Console) -> None:
    """Claims and numbers, one row each, with what decided them."""
    scale = f"tier {judgement.tier}" + (f"; stand-in data for {judgement.stand_in}" if judgement.stand_in else "")
    out.print(f"\n{judgement.spec} ({scale})\n")
    if judgement.claims:
        out.print(table(["claim", "verdict", "text", "why"], [_claim(claim) for claim in judgement.claims]), "")
    if judgement.numbers:
        out.print(table(["number", "verdict", "published", "ours", "why"], [_number(number) for number in judgement.numbers]), "")
    if judgement.coverage:
        out.print(f"claims of the document that the spec does not judge: {', '.join(claim['id'] for claim in judgement.coverage)}\n")
    for record in judgement.set_aside:
        out.print(f"set aside: {record['case']} seed {record['seed']}: {record['reason']}")


def _verdict(word: str) -> Text:
    return Text(word, style=STYLE.get(word, "dim"))


def _claim(claim: ClaimVerdict) -> tuple:
    return claim.id, _verdict(claim.verdict), claim.text, claim.reason


def _number(number: NumberVerdict) -> tuple:
    spread = number.theirs.get("spread")
    theirs = figure(number.theirs.get("value")) + (f" ± {figure(spread)}" if spread is not None else "")
    ours = "–"
    if number.ours:
        ours = figure(number.ours.mean) + (f" {span(number.ours.interval)}" if number.ours.interval else "")
        if number.ours.never:
            ours = f"never in {number.ours.never} of {seeds(number.ours.n)}"
    return f"{number.table} {number.cell}", _verdict(number.verdict), theirs, ours, number.reason
