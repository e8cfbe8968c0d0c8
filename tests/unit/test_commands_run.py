"""How `ganzoo run` puts runs side by side."""

from __future__ import annotations

from types import SimpleNamespace

from ganzoo.bench import executor
from ganzoo.commands.run import _side_by_side


def runs(*ranks: int) -> list:
    return [SimpleNamespace(name=place, resolved=SimpleNamespace(train=SimpleNamespace(ranks=size))) for place, size in enumerate(ranks)]


def test_a_run_of_several_processes_slows_no_other_down(monkeypatch):
    monkeypatch.setattr(executor, "usable_cores", lambda: 4)
    found = _side_by_side(runs(1, 4, 1, 2, 1, 4), None, "cpu")
    assert [(jobs, [run.name for run in group]) for jobs, group in found] == [(3, [0, 2, 4]), (1, [3]), (1, [1, 5])]


def test_as_many_at_a_time_as_the_user_says():
    all_of_them = runs(1, 4, 1)
    assert _side_by_side(all_of_them, 3, "cpu") == [(3, all_of_them)]
