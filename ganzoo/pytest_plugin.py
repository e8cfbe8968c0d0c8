"""Specs as pytest nodes. A test with the fixture `spec_case` runs once for every case of every spec, one with `spec_claim` once for
every claim; `benchmarks/bench_documents.py` holds both.

    pytest benchmarks                    # smoke tier, every spec
    pytest benchmarks --run-slow         # regression: fresh runs against reference_results/measured

All nodes share one results folder, xdist's workers too: what one worker trains, the others wait for and read.

The plugin is loaded in every project of its environment. The options are there only where pytest starts in or on a folder with
benchmarks/specs, as `--tier` or `--report` may belong to somebody else elsewhere.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from pathlib import Path

import pytest

from ganzoo import paths
from ganzoo.errors import DataError, UserError

RESULTS = pytest.StashKey[Path]()
RUN_SLOW, TIER, REPORT, RESULTS_DIR = "ganzoo_run_slow", "ganzoo_tier", "ganzoo_report", "ganzoo_results"


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    if not _concerns_a_project(pluginmanager.get_plugin("pytestconfig").invocation_params):
        return
    add = parser.getgroup("ganzoo", "re-running documents").addoption
    add("--run-slow", dest=RUN_SLOW, action="store_true", help="Regression: fresh runs against reference_results/measured.")
    add("--tier", dest=TIER, help="Tier to run. Default: smoke; with --run-slow, the tier of the measured file.")
    add("--report", dest=REPORT, metavar="DIR", type=Path, help="Render the session's runs as HTML into this folder.")
    add("--results", dest=RESULTS_DIR, metavar="DIR", type=Path, help="Keep records here and go on from them. Default: fresh, thrown away.")


def _concerns_a_project(started: pytest.Config.InvocationParams) -> bool:
    """Whether the folder that pytest starts in, or anything it is given that may be a path, lies in or is a folder with specs."""
    given = (str(argument).partition("::")[0] for argument in started.args)
    return any(map(_in_a_project, (started.dir, *(started.dir / path for path in given if not path.startswith("-")))))


def _in_a_project(path: Path) -> bool:
    try:
        return any((folder / paths.SPECS).is_dir() for folder in (path, *path.parents))
    except OSError:  # a long -k expression is no path
        return False


def _option(config: pytest.Config, name: str):
    """What the option was given; None where there is no such option."""
    return config.getoption(name, default=None)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "smoke: a case or claim of a spec at the smoke tier, seconds")
    config.addinivalue_line("markers", "slow: a case or claim of a spec against reference_results/measured, minutes to hours")
    config.addinivalue_line("markers", "throughput: times the training step; wants the machine for itself, two minutes")
    config.addinivalue_line("python_files", "bench_documents.py")
    for name in ("bench_case", "bench_claim"):  # no more, as the plugin is there in every project of the environment
        config.addinivalue_line("python_functions", name)
    given, shared = _option(config, RESULTS_DIR), getattr(config, "workerinput", {}).get("ganzoo_results")
    # a name that nobody has; the folder appears with the first record
    passing = Path(tempfile.gettempdir()) / f"ganzoo-{uuid.uuid4().hex}"
    config.stash[RESULTS] = Path(shared) if shared else given.absolute() if given else passing


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node) -> None:
    """xdist: every worker gets the controller's results folder."""
    node.workerinput["ganzoo_results"] = str(node.config.stash[RESULTS])


def pytest_unconfigure(config: pytest.Config) -> None:
    if RESULTS in config.stash and not _option(config, RESULTS_DIR) and not hasattr(config, "workerinput"):
        shutil.rmtree(config.stash[RESULTS], ignore_errors=True)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    asked = {"spec_case", "spec_claim"}.intersection(metafunc.fixturenames)
    if not asked:
        return
    from ganzoo import pytest_nodes

    gather = {"spec_case": pytest_nodes.case_names, "spec_claim": pytest_nodes.claim_names}
    marks = [pytest.mark.slow if _option(metafunc.config, RUN_SLOW) else pytest.mark.smoke]
    if metafunc.config.pluginmanager.hasplugin("timeout"):
        marks.append(pytest.mark.timeout(0))  # a training takes what it takes; a project's limit is meant for its tests
    for fixture in sorted(asked):
        try:
            names = gather[fixture](Path(metafunc.module.__file__))
        except UserError as error:
            raise pytest.Collector.CollectError(str(error)) from error
        metafunc.parametrize(fixture, [pytest.param(name, id=str(name), marks=marks) for name in names], indirect=True)


@pytest.fixture
def spec_case(request: pytest.FixtureRequest):
    """A `ganzoo.pytest_nodes.Node`: one case of one spec."""
    return _node(request)


@pytest.fixture
def spec_claim(request: pytest.FixtureRequest):
    """A `ganzoo.pytest_nodes.Node`: one claim of one spec."""
    return _node(request)


def _node(request: pytest.FixtureRequest):
    from ganzoo.pytest_nodes import Name, Node

    params = (value for item in request.session.items if hasattr(item, "callspec") for value in item.callspec.params.values())
    config = request.config
    return Node(
        name=request.param,
        session=[value for value in params if isinstance(value, Name)],
        results=config.stash[RESULTS],
        tier_asked=_option(config, TIER),
        regression=bool(_option(config, RUN_SLOW)),
        workers=int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")),
    )


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function):
    """In a spec's node, missing data skips and any other mistake of the user's fails with its message alone."""
    try:
        return (yield)
    except UserError as error:
        if not {"spec_case", "spec_claim"}.intersection(pyfuncitem.fixturenames):
            raise
        if isinstance(error, DataError):
            pytest.skip(str(error))
        pytest.fail(str(error), pytrace=False)


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    """--report: pages of whatever this session's results folder holds."""
    out, results = _option(config, REPORT), config.stash[RESULTS]
    if not out or not results.is_dir():
        return
    from ganzoo.bench.store import Store
    from ganzoo.commands.judging import judged, rendered, tier_of
    from ganzoo.pytest_nodes import specs_of
    from ganzoo.spec import load_spec

    bench = config.invocation_params.dir / config.args[0].partition("::")[0]
    try:
        specs = [load_spec(path) for path in specs_of(bench).values()]
        held = [(spec, records) for spec in specs if (records := Store(results).records(spec.name, _option(config, TIER)))]
        for page in rendered([judged(spec, tier_of(records), records) for spec, records in held], results, out):
            terminalreporter.write_line(f"report: {page}")
    except UserError as error:
        terminalreporter.write_line(f"no report: {error}", red=True)
