"""The command line from outside: what it shows, what it scaffolds, how it refuses."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ganzoo.commands.scaffold import TEMPLATES

COMMANDS = ("run", "list", "show", "compare", "report", "bless", "evaluate", "doctor", "new")
SPEC = Path("benchmarks/specs/tiny.yaml")


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


def test_a_spec_by_its_file(ganzoo, project):
    (project / SPEC).rename(project / "mine.yaml")
    assert json.loads(ganzoo("show", "mine.yaml/wide", "--json").out)["spec"] == "mine"
    (project / "other").mkdir()
    (project / "other" / "mine.yaml").write_text((project / "mine.yaml").read_text())
    refused(ganzoo("run", "mine.yaml", "other/mine.yaml"), project, "both called 'mine'")


def test_show_without_the_data_still_shows_the_case(ganzoo, edit, project):
    edit(lambda spec: spec["base"]["data"].update(name="mnist"))
    assert json.loads(ganzoo("show", "tiny/base", "--json").out)["parameters"]["generator"] > 0
    edit(lambda spec: spec["base"]["data"].update(name="folder", path="nowhere"))
    said = ganzoo("show", "tiny/base")
    assert said.code == 0 and "unknown without the data" in said.out and "GANZOO_DATA" in said.out


@pytest.mark.parametrize("widths", ([10**7, 10**7], [10**12]))
def test_show_counts_networks_that_no_memory_holds(ganzoo, edit, project, widths):
    edit(lambda spec: spec["base"]["model"].update(hidden_g=widths))
    sizes = [4, *widths, 64]  # latent, hidden, the 8x8 pixels
    expected = sum(a * b + b for a, b in zip(sizes[:-1], sizes[1:], strict=True))
    assert json.loads(ganzoo("show", "tiny/base", "--json").out)["parameters"]["generator"] == expected


def test_show_refuses_networks_that_cannot_be_built(ganzoo, edit, project):
    edit(lambda spec: spec["base"]["model"].update(hidden_g=[10**12, 10**12]))
    said = ganzoo("show", "tiny/base")
    assert said.code == 2 and said.err.count("\n") == 1, said.err
    assert "tiny/base: model 'mlp-gan' cannot be built for 8x8 images" in said.err and "Storage size" in said.err


def test_show_counts_a_model_that_reads_numbers_while_it_is_built(ganzoo, edit, project, monkeypatch):
    (project / "reading_nets.py").write_text(
        "import torch\n"
        "from ganzoo.models.mlp import MLPGAN\n"
        "class Reading(MLPGAN):\n"
        "    @staticmethod\n"
        "    def build(options, latent, image):\n"
        "        options = options.model_copy(update={'hidden_g': [int(w) for w in torch.linspace(8, 16, 2)]})\n"
        "        return MLPGAN.build(options, latent, image)\n"
    )
    monkeypatch.syspath_prepend(str(project))
    edit(lambda spec: spec["base"]["model"].update(name="reading_nets:Reading"))
    # 4·8 + 8, 8·16 + 16 and 16·64 + 64
    assert json.loads(ganzoo("show", "tiny/base", "--json").out)["parameters"]["generator"] == 1272


def test_doctor(ganzoo, project, tmp_path):
    (tmp_path / "file").touch()
    said = ganzoo("doctor", "--results", tmp_path / "file")
    assert said.code == 0
    assert re.search(r"mnist\s+missing", said.out) and re.search(r"digits-cnn\s+ready", said.out)
    assert re.search(r"results\s+not writable", said.out) and re.search(r"cache\s+writable", said.out)


def test_doctor_and_readme_name_every_variable(ganzoo):
    told, root = ganzoo("doctor", "--help").out, Path(__file__).resolve().parents[2]
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (root / "ganzoo").rglob("*.py") if path.name != "cli.py")
    read = set(re.findall(r"\"(GANZOO_[A-Z]+)\"", sources))
    assert len(read) == 5
    assert all(name in told and f"`{name}" in (root / "README.md").read_text(encoding="utf-8") for name in read)


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
def test_run_refuses_a_spec(ganzoo, edit, project, fault):
    change, told = REFUSED_SPECS[fault]
    edit(change)
    refused(ganzoo("run", "tiny"), project, told)


NO_SPECS = {"{": "YAML", "just words": "mapping", BOMB: "anchors", "\0": "character", "": "empty"}


@pytest.mark.parametrize(("text", "told"), NO_SPECS.items(), ids=NO_SPECS.values())
def test_run_refuses_a_file_that_is_no_spec(ganzoo, project, text, told):
    (project / SPEC).write_text(text)
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


def refused(said, project: Path, told: str) -> None:
    assert said.code == 2, said
    assert told in said.err and "Traceback" not in said.err, said.err
    assert not (project / "results").exists() and not (project / "reports").exists()


def test_a_system_error_is_one_line(ganzoo, project, monkeypatch):
    (project / "reference_results" / "published").rename(project / "away")
    (project / "reference_results" / "published").touch()
    said = ganzoo("new", "karras")
    assert said.code == 2 and "published" in said.err and said.err.count("\n") == 1


def ganzoo_into(stdout, *arguments: str) -> subprocess.CompletedProcess:
    """`ganzoo` in a process of its own, writing to `stdout`."""
    return subprocess.run([sys.executable, "-m", "ganzoo.cli", *arguments], stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=60)


@pytest.mark.parametrize("arguments", [["list", "specs"], ["list", "specs", "--json"], ["--help"]], ids=" ".join)
def test_a_reader_that_has_enough_is_no_mistake(project, arguments):
    """As in `ganzoo list | head -1`."""
    unread, full = os.pipe()
    os.close(unread)
    done = ganzoo_into(full, *arguments)
    os.close(full)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
@pytest.mark.parametrize("arguments", [["list", "specs"], ["list", "specs", "--json"]], ids=" ".join)
def test_a_system_error_without_a_path_is_one_line(project, arguments):
    with Path("/dev/full").open("w") as full:
        done = ganzoo_into(full, *arguments)
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
    assert "No space left on device" in done.stderr


def test_interrupted_is_130_without_a_traceback(ganzoo, project, monkeypatch):
    for name in ("ganzoo.commands.listing.listing", "ganzoo.cli.app"):

        def interrupted(*_, **__):
            raise KeyboardInterrupt

        monkeypatch.setattr(name, interrupted)
        said = ganzoo("list", "specs")
        assert (said.code, said.out, said.err) == (130, "", "")
