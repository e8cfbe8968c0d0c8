"""`pytest benchmarks` from outside, in a project of one small spec: node ids, smoke, regression, options, xdist."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

import ganzoo.bench.catalogue  # noqa: F401  (pytester forgets modules that an in-process run imports, and torch cannot be imported twice)
import ganzoo.pytest_nodes  # noqa: F401

pytest_plugins = ["pytester"]

BENCH = Path(__file__).resolve().parents[2] / "benchmarks" / "bench_documents.py"
LONGER = {"train.epochs": 3, "source": {"assumed": "a test"}}
IDS = ["bench_case[tiny-base]", "bench_case[tiny-wide]", "bench_case[tiny-longer]", "bench_claim[tiny-C1]"]

OPTIONS = ("--run-slow", "--tier", "--results", "--report")


@pytest.fixture
def project(pytester, make_project, monkeypatch) -> Path:
    """A project with one spec and the suite's bench file; pytest's current folder."""
    make_project(pytester.path, {"longer": LONGER}, tiers={"smoke": {"train.max_steps": 3}})
    shutil.copy(BENCH, pytester.path / "benchmarks")
    monkeypatch.delenv("GANZOO_DATA", raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return pytester.path


def collected(result: pytest.RunResult) -> list[str]:
    return re.findall(r"bench_documents\.py::(\S+)", result.stdout.str())


def run(pytester, *arguments: object) -> pytest.RunResult:
    """In a process of its own: training sets process-wide torch flags."""
    return pytester.runpytest_subprocess("-p", "no:cacheprovider", *map(str, arguments), timeout=240)


def test_node_ids_are_stable_and_selectable(pytester, project):
    def ids(*arguments: str) -> list[str]:
        return collected(pytester.runpytest_inprocess("--collect-only", "-q", *arguments))

    assert ids("benchmarks") == IDS
    assert ids("benchmarks", "-k", "tiny-wide") == ["bench_case[tiny-wide]"]
    assert ids("benchmarks", "-m", "smoke") == IDS
    assert ids("benchmarks", "-m", "slow") == []
    assert ids("benchmarks", "-m", "slow", "--run-slow") == IDS
    assert ids("benchmarks/bench_documents.py::bench_claim[tiny-C1]", "--run-slow") == ["bench_claim[tiny-C1]"]


def test_options_and_collection_work_from_any_folder(pytester, project, tmp_path_factory, monkeypatch):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    options = ("-m", "slow", "--run-slow", "--tier", "smoke", "--results", "kept", "--report", "pages")
    for where in (project / "benchmarks", project, f"{project / 'benchmarks' / 'bench_documents.py'}::bench_claim"):
        result = pytester.runpytest_inprocess("--collect-only", "-q", *options, where)
        assert collected(result) == (IDS[-1:] if "::" in str(where) else IDS)


def test_options_are_there_in_every_folder_of_a_project(pytester, project, monkeypatch):
    for folder in (project, project / "benchmarks", project / "benchmarks" / "specs"):
        monkeypatch.chdir(folder)
        told = pytester.runpytest_inprocess("--help").stdout.str()
        assert all(re.search(rf"^  {option}\b", told, re.MULTILINE) for option in OPTIONS)


def test_smoke_tells_junit_and_leaves_nothing_behind(pytester, project, monkeypatch, tmp_path_factory):
    passing = tmp_path_factory.mktemp("tmp")
    monkeypatch.setenv("TMPDIR", str(passing))
    result = run(pytester, "benchmarks", "--junitxml=out.xml", "--report", "pages", "-o", "junit_family=legacy")
    result.assert_outcomes(passed=4)
    cases = {case.get("name"): case for case in ElementTree.parse(project / "out.xml").iter("testcase")}
    told = {name: {p.get("name"): p.get("value") for p in case.iter("property")} for name, case in cases.items()}
    assert told["bench_case[tiny-base]"]["tier"] == "smoke"
    assert float(told["bench_case[tiny-base]"]["frechet (seed 0)"]) > 0
    assert told["bench_claim[tiny-C1]"]["verdict"] == "inconclusive"
    assert (project / "pages" / "tiny-smoke.html").is_file()
    assert not list(passing.glob("ganzoo-*")) and not (project / "results").exists()


def test_a_projects_timeout_does_not_end_a_training(pytester, project):
    pytest.importorskip("pytest_timeout")
    run(pytester, "benchmarks", "-k", "tiny-base", "-o", "timeout=0.01").assert_outcomes(passed=1, deselected=3)


def test_xdist_workers_share_each_run(pytester, project):
    run(pytester, "benchmarks", "-n", "2", "--tier", "full", "--results", "kept").assert_outcomes(passed=4)
    logs = [path.read_text() for path in project.glob("kept/tiny/*/*/log.txt")]
    assert len(logs) == 2, "base and longer are one trajectory, wide another"
    assert all(len(re.findall("seed 0, ", log)) == 1 for log in logs), "a run was trained twice"


def test_regression_against_blessed_runs(pytester, project):
    pytester.runpytest_inprocess("benchmarks", "--run-slow").assert_outcomes(skipped=4)
    ganzoo = (sys.executable, "-m", "ganzoo.cli")
    pytester.run(*ganzoo, "run", "tiny/base", "tiny/wide", "--tier", "smoke", "--threads", "1", "--results", "kept", timeout=240)
    assert pytester.run(*ganzoo, "bless", "tiny", "--tier", "smoke", "--results", "kept", "--reason", "a test", timeout=60).ret == 0

    regression = ("benchmarks", "--run-slow", "--results", "kept")  # the runs are finished there, so that nothing trains here
    result = run(pytester, *regression, "-rs")
    result.assert_outcomes(passed=3, skipped=1)
    result.stdout.fnmatch_lines(["*no blessed run of this case at tier smoke*"])

    path = project / "reference_results" / "measured" / "tiny.json"
    measured = json.loads(path.read_text())
    for record in measured["records"]:
        if record["case"] == "base":
            record["evaluations"][-1]["metrics"]["frechet"] += 5000.0
    path.write_text(json.dumps(measured))
    result = run(pytester, *regression, "-k", "tiny-base or tiny-wide")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*seed 0, classifier Fréchet distance: *lies outside*"])


def test_a_case_that_breaks_fails_its_node(pytester, project):
    (project / "benchmarks" / "broken_nets.py").write_text(
        "from ganzoo.models.mlp import MLPGAN\nclass Broken(MLPGAN):\n    build = staticmethod(lambda options, latent, image: 1 / 0)\n"
    )
    path = project / "benchmarks" / "specs" / "tiny.yaml"
    path.write_text(path.read_text().replace('"model.hidden_g": [\n    16\n   ]', '"model.name": "broken_nets:Broken"'))
    result = run(pytester, "benchmarks")
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(["*ZeroDivisionError*"])


def test_missing_data_skips_and_a_bad_spec_stops_with_its_line(pytester, project):
    path = project / "benchmarks" / "specs" / "tiny.yaml"
    good = path.read_text()
    path.write_text(good.replace('"digits"', '"mnist"'))
    result = run(pytester, "benchmarks", "-rs", "-k", "tiny-base")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*GANZOO_DATA*"])
    path.write_text(good.replace('"batch_size"', '"batchsize"'))
    result = pytester.runpytest_inprocess("benchmarks")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*tiny.yaml:*batchsize*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_other_projects_notice_nothing(pytester):
    pytester.makepyfile(test_plain="def test_plain(): pass\ndef bench_nothing(): raise SystemExit")
    pytester.makepyfile(bench_script="raise SystemExit('a script, not a test')")
    pytester.runpytest_inprocess().assert_outcomes(passed=1)


def test_other_projects_may_have_our_options_themselves(pytester):
    """The slow-tests example of pytest's documentation calls its option --runslow; others are as likely."""
    pytester.makeconftest(
        f"OPTIONS = {('--runslow', *OPTIONS)}\n"
        "def pytest_addoption(parser):\n"
        "    for option in OPTIONS:\n"
        "        parser.addoption(option, action='store_true')\n"
    )
    pytester.makepyfile(
        "def test_theirs(request):\n"
        "    assert request.config.getoption('--results') is True and request.config.getoption('--tier') is False\n"
    )
    result = pytester.runpytest_inprocess("-k", "test_theirs or " + "x" * 5000, "--runslow", "--results", "--report")
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*report:*")


def test_nodes_work_without_our_options(pytester, project, monkeypatch, tmp_path_factory):
    """Started where there are no specs, a bench file takes those that `ganzoo` itself would, at the smoke tier."""
    monkeypatch.setenv("GANZOO_HOME", str(project))
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    shutil.copy(BENCH, elsewhere)
    monkeypatch.chdir(elsewhere)
    run(pytester, elsewhere / "bench_documents.py", "-k", "tiny-base", "-m", "smoke").assert_outcomes(passed=1, deselected=3)
