"""Verdict words, each with a style and an icon of its own, so that none is told by colour alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True)
class Look:
    """`style` is a class of the style sheet, `icon` a symbol of templates/icons.svg."""

    word: str
    style: str
    icon: str
    meaning: str = ""


CLAIM_LOOKS = {
    "holds": Look("holds", "good", "check", "the seeds support the claim"),
    "contradicted": Look("contradicted", "bad", "cross", "the seeds speak against the claim"),
    "inconclusive": Look("inconclusive", "open", "question", "these seeds cannot decide"),
    "no evidence": Look("no evidence", "none", "dash", "nothing was run that could decide"),
}
NUMBER_LOOKS = {
    "reproduced": Look("reproduced", "good", "check", "within both spreads"),
    "better": Look("better", "other", "up", "ours beats the published number"),
    "worse": Look("worse", "bad", "down", "ours falls short of the published number"),
    "inconclusive": Look("inconclusive", "open", "question", "these seeds cannot decide"),
    "incomparable": Look("incomparable", "open", "unequal", "measured under another protocol"),
    "crashed": Look("crashed", "bad", "burst", "no run finished"),
    "not run": Look("not run", "none", "dash", "no run at this tier"),
}
SELF_LOOKS = {
    "consistent": Look("consistent", "good", "check", "the document's own tables bear the claim out"),
    "inconsistent": Look("inconsistent", "bad", "cross", "more pairs of the document's own cells speak against the claim than for it"),
    "mixed": Look("mixed", "open", "question", "the document's own tables do not settle the claim"),
}
STATUS_LOOKS = {
    "finished": Look("finished", "good", "check"),
    "partial": Look("partial", "open", "question"),
    "crashed": Look("crashed", "bad", "burst"),
    "not run": Look("not run", "none", "dash"),
}
_ALL = STATUS_LOOKS | NUMBER_LOOKS | CLAIM_LOOKS | SELF_LOOKS


def look(verdict: object) -> Look:
    """How to show a verdict or a status; an unknown word is shown as it is, neutrally."""
    return _ALL.get(str(verdict)) or Look(str(verdict), "open", "question")


@dataclass(frozen=True)
class Tally:
    look: Look
    count: int
    ids: tuple[tuple[str, str], ...] = ()  # (id, anchor)


def tallies(verdicts: list[tuple[str, str, str]], looks: dict[str, Look]) -> list[Tally]:
    """From (verdict, id, anchor): every verdict of `looks` in its order, zero counts included."""
    counts = Counter(verdict for verdict, _, _ in verdicts)
    known = [Tally(lk, counts[word], tuple((i, a) for v, i, a in verdicts if v == word)) for word, lk in looks.items()]
    strange = [Tally(look(w), n, tuple((i, a) for v, i, a in verdicts if v == w)) for w, n in counts.items() if w not in looks]
    return known + strange
