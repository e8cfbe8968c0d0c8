"""Finding spec files, and what `ganzoo show` gets to see of one."""

from __future__ import annotations

import json

import pytest
from small_spec import SMALL

from ganzoo.errors import SpecError
from ganzoo.spec import find_spec, find_specs, load_spec
from ganzoo.spec.idle import idle
from ganzoo.spec.show import case_as_dict, rows, spec_as_dict


@pytest.fixture
def folder(tmp_path):
    for name in ("b.yaml", "a.yaml", "notes.txt"):
        (tmp_path / name).write_text(SMALL, encoding="utf-8")
    return tmp_path


def test_specs_of_a_folder(folder):
    assert find_specs(folder) == {"a": folder / "a.yaml", "b": folder / "b.yaml"}
    with pytest.raises(SpecError, match="no such folder"):
        find_specs(folder / "none")


def test_a_spec_by_name_or_file(folder):
    assert find_spec("a", folder) == folder / "a.yaml"
    assert find_spec(str(folder / "b.yaml"), folder / "none") == folder / "b.yaml"
    with pytest.raises(SpecError, match="no spec 'aa'"):
        find_spec("aa", folder)
    with pytest.raises(SpecError, match="no spec"):
        find_spec("../a", folder)


def test_name_and_header_of_a_spec(folder):
    spec = load_spec(folder / "a.yaml")
    assert (spec.name, spec.document, spec.path) == ("a", "small", folder / "a.yaml")
    assert spec.header == "A small spec.\n\n    ganzoo run small"


def test_odd_file_name(tmp_path):
    path = tmp_path / "a b.yaml"
    path.write_text(SMALL)
    with pytest.raises(SpecError, match="the file's name is the spec's"):
        load_spec(path)


def test_rows_show_every_setting_with_its_source(load):
    resolved = load().resolve("sgd", "smoke")
    shown = {row.path: row for row in rows(resolved)}
    assert list(shown) == [path for path in resolved.sources if path not in idle(resolved.case)]
    assert shown["optim.d.name"] == ("optim.d.name", "sgd", "stated", "§4")
    assert shown["data.range"] == ("data.range", [-1.0, 1.0], "stated", "§2")
    assert shown["data.limit"] == ("data.limit", 64, "suite", "tier 'smoke'")


def test_case_as_json(load):
    shown = json.loads(json.dumps(case_as_dict(load().resolve("longer", "smoke"))))
    assert shown["resolved"]["train"]["epochs"] == 20
    assert shown["sources"]["train.epochs"] == {"kind": "stated", "text": "§3"}
    assert shown["tier_overrides"] == {"train.max_steps": 5, "data.limit": 64}
    assert (shown["spec"], shown["case"], shown["tier"], shown["stand_in"]) == ("small", "longer", "smoke", None)


def test_spec_as_json(load):
    shown = json.loads(json.dumps(spec_as_dict(load())))
    assert shown["cases"]["longer"] == {"title": "twice the length", "overrides": {"train.epochs": 20}}
    smoke = {"cost": "seconds", "stand_in": None, "overrides": {"train.max_steps": 5, "data.limit": 64}, "stand_ins": {}, "models": {}}
    assert shown["tiers"]["smoke"] == smoke
    assert [claim["id"] for claim in shown["claims"]] == ["C1", "C2"]
