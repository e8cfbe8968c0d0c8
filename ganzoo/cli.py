"""`ganzoo`: the command line. Signatures and help only; the work stands in `ganzoo/commands/`, imported when called."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from ganzoo.errors import UserError

HELP = """Re-run what documents about GANs report, and judge it from seeds.

Examples:

    ganzoo run quickstart             a first report in about a minute
    ganzoo list                       what there is
    ganzoo show liu/width-128         one case and where its values come from
    ganzoo run liu/original           run it, at the document's own scale
    ganzoo compare liu                the verdicts

Exit codes: **0** done; **1** a run crashed (the others went on); **2** something in the input or on this machine is wrong, nothing
was started; **130** interrupted, the same command goes on where it stopped.
"""
INTERRUPTED, NO_READER = 130, 141  # as shells count: 128 and the signal, SIGINT or SIGPIPE

app = typer.Typer(help=HELP, no_args_is_help=True, add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False)

# Where the default is not a constant, the help text names it.
argument = partial(typer.Argument, show_default=False)
option = partial(typer.Option, show_default=False)

Specs = Annotated[list[str] | None, argument(help="Spec names or YAML files; all that have records where left out.")]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable output on stdout, nothing else.")]
Tier = Annotated[str, typer.Option(help="Scale of the run, as the spec names it: full, smoke, ...")]
AnyTier = Annotated[str | None, option(help="Tier to judge. [default: full where it has records, else the one with the most]")]
Results = Annotated[Path | None, option(help="Folder of the run records. [default: results]")]
Measured = Annotated[bool, typer.Option("--measured", help="Take the blessed records of reference_results/measured instead.")]
Out = Annotated[Path, typer.Option(help="Folder the HTML files are written to.")]


@app.command()
def run(
    targets: Annotated[list[str], argument(help="SPEC, SPEC/CASE or a YAML file; several at will.")],
    tier: Tier = "full",
    seeds: Annotated[int | None, option(min=1, help="Seeds 0..N-1 a case. [default: the spec's own]")] = None,
    jobs: Annotated[int | None, option(min=1, help="Runs side by side. [default: one a core up to 4, one on a GPU]")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")] = "auto",
    threads: Annotated[int | None, option(min=1, help="Torch threads a run. [default: cores / jobs]")] = None,
    retry: Annotated[bool, typer.Option("--retry", help="Try crashed runs again, from their last checkpoint.")] = False,
    results: Results = None,
    out: Out = Path("reports"),
) -> None:
    """Run cases, then judge and render them.

    Finished runs are never run again; killed ones go on from their checkpoint; crashed ones stay as they are unless --retry.

        ganzoo run quickstart                     digits, about a minute
        ganzoo run liu --tier smoke               every case, seconds each
        ganzoo run liu/original liu/width-128     two cases at full scale
        ganzoo run my/spec.yaml --results /tmp/r  a spec of your own

    Exit codes: **0** done, whatever the verdicts; **1** a run crashed; **2** refused, nothing was started; **130** interrupted,
    the same command goes on.
    """
    from ganzoo import paths
    from ganzoo.commands.run import Settings, run

    settings = Settings(tier, seeds, jobs, device, threads, retry, results or paths.results_dir(), out)
    raise typer.Exit(run(targets, settings))


@app.command("list")
def list_(
    kind: Annotated[str | None, argument(help="specs, models, datasets or protocols; all where left out.")] = None,
    as_json: Json = False,
) -> None:
    """List specs, models, data sets and protocols.

    Examples:

        ganzoo list
        ganzoo list specs --json

    With --json: one object, a key for each kind.
    """
    from ganzoo.commands.listing import listing

    listing(kind, as_json=as_json)


@app.command()
def show(target: Annotated[str, argument(help="SPEC, SPEC/CASE or a YAML file.")], tier: Tier = "full", as_json: Json = False) -> None:
    """Show a spec, or one complete case: what will run, where each value comes from, how large the networks are.

    Examples:

        ganzoo show liu
        ganzoo show liu/d-dropout-30
        ganzoo show liu/original --tier smoke --json

    Nothing is run and nothing is written.
    """
    from ganzoo.commands.show import show

    show(target, tier=tier, as_json=as_json)


@app.command()
def compare(specs: Specs = None, tier: AnyTier = None, results: Results = None, measured: Measured = False, as_json: Json = False) -> None:
    """Judge the runs that are there against the document: every number, every claim, with its evidence.

    Examples:

        ganzoo compare
        ganzoo compare liu --measured
        ganzoo compare liu --json | jq '.claims[] | {id, verdict}'

    One SPEC with --json prints its judgement, several (or none named) a list of them.
    """
    from ganzoo.commands.compare import compare
    from ganzoo.commands.judging import Evidence

    compare(Evidence(specs or [], tier, results, measured), as_json=as_json)


@app.command()
def report(
    specs: Specs = None, tier: AnyTier = None, results: Results = None, measured: Measured = False, out: Out = Path("reports")
) -> None:
    """Render the runs that are there: one offline HTML file per spec, and an index.

    Examples:

        ganzoo report
        ganzoo report liu --out /tmp/liu
        ganzoo report liu --measured

    The files need no network and may be moved and mailed.
    """
    from ganzoo.commands.judging import Evidence
    from ganzoo.commands.report import report

    report(Evidence(specs or [], tier, results, measured), out=out)


@app.command()
def bless(
    spec: Annotated[str, argument(help="The spec whose runs become the reference.")],
    reason: Annotated[str, option(help="Why these runs are right; kept in the file.")],
    tier: Tier = "full",
    results: Results = None,
) -> None:
    """Make the finished runs of a spec the measured reference that `pytest benchmarks --run-slow` compares with.

    Examples:

        ganzoo bless liu --reason "first full runs, torch 2.15, CPU"

    Writes `reference_results/measured/SPEC.json`: every record, raw, per seed. Refused where a run crashed, is unfinished, or was
    made with other settings than the spec's. Review the diff before you commit it.
    """
    from ganzoo.commands.bless import bless

    bless(spec, reason=reason, tier=tier, results=results)


@app.command()
def evaluate(
    fake: Annotated[str, option(help="What to measure: a run's folder, image files, a zip, .npz or .npy, or a data set (mnist:test).")],
    protocol: Annotated[str, option(help="How: see `ganzoo list protocols`. NAME@EXTRACTOR puts another network in.")],
    real: Annotated[str | None, option(help="Held against what: as --fake. [default: the protocol's, or the run's own data]")] = None,
    num_fake: Annotated[int | None, option(min=2, help="So many fakes. [default: the protocol's, or all stored]")] = None,
    num_real: Annotated[int | None, option(min=2, help="So many reals. [default: all]")] = None,
    resize: Annotated[int | None, option(min=1, help="Side that image files are resized to.")] = None,
    seed: Annotated[int | None, option(help="Of the latents, or of the choice among stored images. [default: the run's own, or 0]")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")] = "auto",
    steps: Annotated[bool, typer.Option("--steps", help="For iyengar-2018: also without each of its steps.")] = False,
    page: Annotated[Path | None, option(help="Also written as one offline HTML file.")] = None,
    as_json: Json = False,
) -> None:
    """Measure your own images, or a run's generator, under a protocol.

    Examples:

        ganzoo evaluate --fake samples/ --real mnist:test --protocol mnist-cnn
        ganzoo evaluate --fake samples.npz --real photos.zip --protocol tf-inception --json
        ganzoo evaluate --fake results/liu/original/0123456789ab-s0 --protocol mnist-cnn
        ganzoo evaluate --fake results/my/case/0123456789ab-s0 --protocol iyengar-2018@cifar10-cnn --steps

    Nothing is written but caches and the --page. Numbers of different protocols, or of different counts, are never the same number.
    """
    from ganzoo.commands.evaluate import evaluate
    from ganzoo.commands.sides import Asked

    evaluate(Asked(fake, real, protocol, num_fake, num_real, resize, seed, device, steps), as_json=as_json, page=page)


@app.command()
def doctor(results: Results = None) -> None:
    """Say what can run here: data sets, extractor weights, devices, threads, writable folders.

    Examples:

        ganzoo doctor
        GANZOO_DATA=/data ganzoo doctor

    Variables: GANZOO_DATA (data sets), GANZOO_WEIGHTS (published extractor weights), GANZOO_DOWNLOAD=1 (lets MNIST and weights be
    downloaded into the cache), GANZOO_CACHE (decoded data, statistics, downloads), GANZOO_HOME (specs and references).
    """
    from ganzoo.commands.doctor import doctor

    doctor(results=results)


@app.command()
def new(document: Annotated[str, argument(help="Key of the new document: lower-case letters, digits, dashes.")]) -> None:
    """Start a document: a spec and a references file that load and run as they are, for you to fill.

    Examples:

        ganzoo new karras-2018
        ganzoo run karras-2018 --tier smoke

    Existing files are never touched.
    """
    from ganzoo.commands.scaffold import scaffold

    scaffold(document)


def main() -> None:
    """Entry point: a user's mistake is one message on stderr and exit code 2, never a traceback."""
    try:
        try:
            app()
        finally:
            if sys.stdout:
                sys.stdout.flush()  # what the last lines meet is met here, not when Python ends
    except UserError as error:
        sys.exit(_refuse(str(error)))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except SystemExit as left:
        if isinstance(left.__context__, BrokenPipeError):  # as typer and rich leave then, with the code of a crashed run
            sys.exit(_without_reader())
        raise
    except BrokenPipeError:
        sys.exit(_without_reader())
    except OSError as error:
        _drop_output()
        if error.filename is None:
            sys.exit(_refuse(f"the system refused ({type(error).__name__}: {error}). Mend that, then the same command again."))
        sys.exit(_refuse(f"{error.filename}: {error.strerror}. Expected a path that this user may use."))


def _refuse(message: str) -> int:
    typer.echo(f"ganzoo: {message}", err=True)
    return 2


def _without_reader() -> int:
    """`ganzoo list | head -1`: whoever read the output has enough, which is no mistake of anybody's."""
    _drop_output()
    return NO_READER


def _drop_output() -> None:
    """What cannot be written any more is not tried again, and complained about, when Python ends."""
    with suppress(OSError, ValueError, AttributeError), Path(os.devnull).open("w") as nowhere:  # no stdout, or none with a number
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


if __name__ == "__main__":
    main()
