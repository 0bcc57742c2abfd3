"""The command line: it parses, calls and prints; no number is computed here."""

from __future__ import annotations

import json
import os
import re
import sys
import warnings
from pathlib import Path
from typing import Annotated, Any, NoReturn, TextIO

import typer
from rich.console import Console
from rich.table import Table

from xaikit import __version__
from xaikit.app.process import settle
from xaikit.core.errors import InvalidInput, XaikitError
from xaikit.core.registry import PluginWarning

__all__ = ["app", "main"]

app = typer.Typer(
    name="xaikit",
    help="Ask every explanation method the same question, and see which answer can be believed.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
out = Console()
err = Console(stderr=True)

Data = Annotated[
    str,
    typer.Option(
        "--data", "-d", help="A built-in data set, or a .csv, .jsonl, .npz file or image folder."
    ),
]
TextColumn = Annotated[
    str | None, typer.Option("--text-column", help="Column that holds the text.")
]
LabelColumn = Annotated[
    str | None, typer.Option("--label-column", help="Column to predict [label, or the last].")
]
TestFile = Annotated[
    Path | None, typer.Option("--test", help="A file of test rows, kept out of training.")
]
Task = Annotated[
    str | None, typer.Option("--task", help="classification or regression; found out by default.")
]
Size = Annotated[
    int | None, typer.Option("--size", help="Bring pictures of different sizes to SIZE x SIZE.")
]
Seed = Annotated[int, typer.Option("--seed", help="Same seed, same numbers.")]
Device = Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")]
Balanced = Annotated[
    bool,
    typer.Option(
        "--balanced", help="Every class weighs the same in training, whatever the kind of model."
    ),
]
Draw = Annotated[
    bool,
    typer.Option(
        "--draw",
        help="Take the N samples at random by --seed; else the first, in the file's order.",
    ),
]
Force = Annotated[
    bool, typer.Option("--force", help="Overwrite a page's file that xaikit did not write.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
Columns = Annotated[
    str | None, typer.Option(help="With --flip: columns that stay, commas between.")
]
Rising = Annotated[str | None, typer.Option(help="With --flip: columns that may only rise.")]
Falling = Annotated[str | None, typer.Option(help="With --flip: columns that may only fall.")]
Wanted = Annotated[
    str | None,
    typer.Option(
        help="With --flip: the class to reach, a value to cross, or a range such as 10:20."
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="A parameter of the model, for example --set dropout=0.2."),
]


def main() -> NoReturn:
    """Run the command line; a user's mistake is one line on stderr and exit code 2."""
    settle()
    warnings.showwarning = _tell
    try:
        app()
    except XaikitError as error:
        said = " ".join(str(error).split())  # one line, whatever a name in it holds
        err.print(f"xaikit: {said}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(2)
    sys.exit(0)


_usual = warnings.showwarning


def _tell(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """What is left out is one line on stderr, without a place in the code."""
    if issubclass(category, PluginWarning):
        said = f"xaikit: {message}"
        err.print(said, style="yellow", markup=False, highlight=False, soft_wrap=True)
    else:
        _usual(message, category, filename, lineno, file, line)


def _version(wanted: bool) -> None:
    if wanted:
        out.print(f"xaikit {__version__}", highlight=False)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command()
def train(
    model: Annotated[str, typer.Argument(help="A name from `xaikit list models`.")],
    data: Data,
    folder: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder of the model [runs/DATA-MODEL].")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training data.")] = None,
    device: Device = "auto",
    seed: Seed = 0,
    balanced: Balanced = False,
    settings: Settings = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    test: TestFile = None,
    task: Task = None,
    size: Size = None,
    as_json: AsJson = False,
) -> None:
    """Train a model and save it as a folder.

    [bold]Examples[/bold]

      xaikit train lenet --data digits

      xaikit train lstm --data reviews.csv --text-column text --label-column stars

      xaikit train forest --data table.csv --out runs/my-forest --set n_estimators=500
    """
    from xaikit.models import save_model
    from xaikit.models import train as fit
    from xaikit.models.fields import MODELS

    dataset = _load(
        data,
        seed,
        text_column=text_column,
        label_column=label_column,
        test=test,
        task=task,
        size=size,
    )
    place = folder or _model_folder(dataset, model)
    MODELS.check_free(place)
    fitted = fit(
        model,
        dataset,
        epochs=epochs,
        device=device,
        seed=seed,
        balanced=balanced,
        progress=not as_json,
        **_settings(settings),
    )
    save_model(fitted, place)
    metrics = fitted.info.get("metrics", {}).get("test", {})
    if as_json:
        _print_json({"folder": str(place), "test": metrics, "id": fitted.id})
    else:
        words = ", ".join(f"{k} {v:.4g}" for k, v in metrics.items() if isinstance(v, (int, float)))
        out.print(f"saved {place} · test: {words}", highlight=False, soft_wrap=True)


@app.command()
def explain(
    data: Data,
    model: Annotated[
        str | None,
        typer.Argument(
            help="A saved model folder, hf:FOLDER of Hugging Face, package.module:factory, or a model name to train."
        ),
    ] = None,
    methods: Annotated[
        str, typer.Option("--methods", "-m", help="auto, or names with commas between.")
    ] = "auto",
    n: Annotated[
        str,
        typer.Option(
            "--n",
            "-n",
            help="How many test samples, the first of the file, or all [8; with --values all].",
        ),
    ] = "",
    draw: Draw = False,
    target: Annotated[
        str, typer.Option("--target", "-t", help="predicted, label, or a class.")
    ] = "predicted",
    features: Annotated[
        str, typer.Option(help="How samples are cut, for example patches:4 or slic:50.")
    ] = "auto",
    masker: Annotated[str, typer.Option(help="What a removed feature becomes.")] = "auto",
    background: Annotated[
        int | None,
        typer.Option(
            "--background",
            min=1,
            help="Training rows that stand in for what is removed [50 or all].",
        ),
    ] = None,
    html: Annotated[Path | None, typer.Option("--out", "-o", help="The report page.")] = None,
    run_folder: Annotated[Path | None, typer.Option("--run", help="Folder of all numbers.")] = None,
    values: Annotated[
        Path | None,
        typer.Option(
            help="Write the values of one method (.npz or .parquet) instead of a page, for any number."
        ),
    ] = None,
    metrics: Annotated[str, typer.Option(help="auto, fast or none.")] = "auto",
    budget: Annotated[
        str, typer.Option(help="Evaluations of SHAP and LIME a sample; auto: until converged.")
    ] = "auto",
    tolerance: Annotated[
        float, typer.Option(help="SHAP has converged at this share of the range of its values.")
    ] = 0.05,
    memory: Annotated[
        str | None,
        typer.Option(help="What an explanation may take beside the model, for example 512MB."),
    ] = None,
    precision: Annotated[
        str, typer.Option(help="float32, or bfloat16 where it agrees with float32.")
    ] = "float32",
    language: Annotated[str, typer.Option(help="Language of the page: en or ko.")] = "en",
    errors: Annotated[
        int,
        typer.Option(
            "--errors",
            min=0,
            help="So many of the worst errors of the test rows are shown too, and counted in no check.",
        ),
    ] = 4,
    overview: Annotated[
        bool,
        typer.Option(
            "--overview/--no-overview",
            help="Explain all test rows by one method, for what holds over all of them.",
        ),
    ] = True,
    flip: Annotated[
        bool, typer.Option("--flip", help="Say what would have changed each answer.")
    ] = False,
    immutable: Columns = None,
    increasing: Rising = None,
    decreasing: Falling = None,
    wanted: Wanted = None,
    own: Annotated[
        str | None, typer.Option("--model", help="The same as the argument MODEL.")
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option("--weights", help="A .safetensors file for the module that a factory makes."),
    ] = None,
    device: Device = "auto",
    seed: Seed = 0,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    test: TestFile = None,
    task: Task = None,
    size: Size = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Explain a model's answers with many methods and write one page that compares them.

    [bold]Examples[/bold]

      xaikit explain runs/digits-lenet --data digits

      xaikit explain lstm --data reviews --methods shap,lime,integrated_gradients --n 16

      xaikit explain runs/credit --data credit.csv --target bad --out credit.html

      xaikit explain runs/digits-lenet --data digits --methods shap,lime --budget 500 --memory 512MB

      xaikit explain runs/credit --data credit.csv --methods shap --values credit.parquet

      xaikit explain runs/credit --data credit.csv --flip --immutable age,sex --increasing income

      xaikit explain hf:models/my-bert --data reviews.csv

      xaikit explain --model nets.small:make --weights small.safetensors --data digits
    """
    from xaikit.app.brought import chosen, fitting
    from xaikit.app.lines import flip_lines, what_failed
    from xaikit.core.folders import check_free, check_page, file_name
    from xaikit.report import write_report
    from xaikit.study.flip.api import flips
    from xaikit.study.overview import worst_errors
    from xaikit.study.plan import Plan
    from xaikit.study.run import RUNS
    from xaikit.study.study import study

    ways = {"immutable": immutable, "increasing": increasing, "decreasing": decreasing}
    _require_flip(flip, values, **ways, wanted=wanted)
    if values is not None:
        check_free(values, force)
    if run_folder is not None:  # before the work
        RUNS.check_free(run_folder)
    if html is not None:
        check_page(html, force)
    name = chosen(model, own)
    asked = _known(name, device)
    given = {
        "text_column": text_column,
        "label_column": label_column,
        "test": test,
        "task": task,
        "size": size,
    }
    dataset = _load(data, seed, **{**given, **fitting(asked, data, given)})
    limits: dict[str, Any] = {
        "budget": _budget(budget),
        "tolerance": tolerance,
        "memory": _bytes(memory),
        "precision": precision,
    }
    asked = asked or _model(name, dataset, device, seed, quiet=as_json, weights=weights)
    samples = _samples(dataset, _count(n or ("all" if values else "8"), dataset), seed, draw)
    if values is not None:
        question = {"target": target, "features": features, "masker": masker}
        _explain_many(
            asked, samples, methods, question, background, limits, seed, values, force, as_json
        )
        return
    numbers = run_folder or Path("runs") / file_name(f"explain-{asked.id}")
    html = html or Path("reports") / file_name(asked.id, ".html")
    RUNS.check_free(numbers)
    check_page(html, force)
    changed: Any = "auto"
    if flip:
        plan = Plan(features=features, masker=masker, n_background=background)
        named_columns = {way: _listed(names) for way, names in ways.items()}
        shown = [*samples, *worst_errors(asked, dataset, errors, samples)]
        changed = flips(asked, shown, dataset, wanted=_wanted(wanted), plan=plan, **named_columns)
    run = study(
        asked,
        samples,
        methods=methods,
        metrics=metrics,
        target=target,
        features=features,
        masker=masker,
        n_background=background,
        seed=seed,
        drawn=seed if draw else None,
        checked=len(samples),
        data=dataset,
        progress=not as_json,
        command=_command(),
        flips=changed,
        errors=errors,
        overview=overview,
        **limits,
    )
    place = run.save(numbers)
    page = write_report(run, html, language=language, force=force)
    broken = [f for f in run.failures if f.kind == "error"]
    if as_json:
        _print_json(_summary(run, place, page))
    else:
        _print_run(run)
        for line in flip_lines(run) if flip else ():
            out.print(line, highlight=False, soft_wrap=True, markup=False)
        for failure in broken:
            err.print(
                f"{what_failed(failure)}: {failure.reason}",
                style="red",
                markup=False,
                highlight=False,
            )
        out.print(f"numbers: {place}\nreport:  {page}", highlight=False, soft_wrap=True)
    if broken:
        raise typer.Exit(1)


@app.command()
def interactions(
    model: Annotated[str, typer.Argument(help="A saved model folder, or a model name to train.")],
    data: Data,
    sample: Annotated[
        str, typer.Option("--sample", help="Id of a test sample [the first of the test rows].")
    ] = "",
    order: Annotated[int, typer.Option("--order", min=1, help="Largest sets, 2 for pairs.")] = 2,
    index: Annotated[str, typer.Option("--index", help="k-SII, SII, STII or FSII.")] = "k-SII",
    target: Annotated[
        str, typer.Option("--target", "-t", help="predicted, label, or a class.")
    ] = "predicted",
    features: Annotated[str, typer.Option(help="How samples are cut.")] = "auto",
    masker: Annotated[str, typer.Option(help="What a removed feature becomes.")] = "auto",
    budget: Annotated[str, typer.Option(help="Most evaluations.")] = "auto",
    picture: Annotated[
        Path | None, typer.Option("--out", "-o", help="The map of pairs, .html, .png or .svg.")
    ] = None,
    device: Device = "auto",
    seed: Seed = 0,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    test: TestFile = None,
    task: Task = None,
    size: Size = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Say what the features of one sample are worth together, beyond what they are worth apart.

    [bold]Examples[/bold]

      xaikit interactions runs/credit --data credit.csv

      xaikit interactions forest --data wine --sample test-3 --index FSII --out pairs.html
    """
    from xaikit.app.lines import interaction_rows
    from xaikit.core.folders import check_free
    from xaikit.study.interactions import interactions as asked_for

    if picture is not None:
        check_free(picture, force)
    dataset = _load(
        data,
        seed,
        text_column=text_column,
        label_column=label_column,
        test=test,
        task=task,
        size=size,
    )
    asked = _model(model, dataset, device, seed, quiet=as_json)
    found = asked_for(
        asked,
        _sample(dataset, sample),
        order,
        index,
        budget=_budget(budget),  # type: ignore[arg-type] # "auto" or a number
        target=target,
        features=features,
        masker=masker,
        seed=seed,
    )
    if picture is not None:
        found.save(picture, force=force)
    if as_json:
        _print_json(found.to_json())
        return
    _print_table(["together", found.unit, "±"], interaction_rows(found))
    told = f"{found.index} of {found.sample_id}: {found.estimator}, {found.evaluations} evaluations"
    out.print(f"{told}; {found.note}" if found.note else told, highlight=False, markup=False)


def _sample(dataset: Any, wanted: str) -> Any:
    """The test sample of that id, the first where none is named."""
    if not wanted:
        return dataset.take(1, None)[0]
    found = [s for s in dataset.test if s.id == wanted]
    if not found:
        some = ", ".join(s.id for s in dataset.test[:3])
        raise InvalidInput(
            f"--sample is {wanted} and no test sample has that id; they are {some}, ..."
        )
    return found[0]


@app.command()
def compare(
    data: Data,
    models: Annotated[
        str, typer.Option("--models", help="Names with commas between, the first is the baseline.")
    ] = "auto",
    html: Annotated[Path | None, typer.Option("--out", "-o", help="The page.")] = None,
    n: Annotated[
        int,
        typer.Option("--n", "-n", min=2, help="Samples to explain: the first N of the test rows."),
    ] = 24,
    draw: Draw = False,
    balanced: Balanced = False,
    device: Device = "auto",
    seed: Seed = 0,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    test: TestFile = None,
    task: Task = None,
    size: Size = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Compare machine learning with deep learning: accuracy, calibration, cost, and what they look at.

    [bold]Examples[/bold]

      xaikit compare --data breast_cancer

      xaikit compare --data adult.csv --models boosting,mlp --out adult.html
    """
    from xaikit.core.folders import check_page, file_name
    from xaikit.report import write_comparison
    from xaikit.study.compare import compare as contrast

    dataset = _load(
        data,
        seed,
        text_column=text_column,
        label_column=label_column,
        test=test,
        task=task,
        size=size,
    )
    html = html or Path("reports") / file_name(f"compare-{dataset.name}", ".html")
    check_page(html, force)
    _samples(dataset, n, seed, draw)
    found = contrast(
        dataset,
        models=models,
        n=n,
        seed=seed,
        device=device,
        balanced=balanced,
        draw=draw,
        progress=not as_json,
    )
    page = write_comparison(found, html, force=force)
    if as_json:
        _print_json({"page": str(page), **found})
    else:
        out.print(f"report: {page}", highlight=False, soft_wrap=True)


@app.command()
def report(
    run: Annotated[Path, typer.Argument(help="A run folder that `xaikit explain` wrote.")],
    html: Annotated[Path | None, typer.Option("--out", "-o", help="The page.")] = None,
    language: Annotated[str, typer.Option(help="Language of the page: en or ko.")] = "en",
    force: Force = False,
) -> None:
    """Write the page again from a saved run; needs no model and no torch.

    [bold]Example[/bold]

      xaikit report runs/explain-digits-lenet --out digits.html --language ko
    """
    from xaikit.core.folders import file_name
    from xaikit.report import write_report
    from xaikit.study.run import Run

    html = html or Path("reports") / file_name(run.resolve().name, ".html")
    page = write_report(Run.load(run), html, language=language, force=force)
    out.print(f"report: {page}", highlight=False, soft_wrap=True)


@app.command("list")
def list_(
    what: Annotated[
        str, typer.Argument(help="methods, metrics, modalities, tasks, models or datasets.")
    ],
    model: Annotated[
        str | None,
        typer.Option("--model", help="A saved model folder: which methods apply, and why not."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List what there is; with --model, which methods apply to it and the reason for every no.

    [bold]Examples[/bold]

      xaikit list methods

      xaikit list methods --model runs/digits-lenet

      xaikit list models --json
    """
    from xaikit.app.listing import listing

    columns, rows = listing(what, model)
    if as_json:
        _print_json([dict(zip(columns, row, strict=True)) for row in rows])
        return
    _print_table(columns, rows)


@app.command()
def demo(
    folder: Annotated[Path, typer.Option("--out", "-o", help="Folder of the pages.")] = Path(
        "reports"
    ),
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Train the demo models and write reports/index.html with one report for each kind of data.

    [bold]Example[/bold]

      xaikit demo
    """
    from xaikit.app.demo import run_demo

    index = run_demo(folder, seed=seed, force=force)
    out.print(f"open {index.resolve()}", highlight=False, soft_wrap=True)


@app.command()
def doctor(
    truth: Annotated[
        bool, typer.Option("--truth", help="Which methods find what was planted?")
    ] = False,
    model: Annotated[
        Path | None,
        typer.Option("--model", help="A saved model folder: are its scores its own?"),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Versions only, at once.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check this machine: versions, device, and a known answer from every method; or a saved model.

    [bold]Examples[/bold]

      xaikit doctor

      xaikit doctor --quick

      xaikit doctor --truth

      xaikit doctor --model runs/digits-lenet
    """
    from xaikit.app.machine import facts

    if quick and (truth or model is not None):
        raise InvalidInput("--quick checks nothing; leave out --truth and --model.")
    columns, rows = ([], []) if quick else _checks(truth, model)
    known = facts(quick=quick)
    if as_json:
        _print_json({"facts": known, "checks": [dict(zip(columns, r, strict=True)) for r in rows]})
    else:
        for name, value in known.items():
            out.print(f"{name}: {value}", highlight=False)
        if rows:
            _print_table(columns, rows)
    if not truth and any(row[1] == "wrong" for row in rows):
        raise typer.Exit(1)


def _checks(truth: bool, model: Path | None) -> tuple[list[str], list[list[str]]]:
    from xaikit.app.doctor import check_methods, check_model, check_truth

    if model is not None:
        return check_model(model)
    return check_truth() if truth else check_methods()


def _load(data: str, seed: int, **options: Any) -> Any:
    from xaikit.data import load_data

    given = {name: value for name, value in options.items() if value is not None}
    return load_data(data, seed=seed, **given)


def _known(name: str, device: str) -> Any:
    """A model that says how its data are read; None for others."""
    from xaikit.app.brought import HUGGINGFACE

    if not name.startswith(HUGGINGFACE):
        return None
    from xaikit.models import load_model

    return load_model(name, device=device)


def _model(
    name: str, dataset: Any, device: str, seed: int, quiet: bool, weights: Path | None = None
) -> Any:
    from xaikit.app.brought import is_factory, made
    from xaikit.models import load_model, save_model, train
    from xaikit.models.fields import MODELS

    if is_factory(name):
        return made(name, weights, dataset, device)
    if weights is not None:
        raise InvalidInput(f"--weights {weights} belongs to a factory; name one as --model.")
    if os.path.isdir(name):
        return load_model(name, device=device)
    if "/" in name:
        raise InvalidInput(f"no model folder '{name}'; train one with `xaikit train`.")
    place = _model_folder(dataset, name)
    MODELS.check_free(place)
    fitted = train(name, dataset, device=device, seed=seed, progress=not quiet)
    save_model(fitted, place)
    return fitted


def _explain_many(
    model: Any,
    samples: Any,
    method: str,
    question: dict[str, Any],
    background: int | None,
    limits: dict[str, Any],
    seed: int,
    place: Path,
    force: bool,
    as_json: bool,
) -> None:
    """Values only, into one file."""
    from xaikit.study.bulk import explain_many
    from xaikit.study.plan import Plan, choose_methods

    name = "shap" if method == "auto" else method
    kept = {k: limits.pop(k) for k in ("memory", "precision")}
    chosen, refused = choose_methods(model, name, **limits)
    if refused or len(chosen) != 1:
        raise InvalidInput(
            refused[0].reason
            if refused
            else f"--values takes one method and --methods is {method}."
        )
    plan = Plan(n_background=background, **question, **kept)
    found = explain_many(model, samples, chosen[0], plan=plan, seed=seed, progress=not as_json)
    found.save(place, force)
    if as_json:
        _print_json({"values": str(place), "method": name, "n": len(found)})
        return
    estimator = f" ({found[0].note})" if found[0].note else ""
    out.print(
        f"values: {place} · {len(found)} samples x {found.values.shape[1]} features by {name}{estimator}",
        highlight=False,
        soft_wrap=True,
        markup=False,
    )


def _count(text: str, dataset: Any) -> int:
    """How many samples: a number, or "all" of the test rows."""
    if text == "all":
        return max(1, len(dataset.test))
    if not text.isdigit() or int(text) < 1:
        raise InvalidInput(f"--n is {text}; give a whole number of 1 or more, or all.")
    return int(text)


def _samples(dataset: Any, n: int, seed: int, draw: bool) -> Any:
    from xaikit.app.lines import one_class

    samples = dataset.take(n, seed if draw else None)
    if warning := one_class(dataset, samples):
        err.print(warning, markup=False, highlight=False, soft_wrap=True)
    return samples


def _model_folder(dataset: Any, model: str) -> Path:
    """Where a model is saved that no place was named for."""
    from xaikit.core.folders import file_name

    return Path("runs") / file_name(f"{dataset.name}-{model}")


def _budget(text: str) -> int | str:
    if text == "auto":
        return text
    if not text.isdigit() or int(text) < 4:
        raise InvalidInput(f"--budget is {text}; give auto or a whole number of 4 or more.")
    return int(text)


def _bytes(text: str | None) -> int | None:
    """512MB, 2GB or a plain number of bytes."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMG]?)i?B?", text.strip(), re.IGNORECASE)
    if not found or float(found[1]) == 0:
        raise InvalidInput(f"--memory is {text}; write for example 512MB or 2GB.")
    return int(float(found[1]) * 1024 ** " KMG".index(found[2].upper() or " "))


def _require_flip(flip: bool, values: Path | None, **given: str | None) -> None:
    if flip and values is not None:
        raise InvalidInput(f"--values {values} writes numbers only; leave out --flip, or --values.")
    for name, value in given.items():
        if value is not None and not flip:
            raise InvalidInput(f"--{name} is {value} and belongs to --flip; add --flip.")


def _listed(names: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in (names or "").split(",") if name.strip())


def _wanted(text: str | None) -> Any:
    """A range, a number or a class."""
    found = re.fullmatch(r"(-?[\d.]*):(-?[\d.]*)", text or "")
    try:
        if found:
            return tuple(float(end) if end else None for end in found.groups())
        return None if text is None else float(text)
    except ValueError:
        return text


def _settings(pairs: list[str] | None) -> dict[str, Any]:
    """key=value pairs with numbers and booleans read as such."""
    found: dict[str, Any] = {}
    for pair in pairs or ():
        key, equals, text = pair.partition("=")
        if not equals or not key:
            raise InvalidInput(
                f"--set {pair} is not key=value; write for example --set dropout=0.2."
            )
        try:
            found[key] = json.loads(text)
        except ValueError:
            found[key] = text
    return found


def _summary(run: Any, place: Path, page: Path) -> dict[str, Any]:
    from xaikit.judge.verdict import verdicts

    return {
        "run": str(place),
        "report": str(page),
        "verdicts": [
            {"method": v.method, "status": v.status, "reason": v.reason} for v in verdicts(run)
        ],
        "explanations": [
            {"sample": e.sample_id, "method": e.method, "top": e.top(5), "residual": e.residual}
            for e in run.explanations
        ],
        "quality": run.context["model"]["quality"],
        "flips": run.context.get("flips"),
        "failures": [vars(f) for f in run.failures],
    }


def _print_run(run: Any) -> None:
    from xaikit.app.lines import quality_line
    from xaikit.judge.verdict import verdicts

    if note := run.context["model"]["info"].get("outputs_note"):
        out.print(f"{run.context['model']['id']}: {note}", highlight=False, markup=False)
    titles = {name: card["title"] for name, card in run.context["methods"].items()}
    rows = [
        [titles.get(v.method, v.method), v.status.replace("_", " "), v.reason]
        for v in verdicts(run)
    ]
    _print_table(["method", "verdict", "why"], rows)
    if quality := quality_line(run):
        out.print(f"quality: {quality}", highlight=False, soft_wrap=True, markup=False)


def _print_table(columns: list[str], rows: list[list[str]]) -> None:
    table = Table(box=None, pad_edge=False, show_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(str(cell).replace("[", r"\[") for cell in row))
    out.print(table)


def _print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")


def _command() -> str:
    import shlex

    return "xaikit " + shlex.join(sys.argv[1:])
