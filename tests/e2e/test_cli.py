"""The command line from outside: what it prints, what it writes, how it refuses."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from ganzoo import cli
from ganzoo.commands.scaffold import TEMPLATES

COMMANDS = ("run", "list", "show", "compare", "report", "bless", "doctor", "new")
CLAIM = {"id": "C1", "text": "wider is better", "where": "§1", "kind": "ordering", "metric": "frechet", "better": "wide", "worse": "base"}
WIDE = {"model.hidden_g": [16], "source": {"assumed": "a test"}}


class Said(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def ganzoo(capfd, monkeypatch):
    """ganzoo("list", "--json") → exit code, stdout, stderr; as `ganzoo list --json` in the current folder."""

    def call(*arguments: object) -> Said:
        capfd.readouterr()
        monkeypatch.setattr(sys, "argv", ["ganzoo", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            cli.main()
        return Said(left.value.code or 0, *capfd.readouterr())

    return call


def make_project(root: Path, write_tiny_spec, **more) -> Path:
    (root / "benchmarks" / "specs").mkdir(parents=True)
    (root / "reference_results" / "published").mkdir(parents=True)
    (root / "reference_results" / "published" / "tiny.yaml").write_text("document: tiny\ntitle: Tiny\n")
    write_tiny_spec(root / "benchmarks" / "specs" / "tiny.yaml", {"base": {}, "wide": WIDE}, claims=[CLAIM], **more)
    return root


@pytest.fixture
def project(tmp_path, write_tiny_spec, monkeypatch) -> Path:
    """A folder with one spec, `tiny`, as the current folder; no data sets but those that ship."""
    monkeypatch.chdir(make_project(tmp_path / "project", write_tiny_spec))
    monkeypatch.delenv("GANZOO_DATA", raising=False)
    monkeypatch.delenv("GANZOO_DOWNLOAD", raising=False)
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "project"


@pytest.fixture(scope="module")
def finished(tmp_path_factory, write_tiny_spec) -> tuple[Path, subprocess.CompletedProcess]:
    """A project after `ganzoo run tiny`, and what that printed. Tests must not change it."""
    root = make_project(tmp_path_factory.mktemp("finished"), write_tiny_spec)
    command = [sys.executable, "-m", "ganzoo.cli", "run", "tiny", "--threads", "1"]
    return root, subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=240)


@pytest.fixture
def in_finished(finished, monkeypatch) -> Path:
    monkeypatch.chdir(finished[0])
    return finished[0]


def spec_file(project: Path) -> Path:
    return project / "benchmarks" / "specs" / "tiny.yaml"


def edit(project: Path, change) -> None:
    """Rewrite the spec after `change` had its way with the plain data."""
    spec = yaml.safe_load(spec_file(project).read_text())
    change(spec)
    spec_file(project).write_text(json.dumps(spec, indent=1))


# help


@pytest.mark.parametrize("command", COMMANDS)
def test_help_teaches_with_examples(ganzoo, command):
    said = ganzoo(command, "--help")
    assert said.code == 0
    assert f"ganzoo {command}" in said.out.split("Usage:")[1].split("\n", 1)[1], "no example"


def test_help_names_the_exit_codes_and_every_command(ganzoo):
    said = ganzoo("--help")
    assert all(code in said.out for code in ("Exit codes", "130"))
    assert all(f" {command} " in said.out for command in COMMANDS)


def test_help_loads_nothing_heavy():
    code = "import atexit, sys; atexit.register(lambda: print(*sys.modules)); import ganzoo.cli; ganzoo.cli.main()"
    done = subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "typer" in loaded
    assert not loaded & {"torch", "numpy", "scipy", "pydantic", "yaml", "jinja2"}


# list, show, doctor


def test_list_json(ganzoo, project):
    said = ganzoo("list", "--json")
    found = json.loads(said.out)
    assert found.keys() == {"specs", "models", "datasets", "protocols"}
    assert found["specs"] == [{"name": "tiny", "document": "tiny", "cases": ["base", "wide"], "claims": ["C1"]}]
    assert "mlp-gan" in found["models"] and "digits" in found["datasets"] and "digits-cnn" in found["protocols"]


def test_list_one_kind(ganzoo, project):
    assert json.loads(ganzoo("list", "protocols", "--json").out).keys() == {"protocols"}
    assert ganzoo("list", "models").out.startswith("models: ")
    said = ganzoo("list", "model")
    assert (said.code, said.out) == (2, "") and "Did you mean 'models'?" in said.err


def test_show_json(ganzoo, project):
    shown = json.loads(ganzoo("show", "tiny/wide", "--json").out)
    assert shown["resolved"]["model"]["hidden_g"] == [16]
    assert shown["sources"]["model.hidden_g"] == {"kind": "assumed", "text": "a test"}
    assert shown["sources"]["train.ema"]["kind"] == "assumed"  # a default is shown as one
    # G: 4·16 + 16 and 16·64 + 64; D: 64·8 + 8 and 8 + 1
    assert shown["parameters"] == {"generator": 1168, "discriminator": 529}


def test_show_names_every_setting_once(ganzoo, project):
    said = ganzoo("show", "tiny/base")
    for path in ("model.latent.dim", "data.limit", "optim.g.betas", "train.log_every_steps", "eval.fake_range"):
        assert len(re.findall(rf"^\s*{re.escape(path)}\s", said.out, re.MULTILINE)) == 1
    assert "generator 616, discriminator 529" in said.out


def test_show_spec(ganzoo, project):
    assert json.loads(ganzoo("show", "tiny", "--json").out)["claims"][0]["id"] == "C1"
    assert "model.hidden_g: [16]" in ganzoo("show", "tiny").out


def test_show_without_the_data_still_shows_the_case(ganzoo, project):
    edit(project, lambda spec: spec["base"]["data"].update(name="mnist"))
    said = ganzoo("show", "tiny/base")
    assert said.code == 0 and "unknown without the data" in said.out and "GANZOO_DATA" in said.out


def test_doctor(ganzoo, project, tmp_path):
    (tmp_path / "file").touch()
    said = ganzoo("doctor", "--results", tmp_path / "file")
    assert said.code == 0
    assert re.search(r"mnist\s+missing", said.out) and re.search(r"digits-cnn\s+ready", said.out)
    assert re.search(r"results\s+not writable", said.out) and re.search(r"cache\s+writable", said.out)


# new


def test_new_document_loads_shows_and_is_never_overwritten(ganzoo, project):
    assert ganzoo("new", "karras-2018").code == 0
    written = [project / "benchmarks" / "specs" / "karras-2018.yaml", project / "reference_results" / "published" / "karras-2018.yaml"]
    before = [path.read_text() for path in written]
    assert all("DOCUMENT" not in text for text in before)
    shown = json.loads(ganzoo("show", "karras-2018/width-16", "--tier", "smoke", "--json").out)
    assert shown["resolved"]["train"]["max_steps"] == 20
    said = ganzoo("new", "karras-2018")
    assert said.code == 2 and "exists already" in said.err
    assert [path.read_text() for path in written] == before


@pytest.mark.parametrize("name", ["../x", "a/b", "/tmp/x", "..", "Karras", "", "-x", "a" * 41])
def test_new_refuses_names_that_leave_the_folder(ganzoo, project, name):
    before = sorted(project.parent.rglob("*"))
    said = ganzoo("new", "--", name)
    assert said.code == 2 and "no document key" in said.err
    assert sorted(project.parent.rglob("*")) == before


def test_templates_are_written_for_the_folder_they_land_in():
    assert sorted(path.name for path in TEMPLATES.iterdir()) == ["published.yaml", "spec.yaml"]


# run, refused: a clear message, exit code 2, no traceback, nothing written

BOMB = "a: &a [x,x]\n" + "".join(f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)},*{chr(97 + i)}]\n" for i in range(20))


def set_base(section: str, **values):
    return lambda spec: spec["base"][section].update(values)


REFUSED_SPECS = {
    "unknown key": (set_base("train", batchsize=3), "Did you mean 'batch_size'?"),
    "wrong type": (set_base("train", epochs="many"), "many"),
    "negative batch": (set_base("train", batch_size=-1), "-1"),
    "unknown case in a claim": (lambda spec: spec["claims"][0].update(worse="bas"), "Did you mean 'base'?"),
    "unknown model": (set_base("model", name="mlp-gna"), "Did you mean 'mlp-gan'?"),
    "unimportable model": (set_base("model", name="nowhere.nets:GAN"), "nowhere"),
    "unknown protocol": (set_base("eval", protocol="digit-cnn"), "Did you mean 'digits-cnn'?"),
    "missing data": (set_base("data", name="mnist"), "GANZOO_DATA"),
    "data path that leaves the folder": (set_base("data", name="folder", path="../../etc"), "data.path"),
    "setting without a source": (lambda spec: spec["sources"].pop("optim"), "optim"),
}


@pytest.mark.parametrize("fault", REFUSED_SPECS)
def test_run_refuses_a_spec(ganzoo, project, fault):
    change, told = REFUSED_SPECS[fault]
    edit(project, change)
    refused(ganzoo("run", "tiny"), project, told)


NO_SPECS = {"{": "YAML", "just words": "mapping", BOMB: "anchors", "\0": "character", "": "empty"}


@pytest.mark.parametrize(("text", "told"), NO_SPECS.items(), ids=NO_SPECS.values())
def test_run_refuses_a_file_that_is_no_spec(ganzoo, project, text, told):
    spec_file(project).write_text(text)
    refused(ganzoo("run", "tiny"), project, told)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["tinny"], "Did you mean 'tiny'?"),
        (["tiny/wid"], "Did you mean 'wide'?"),
        (["tiny/"], "SPEC/CASE"),
        (["tiny/base/x"], "SPEC/CASE"),
        (["nowhere.yaml"], "no such file"),
        (["tiny", "--tier", "ful"], "Did you mean 'full'?"),
        (["tiny", "--device", "cuda:99"], "cuda:99"),
        (["tiny", "--seeds", "0"], "--seeds"),
        (["tiny", "--results", "file/in/it"], "--results"),
        (["tiny", "--out", "file/in/it"], "--out"),
    ],
)
def test_run_refuses_arguments(ganzoo, project, arguments, told):
    (project / "file").touch()
    refused(ganzoo("run", *arguments), project, told)


def refused(said: Said, project: Path, told: str) -> None:
    assert said.code == 2, said
    assert told in said.err and "Traceback" not in said.err, said.err
    assert not (project / "results").exists() and not (project / "reports").exists()


def test_a_system_error_is_one_line(ganzoo, project, monkeypatch):
    (project / "reference_results" / "published").rename(project / "away")
    (project / "reference_results" / "published").touch()
    said = ganzoo("new", "karras")
    assert said.code == 2 and "published" in said.err and said.err.count("\n") == 1


# run, compare, report, bless


def test_run_ends_with_verdicts_and_the_report(finished):
    root, done = finished
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert re.search(r"^\s*C1\s+(holds|contradicted|inconclusive)", done.stdout, re.MULTILINE)
    last = done.stdout.splitlines()[-1]
    assert last == "report: reports/tiny.html"
    assert "<html" in (root / "reports" / "tiny.html").read_text()
    assert len(list(root.glob("results/tiny/*/*/record.json"))) == 4  # 2 cases, 2 seeds


def test_what_is_finished_is_not_run_again(ganzoo, in_finished):
    def times() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in in_finished.rglob("results/**/*") if path.is_file() and path.name != ".lock"}

    before = times()
    assert ganzoo("run", "tiny/base").code == 0
    assert len(before) >= 4 and times() == before


def test_compare_json(ganzoo, in_finished):
    judged = json.loads(ganzoo("compare", "tiny", "--json").out)
    (claim,) = judged["claims"]
    records = [json.loads(path.read_text()) for path in in_finished.glob("results/tiny/*/*/record.json")]
    measured: dict[str, dict] = {"wide": {}, "base": {}}
    for record in records:
        measured[record["case"]][str(record["seed"])] = record["evaluations"][-1]["metrics"]["frechet"]
    assert claim["values"] == measured
    assert claim["n"] == {"wide": 2, "base": 2}
    assert "permutation" in claim["test"] and len(claim["interval"]) == 2
    assert isinstance(json.loads(ganzoo("compare", "--json").out), list)


def test_compare_needs_records(ganzoo, project):
    said = ganzoo("compare", "tiny")
    assert said.code == 2 and "no records" in said.err and "ganzoo run tiny" in said.err


def test_compare_refuses_a_corrupt_record(ganzoo, in_finished, tmp_path):
    folder = tmp_path / "results" / "tiny" / "base" / "0123456789ab-s0"
    folder.mkdir(parents=True)
    (folder / "record.json").write_text('{"schema": 1')
    said = ganzoo("compare", "tiny", "--results", tmp_path / "results")
    assert said.code == 2 and "record.json" in said.err and "Traceback" not in said.err


def test_report_of_one_tier(ganzoo, in_finished, tmp_path):
    said = ganzoo("report", "tiny", "--out", tmp_path / "pages")
    assert said.out.split() == [str(tmp_path / "pages" / "tiny.html"), str(tmp_path / "pages" / "index.html")]
    assert ganzoo("report", "tiny", "--tier", "smoke", "--out", tmp_path / "none").code == 2
    assert not (tmp_path / "none").exists()


def test_bless_then_compare_the_blessed(ganzoo, finished, project):
    results = finished[0] / "results"
    said = ganzoo("bless", "tiny", "--reason", "a test", "--results", results)
    assert said.code == 0, said
    measured = json.loads((project / "reference_results" / "measured" / "tiny.json").read_text())
    assert measured["blessings"][0]["reason"] == "a test" and len(measured["records"]) == 4
    fresh = json.loads(ganzoo("compare", "tiny", "--results", results, "--json").out)["claims"]
    assert json.loads(ganzoo("compare", "tiny", "--measured", "--json").out)["claims"] == fresh


def test_bless_refuses(ganzoo, finished, project, tmp_path):
    measured = project / "reference_results" / "measured"
    assert ganzoo("bless", "tiny").code == 2
    assert "--reason is empty" in ganzoo("bless", "tiny", "--reason", " ").err
    assert "no runs of tiny" in ganzoo("bless", "tiny", "--reason", "x").err
    results = tmp_path / "results"
    source = next((finished[0] / "results").glob("tiny/base/*/record.json"))
    copy = results / "tiny" / "base" / source.parent.name / "record.json"
    copy.parent.mkdir(parents=True)
    for status in ("crashed", "partial"):
        copy.write_text(json.dumps(json.loads(source.read_text()) | {"status": status}))
        said = ganzoo("bless", "tiny", "--reason", "x", "--results", results)
        assert said.code == 2 and f"is {status}" in said.err
    copy.write_text(source.read_text())
    edit(project, set_base("train", batch_size=32))
    said = ganzoo("bless", "tiny", "--reason", "x", "--results", results)
    assert said.code == 2 and "train.batch_size" in said.err
    assert not measured.exists()


def test_a_crash_is_a_row_and_the_others_go_on(ganzoo, project, monkeypatch):
    nets = project / "broken_nets.py"
    nets.write_text(
        "from ganzoo.models.mlp import MLPGAN\n"
        "class Broken(MLPGAN):\n"
        "    @staticmethod\n"
        "    def build(options, latent, image):\n"
        "        g, d = MLPGAN.build(options, latent, image)\n"
        "        g.forward = lambda z: 1 / 0\n"
        "        return g, d\n"
    )
    monkeypatch.syspath_prepend(str(project))
    edit(project, lambda spec: spec["cases"]["wide"].update({"model.name": "broken_nets:Broken"}))
    said = ganzoo("run", "tiny", "--seeds", "1", "--threads", "1")
    assert said.code == 1, said
    assert "crashed: tiny/wide seed 0: ZeroDivisionError" in said.out and "report: reports/tiny.html" in said.out
    statuses = {path.parts[-3]: json.loads(path.read_text())["status"] for path in project.glob("results/tiny/*/*/record.json")}
    assert statuses == {"base": "finished", "wide": "crashed"}
    said = ganzoo("bless", "tiny", "--reason", "x")
    assert said.code == 2 and "tiny/wide seed 0 is crashed" in said.err


def test_run_refuses_a_corrupt_checkpoint(ganzoo, finished, project):
    source = next((finished[0] / "results").glob("tiny/base/*-s0"))
    copy = project / "results" / source.relative_to(finished[0] / "results")
    copy.mkdir(parents=True)
    (copy / "checkpoint.safetensors").write_bytes((source / "checkpoint.safetensors").read_bytes()[:-100])
    said = ganzoo("run", "tiny/base", "--seeds", "1", "--threads", "1")
    assert said.code == 2 and "checkpoint" in said.err and "Traceback" not in said.err, said


def test_interrupt_says_how_to_go_on(project):
    edit(project, set_base("train", epochs=100_000))
    command = [sys.executable, "-m", "ganzoo.cli", "run", "tiny/base", "--seeds", "1", "--threads", "1"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    end = time.monotonic() + 60
    while not list(project.glob("results/tiny/base/*/record.json")) and time.monotonic() < end:
        time.sleep(0.05)
    assert list(project.glob("results/tiny/base/*/record.json")), "the run did not get going"
    os.killpg(running.pid, signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130, (out, err)
    assert "The same command goes on where it stopped" in out and "Traceback" not in err
