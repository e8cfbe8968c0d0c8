"""The README's model of a user's own, done as it says: copied, named in a spec, run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import yaml

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")


def test_the_model_of_the_readme_runs_as_shown(edit, project):
    section = README.partition("## Add a model\n")[2].partition("\n## ")[0]
    code, settings = (section.partition(f"```{language}\n")[2].partition("```")[0] for language in ("python", "yaml"))
    file = project / code.partition("\n")[0].removeprefix("# ")
    file.parent.mkdir()
    file.write_text(code)
    edit(lambda spec: (spec["base"].update(yaml.safe_load(settings)), spec["cases"].pop("wide"), spec.update(claims=[])))
    assert "`PYTHONPATH=. ganzoo run" in section

    def ganzoo(*arguments: str) -> subprocess.CompletedProcess:
        path = os.pathsep.join([".", *filter(None, [os.environ.get("PYTHONPATH")])])
        command = [sys.executable, "-P", "-m", "ganzoo.cli", *arguments]  # -P: as the installed command, without the current folder
        return subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=240)

    shown = ganzoo("show", "tiny/base", "--json")
    # G: 100·128 + 128 and 128·64 + 64; D: 64·128 + 128 and 128 + 1
    assert json.loads(shown.stdout)["parameters"] == {"generator": 21184, "discriminator": 8449}, shown.stderr
    done = ganzoo("run", "tiny/base", "--seeds", "1", "--threads", "1")
    assert done.returncode == 0, done.stderr


def test_the_results_told_are_those_of_the_blessed_records():
    """Which claims hold and which are contradicted, in words; judged anew from reference_results/measured."""
    from ganzoo.commands.judging import Evidence, judged_all

    (found,) = judged_all(Evidence(["liu"], None, None, measured=True))
    verdicts = {claim.id: claim.verdict for claim in found.judgement.claims if claim.verdict != "no evidence"}
    told = " ".join(README.partition("## Results\n")[2].partition("\n## ")[0].split())
    assert "Of the seven claims that these cases decide, five hold" in told and "two are contradicted" in told and "six seeds each" in told
    assert verdicts == dict.fromkeys(["L2", "L4", "L6", "L7", "L12"], "holds") | dict.fromkeys(["L3", "L8"], "contradicted")
