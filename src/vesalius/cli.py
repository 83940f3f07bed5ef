"""The command line: one verb per workflow, what it prints, and the exit codes.

A verb imports its workflow when it runs, so that `--help` answers at once and `inspect` never waits for torch.
Standard output holds the result and nothing else; progress and errors for people go to standard error.
"""

import contextlib
import errno
import json
import logging
import os
import re
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from vesalius.errors import EXIT_BUG, EXIT_DONE, EXIT_USAGE, InputRefused, UsageError, VesaliusError
from vesalius.workflows.outcome import Outcome

EXIT_STOPPED, EXIT_BROKEN_PIPE = 130, 141  # 128 + the signal's number, as shells report it
BAR_WIDTH = 24
UNSEEN_SEED = 920_000_000  # phantoms from here on are in no training, no exam and not in the demo

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output and nothing else.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]
Paths = Annotated[list[Path], typer.Argument(metavar="PATH", show_default=False, help="Files, folders or archives.")]
Out = Annotated[Path, typer.Option("-o", "--out", metavar="DIR", show_default=False, help="Folder to write.")]
MaybeOut = Annotated[Path | None, typer.Option("-o", "--out", metavar="DIR", help="Folder to write.")]
From = Annotated[str | None, typer.Option("--from", metavar="FORMAT", help="Guessed where it can be.")]
TextAlone = Annotated[bool, typer.Option("--text-alone", help="Leave the pictures, where they are not at hand.")]
EncoderName = Annotated[str | None, typer.Option("--model", metavar="M", help="A run of an encoder; the embedded one without.")]
Texts = Annotated[Path | None, typer.Option(metavar="FILE", help="Texts to embed, too: one a line.")]
Recipe = Annotated[str, typer.Argument(metavar="RECIPE", help="A recipe's name (see `vesalius info`) or a YAML file.")]

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)
data_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Datasets: convert, lint, split, compose, show.")
app.add_typer(data_app, name="data")


