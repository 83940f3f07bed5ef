"""The verbs of `vesalius data`: convert, lint, split, compose, show."""

from pathlib import Path
from typing import Annotated

import typer

from vesalius.cli.options import From, Json, MaybeOut, Out, Quiet, TextAlone, progress
from vesalius.errors import UsageError
from vesalius.workflows.outcome import Outcome

data_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Datasets: convert, lint, split, compose, show.")


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
