"""Records and verdicts → one offline HTML file per spec, and an index of such files. Torch-free."""

from ganzoo.report.evaluator import render_evaluation
from ganzoo.report.index import read_entries, render_index
from ganzoo.report.render import render

__all__ = ["read_entries", "render", "render_evaluation", "render_index"]