@app.callback(epilog="Start with: vesalius demo", invoke_without_command=True)
def vesalius(
    show_version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> Outcome | None:
    """The open workbench for medical vision-language models. Research use only, not a medical device."""
    if not show_version:
        return None
    typer.echo(version("vesalius"))
    raise typer.Exit(EXIT_DONE)


@app.command(epilog="Example: vesalius demo -o demo-output")
def demo(out: Out = Path("demo-output"), json: Json = False, quiet: Quiet = False) -> Outcome:
    """Take the tour.

    Phantoms are written as DICOM, asked, answered, scored, and shown on a page.
    """
    from vesalius.workflows import demo as workflow

    return workflow.demo(out=out, say=progress(quiet))


@app.command(epilog="Example: vesalius doctor")
def doctor(json: Json = False, quiet: Quiet = False) -> Outcome:
    """Say what works on this machine.

    What does not work stands with the command that adds it.
    """
    from vesalius.workflows import doctor as workflow

    return workflow.doctor()


@app.command(epilog="Example: vesalius info")
def info(json: Json = False, quiet: Quiet = False) -> Outcome:
    """List what this installation has.

    Recipes, benchmarks, datasets, models, phantoms, formats, metrics; with --json also all codes.
    """
    from vesalius.workflows import info as workflow

    return workflow.info()


@app.command(epilog="Example: vesalius phantom chest_xray -n 2 -o phantoms --seed 920000000")
def phantom(
    kind: Annotated[str | None, typer.Argument(help="The kind of phantom.")] = None,
    factors: Annotated[list[str] | None, typer.Argument(metavar="FACTOR=VALUE", help="What is to be in it.")] = None,
    count: Annotated[int, typer.Option("-n", "--count", help="How many patients.")] = 1,
    out: MaybeOut = None,
    seed: Annotated[
        int, typer.Option(help="The first patient's seed; 0 to 3399 were used to train the embedded model.")
    ] = UNSEEN_SEED,
    show_list: Annotated[bool, typer.Option("--list", help="List the kinds and their factors.")] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> Outcome:
    """Make simulated pictures.

    Every truth about them is known, and is written beside them. Not of one kind alone are: visits=1|2,
    formats=dicom,nifti,png,mp4|none, split=train:0.7,validation:0.1,test:0.2, correlation=train:0.9,test:-0.9.
    """
    from vesalius.workflows import phantom as workflow

    if show_list:
        return workflow.kinds()
    if kind is None or out is None:
        raise UsageError("bad_option", "A kind and a folder (-o DIR) are needed. `vesalius phantom --list` shows the kinds.")
    return workflow.phantom(kind, count=count, out=out, seed=seed, factors=factors or [], say=progress(quiet))


@app.command(epilog="Example: vesalius inspect phantoms/dicom")
def inspect(
    paths: Paths,
    map_file: Annotated[
        Path | None, typer.Option("--map", metavar="FILE", help="Write which item is which file, for your eyes only.")
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> Outcome:
    """Show what is in files, folders and archives.

    Studies, series, geometry, warnings, which series would be read and why.
    """
    from vesalius.workflows import inspect as workflow

    return workflow.inspect(paths, map_file=map_file)


@app.command(epilog="Example: vesalius deid phantoms/dicom -o clean --option modified-dates")
def deid(
    paths: Paths,
    out: MaybeOut = None,
    options: Annotated[
        list[str] | None, typer.Option("--option", metavar="NAME", help="An option of the profile, as modified-dates or 113107.")
    ] = None,
    black_out: Annotated[
        list[str] | None, typer.Option(metavar="X0,Y0,X1,Y1", help="A rectangle to blacken in every picture, in pixels.")
    ] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Without -o: only say what is left in the files.")] = False,
    accept_burned_in: Annotated[
        bool, typer.Option("--accept-burned-in", help="No quarantine for pictures that writing may be burned into.")
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> Outcome:
    """Write de-identified copies.

    DICOM PS3.15 Annex E; what may still name somebody is listed and set aside.
    """
    from vesalius.workflows import deid as workflow

    return workflow.deid(
        paths,
        out=out,
        options=options or [],
        black_out=black_out or [],
        verify=verify,
        accept_burned_in=accept_burned_in,
        say=progress(quiet),
    )


@app.command(epilog='Example: vesalius ask phantoms/dicom/chest_xray-920000000-visit-0-frontal.dcm "Where is the heart?"')
def ask(
    paths: Paths,
    question: Annotated[str, typer.Argument(metavar="QUESTION", show_default=False, help="One question, in quotes.")],
    model: Annotated[
        str | None, typer.Option("--model", metavar="M", help="A run's folder; the embedded model if unset.")
    ] = None,
    prior: Annotated[Path | None, typer.Option("--prior", metavar="PATH", help="An earlier picture of the patient.")] = None,
    out: MaybeOut = None,
    json: Json = False,
    quiet: Quiet = False,
) -> Outcome:
    """Ask a study one question.

    The answer shows the region that it rests on and how sure it is.
    """
    from vesalius.workflows import ask as workflow

    return workflow.ask(paths, question, model=model, prior=prior, out=out, say=progress(quiet))


@data_app.command(epilog="Example: vesalius data convert phantoms -o dataset")
def convert(
    source: Annotated[
        Path | None, typer.Argument(metavar="SRC", show_default=False, help="The published folder or file.")
    ] = None,
    out: MaybeOut = None,
    from_format: From = None,
    to_format: Annotated[str | None, typer.Option("--to", metavar="FORMAT", help="Our own layout without it.")] = None,
    text_alone: TextAlone = False,
    show_list: Annotated[bool, typer.Option("--list", help="List the formats.")] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> Outcome:
    """Write a published format in our layout, or our layout in another format.

    Records that are faulty are left out and listed; what the other format cannot hold is counted. After a kill the same
    command goes on where it was.
    """
    from vesalius.workflows.data import convert as workflow
    from vesalius.workflows.data import formats

    if show_list:
        return formats.listed()
    if source is None or out is None:
        raise UsageError(
            "bad_option", "A source and a folder (-o DIR) are needed. `vesalius data convert --list` shows the formats."
        )
    return workflow.convert(
        source, out=out, from_format=from_format, to_format=to_format, text_alone=text_alone, say=progress(quiet)
    )


@data_app.command(epilog="Example: vesalius data lint dataset -o report")
def lint(
    source: Annotated[Path, typer.Argument(metavar="SRC", show_default=False, help="Our own layout, or a published one.")],
    out: MaybeOut = None,
    from_format: From = None,
    text_alone: TextAlone = False,
    model: Annotated[str | None, typer.Option(help="Samples that are too long for this model are faults.")] = None,
    most_tokens: Annotated[int | None, typer.Option(min=1, help="As many tokens fit.")] = None,
    benchmark: Annotated[
        list[str] | None, typer.Option(metavar="NAME|DIR", help="None of its items may stand among what is learnt from.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Read headers alone; decode no picture.")] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> Outcome:
    """Find faults before a model is touched.

    Each with its row, severity and code; -o writes a page with pictures. Exit 4 when there are errors.
    """
    from vesalius.workflows.data import lint as workflow

    return workflow.lint(
        source,
        say=progress(quiet),
        from_format=from_format,
        text_alone=text_alone,
        model=model,
        most_tokens=most_tokens,
        benchmarks=benchmark or [],
        quick=quick,
        out=out,
    )


@data_app.command(epilog="Example: vesalius data split dataset -o parts")
def split(
    folder: Annotated[Path, typer.Argument(metavar="DIR", show_default=False, help="A dataset in our own layout.")],
    out: MaybeOut = None,
    fractions: Annotated[str, typer.Option(metavar="A,B,C", help="Of train, validation and test.")] = "0.7,0.1,0.2",
    by: Annotated[str, typer.Option(metavar="patient|site", help="site: all patients of a site in one split.")] = "patient",
    stratify: Annotated[bool, typer.Option(help="Equal shares of every task, finding and short answer.")] = True,
    together: Annotated[bool, typer.Option(help="Patients whose pictures are nearly the same stay together.")] = True,
    seed: Annotated[int, typer.Option(help="Of the order in which patients are dealt out.")] = 0,
    check: Annotated[bool, typer.Option("--check", help="Compare a split dataset with the hashes in its card.")] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> Outcome:
    """Split a dataset by patient.

    Into train, validation and test; no patient is in two of them, and the result is frozen in the card.
    """
    from vesalius.workflows.data import split as workflow

    shares = workflow.shares(fractions)
    return workflow.split(
        folder,
        out=out,
        say=progress(quiet),
        fractions=shares,
        by=by,
        stratify=stratify,
        together=together,
        seed=seed,
        check=check,
    )


@data_app.command(epilog="Example: vesalius data compose dataset --engine places -o questions language=en")
def compose(
    folder: Annotated[Path | None, typer.Argument(metavar="DIR", show_default=False, help="A dataset in our own layout.")] = None,
    options: Annotated[list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Options of the engine.")] = None,
    engine: Annotated[str | None, typer.Option(help="Which kind of samples to make.")] = None,
    out: MaybeOut = None,
    show_list: Annotated[bool, typer.Option("--list", help="List the engines and their options.")] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> Outcome:
    """Make samples from annotations.

    Questions, boxes to find, sizes, changes, captions, preferences: every one says which annotation it came from.
    """
    from vesalius.workflows.data import compose as workflow

    if show_list:
        return workflow.listed()
    if folder is None or engine is None or out is None:
        raise UsageError(
            "bad_option", "A dataset, --engine NAME and -o DIR are needed. `vesalius data compose --list` shows them."
        )
    return workflow.compose(folder, engine=engine, out=out, given=options or [], say=progress(quiet))


@data_app.command(epilog="Example: vesalius data show dataset -o shown")
def show(
    source: Annotated[Path, typer.Argument(metavar="SRC", show_default=False, help="Our own layout, or a published one.")],
    out: Out = Path("shown"),
    from_format: From = None,
    text_alone: TextAlone = False,
    limit: Annotated[int, typer.Option(min=1, help="How many samples.")] = 24,
    task: Annotated[str | None, typer.Option(help="Samples of this task alone.")] = None,
    seed: Annotated[int, typer.Option(help="Another number shows others.")] = 0,
    json: Json = False,
    quiet: Quiet = False,
) -> Outcome:
    """Draw samples on a page and a contact sheet.

    With regions, masks, measurements and turns; pictures, volumes and clips.
    """
    from vesalius.workflows.data import show as workflow

    say = progress(quiet)
    return workflow.show(
        source, out=out, say=say, from_format=from_format, text_alone=text_alone, limit=limit, task=task, seed=seed
    )


@app.command(epilog="Example: vesalius explain first_phantom")
def explain(recipe: Recipe, json: Json = False, quiet: Quiet = False) -> Outcome:
    """Explain every key of a recipe.

    Where it lands, its default, its source.
    """
    from vesalius.workflows import explain as workflow

    return workflow.explain(recipe)


@app.command(epilog="Example: vesalius train first_phantom --smoke -o runs/first")
def train(
    recipe: Recipe,
    overrides: Annotated[list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Keys to change.")] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", metavar="RUN", help="The run's folder.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where the run in that folder stopped.")] = False,
    smoke: Annotated[bool, typer.Option("--smoke", help="A tiny model for seconds, to see that the recipe runs.")] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> Outcome:
    """Train what a recipe describes."""
    from vesalius.workflows import train as workflow

    return workflow.train(recipe, overrides or [], out=out, resume=resume, smoke=smoke, say=progress(quiet))


@app.command(epilog="Example: vesalius reproduce flair --smoke")
def reproduce(
    recipe: Annotated[str, typer.Argument(metavar="SLUG", help="A recipe that makes a claim, by its name or file.")],
    overrides: Annotated[list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Keys to change in every arm.")] = None,
    smoke: Annotated[bool, typer.Option("--smoke", help="Tiny runs, to see that every arm runs; no row is written.")] = False,
    seeds: Annotated[int | None, typer.Option(min=1, help="How often each arm is trained; the claim says, if unset.")] = None,
    ledger: Annotated[Path | None, typer.Option(metavar="DIR", help="Where the row and the figure go.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Seeds at once; one per core if unset.")] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", metavar="RUNS", help="Where the runs lie.")] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> Outcome:
    """Try the claim of a paper.

    Arms and controls are trained under several seeds and judged by a rule written down before; given again, it goes on.
    """
    from vesalius.workflows import reproduce as workflow

    given = overrides or []
    return workflow.reproduce(
        recipe, given, smoke=smoke, seeds=seeds, ledger_folder=ledger, jobs=jobs, out=out, say=progress(quiet)
    )


@app.command(epilog="Example: vesalius evaluate --benchmark first_phantom --limit 3")
def evaluate(
    model: Annotated[str | None, typer.Option("--model", metavar="M", help="A run's folder or a model's name.")] = None,
    predictions: Annotated[Path | None, typer.Option(metavar="FILE", help="Answers made elsewhere, to be scored.")] = None,
    benchmark: Annotated[
        str | None, typer.Option(metavar="B", help="A name (see `vesalius info`), NAME:PART, NAME=FOLDER, or a folder.")
    ] = None,
    out: MaybeOut = None,
    limit: Annotated[int | None, typer.Option(metavar="N", help="At most N patients.")] = None,
    compare: Annotated[tuple[Path, Path] | None, typer.Option(metavar="A B", help="Two results, paired.")] = None,
    compat: Annotated[str | None, typer.Option(metavar="NAME", help="A published benchmark's own odd rules.")] = None,
    corrupt: Annotated[
        str | None, typer.Option(metavar="noise=0.1,jpeg=20", help="Synthetic corruptions, as conditions of their own.")
    ] = None,
    coordinates: Annotated[
        str | None, typer.Option(metavar="NAME", help="How the texts of --predictions write boxes: pixels, thousandths, …")
    ] = None,
    judge: Annotated[
        str | None, typer.Option(metavar="M", help="A model that judges open answers beside the fixed rules.")
    ] = None,
    choose: Annotated[list[str] | None, typer.Option(metavar="M", help="Candidates; validation data alone decide.")] = None,
    write: Annotated[list[str] | None, typer.Option(metavar="HARNESS", help="vlmevalkit, lmms_eval or inspect_ai, too.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Questions asked at the same time.")] = 1,
    fresh: Annotated[bool, typer.Option("--fresh", help="Ask anew what was answered before.")] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> Outcome:
    """Score a model or its predictions.

    With intervals, and beside the baselines that it has to beat.
    """
    from vesalius.workflows import evaluate as workflow

    return workflow.evaluate(
        model=model,
        predictions=predictions,
        benchmark=benchmark,
        out=out,
        limit=limit,
        compare=compare,
        compat=compat,
        corrupt=corrupt,
        coordinates=coordinates,
        judge=judge,
        choose=choose or [],
        write=write or [],
        workers=workers,
        fresh=fresh,
        say=progress(quiet),
    )


@app.command(epilog="Example: vesalius embed phantoms -o vectors.parquet")
def embed(
    paths: Paths,
    out: Annotated[Path, typer.Option("-o", "--out", metavar="FILE", help="Parquet file to write.")] = Path("vectors.parquet"),
    model: EncoderName = None,
    texts: Texts = None,
    from_format: Annotated[str | None, typer.Option("--from", metavar="FORMAT", help="Of a published dataset.")] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> Outcome:
    """Give pictures, volumes, clips and texts vectors.

    Of files, folders, archives or a dataset; near vectors mean alike.
    """
    from vesalius.workflows import embed as workflow

    return workflow.embed(paths, model=model, texts=texts, out=out, say=progress(quiet), from_format=from_format)


@app.command(epilog="Example: vesalius index phantoms -o phantom-index")
def index(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", show_default=False, help="As for embed, or what embed wrote.")],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="DIR", help="The index: a new one, or one to add to.")] = Path(
        "index"
    ),
    model: EncoderName = None,
    texts: Texts = None,
    from_format: Annotated[str | None, typer.Option("--from", metavar="FORMAT", help="Of a published dataset.")] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> Outcome:
    """Make an index of vectors that can be searched, or add to one."""
    from vesalius.workflows import search as workflow

    return workflow.index(paths, model=model, texts=texts, out=out, say=progress(quiet), from_format=from_format)


@app.command(epilog='Example: vesalius search phantom-index "left pleural effusion"')
def search(
    folder: Annotated[Path, typer.Argument(metavar="INDEX", show_default=False, help="A folder that `index` made.")],
    text: Annotated[str | None, typer.Argument(metavar="TEXT", help="What to look for, in words.")] = None,
    picture: Annotated[Path | None, typer.Option(metavar="PATH", help="A picture to look for, instead of words.")] = None,
    count: Annotated[int, typer.Option("-k", "--count", min=1, help="How many.")] = 10,
    kind: Annotated[str | None, typer.Option(metavar="text|picture", help="Of what is looked for.")] = None,
    model: EncoderName = None,
    json: Json = False,
    quiet: Quiet = False,
) -> Outcome:
    """Find what is near a text or a picture."""
    from vesalius.workflows import search as workflow

    return workflow.search(folder, text, picture=picture, model=model, count=count, kind=kind, say=progress(quiet))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and end the process with its exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    code = EXIT_BROKEN_PIPE
    try:
        code = run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads our output has gone, as in `vesalius info | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run one command, print what it gives back, and return the exit code."""
    as_json = "--json" in arguments
    quiet_libraries()
    try:
        with contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext():
            result = app(arguments, prog_name="vesalius", standalone_mode=False)
        if not isinstance(result, Outcome):  # the exit code of `--help`, `--version` or Ctrl-C
            return int(result or EXIT_DONE)
        shown = json.dumps(result.data, indent=2, allow_nan=False) if as_json else result.text
    except typer.TyperException as wrong:
        return show_usage(wrong.format_message(), as_json)
    except VesaliusError as refusal:
        return show_error(refusal, as_json)
    except typer.Abort:
        return EXIT_STOPPED
    except (PermissionError, IsADirectoryError, NotADirectoryError, FileExistsError) as wrong:
        reason = f"A file or folder of this command cannot be used: {wrong.strerror}. Check its place and its permissions."
        return show_error(UsageError("bad_option", reason), as_json)
    except Exception as bug:  # noqa: BLE001  the one place that may: it says that the bug is ours, and where
        if isinstance(bug, OSError) and bug.errno == errno.ENOSPC:
            return show_error(InputRefused("disk_full", "The disk is full. What was finished is kept. Make room."), as_json)
        return show_bug(bug, as_json)
    print(shown)
    return result.exit_code


def show_usage(message: str, as_json: bool) -> int:
    """Say what is wrong with the command line; a line without a verb is answered with the help itself."""
    if not message.startswith("Usage:"):
        return show_error(UsageError("bad_option", f"{message.rstrip('.')}. `--help` shows what the verb takes."), as_json)
    if as_json:
        return show_error(UsageError("bad_option", "A verb is needed. `vesalius --help` lists them."), as_json)
    print(message, file=sys.stderr)
    return EXIT_USAGE


def show_error(error: VesaliusError, as_json: bool) -> int:
    """Say what the user can mend; return the exit code."""
    if as_json:
        print(json.dumps(error.to_json(), indent=2))
        return error.exit_code
    print(f"error ({error.code}): {error.message}", file=sys.stderr)
    for problem in error.problems:
        allowed = f" Allowed: {', '.join(problem.allowed)}." if problem.allowed else ""
        print(f"  {problem.key}: {problem.message}{allowed}", file=sys.stderr)
    return error.exit_code


def show_bug(bug: Exception, as_json: bool) -> int:
    """Say that the fault is ours: the traceback for people, its kind for scripts."""
    traceback.print_exception(bug)
    if as_json:
        message = f"A bug of Vesalius: {type(bug).__name__}. The traceback on standard error says where. Please report it."
        print(json.dumps({"error": {"code": "internal", "message": message, "problems": []}}, indent=2))
    return EXIT_BUG


def quiet_libraries() -> None:
    """Show our own warnings on standard error and no library's: theirs may name patients and paths."""
    logging.getLogger().addHandler(logging.NullHandler())
    ours = logging.getLogger("vesalius")
    if not ours.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
        ours.addHandler(handler)
    if not sys.warnoptions:
        warnings.simplefilter("ignore")


def progress(quiet: bool) -> Callable[[str], None]:
    """What a workflow says while it works: lines on standard error; on a terminal "12/40" or "12 of 40" becomes a bar."""
    if quiet:
        return lambda message: None
    terminal = sys.stderr.isatty()
    moving = False

    def say(message: str) -> None:
        nonlocal moving
        count = re.search(r"(\d+)(?:/| of )(\d+)", message) if terminal else None
        if count is None:
            print(("\n" if moving else "") + message, file=sys.stderr, flush=True)
            moving = False
            return
        done, total = int(count[1]), max(int(count[2]), 1)
        full = min(BAR_WIDTH, BAR_WIDTH * done // total)
        moving = done < total
        end = "" if moving else "\n"
        print(f"\r\x1b[2K[{'█' * full}{'·' * (BAR_WIDTH - full)}] {message}", end=end, file=sys.stderr, flush=True)

    return say


if __name__ == "__main__":
    main()
