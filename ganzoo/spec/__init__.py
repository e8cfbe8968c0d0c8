"""Specs: what a document did, as data. Torch-free."""

from ganzoo.spec.claims import Claim, Cost, Event, NoDifference, Ordering, Paired, Trend
from ganzoo.spec.complete import Catalogue
from ganzoo.spec.document import Number
from ganzoo.spec.loader import find_spec, find_specs, load_spec
from ganzoo.spec.schema import Case
from ganzoo.spec.spec import CaseEntry, Resolved, Spec, Tier
from ganzoo.spec.tree import dotted

__all__ = [
    "Case",
    "CaseEntry",
    "Catalogue",
    "Claim",
    "Cost",
    "Event",
    "NoDifference",
    "Number",
    "Ordering",
    "Paired",
    "Resolved",
    "Spec",
    "Tier",
    "Trend",
    "dotted",
    "find_spec",
    "find_specs",
    "load_spec",
]
