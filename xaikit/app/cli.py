"""The command line: it parses, calls and prints; no number is computed here."""

from __future__ import annotations

import os
import shlex
import sys
import warnings
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from xaikit import __version__
from xaikit.app import options
from xaikit.app.compressing import compress
from xaikit.app.process import settle
from xaikit.app.terminal import complain, print_json, print_table, say, show_page, tell
from xaikit.core.errors import InvalidInput, XaikitError

__all__ = ["app", "main"]

USUAL = ("utf-8", "comma")  # of which nothing is said

app = typer.Typer(
    name="xaikit",
    help="Ask every explanation method the same question, and see which answer can be believed.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> NoReturn:
    """Run the command line; a user's mistake is one line on stderr and exit code 2."""
    settle()
    warnings.showwarning = tell
    try:
        app()
    except XaikitError as error:
        said = " ".join(str(error).split())  # one line, whatever a name in it holds
        complain(f"xaikit: {said}", "red")
        sys.exit(2)
    sys.exit(0)


def _version(wanted: bool) -> None:
    if wanted:
        say(f"xaikit {__version__}")
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
    data: options.Data,
    folder: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder of the model [runs/DATA-MODEL].")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training data.")] = None,
    device: options.Device = "auto",
    seed: options.Seed = 0,
    balanced: options.Balanced = False,
    settings: options.Settings = None,
    start: options.From = None,
    freeze: options.Freeze = False,
    teacher: options.TeacherModel = None,
    temperature: options.Temperature = None,
    trials: options.Trials = None,
    text_column: options.TextColumn = None,
    label_column: options.LabelColumn = None,
    test: options.TestFile = None,
    task: options.Task = None,
    size: options.Size = None,
    columns: options.OnlyColumns = None,
    drop: options.Drop = None,
    missing: options.Missing = None,
    encoding: options.Encoding = None,
    decimal: options.Decimal = None,
    group: options.Group = None,
    names: options.FileNames = None,
    horizon: options.Horizon = None,
    lags: options.Lags = 96,
    as_json: options.AsJson = False,
) -> None:
    """Train a model and save it as a folder.

    [bold]Examples[/bold]

      xaikit train lenet --data digits

      xaikit train lstm --data reviews.csv --text-column text --label-column stars

      xaikit train forest --data table.csv --out runs/my-forest --set n_estimators=500

      xaikit train patch_transformer --data ETTh1.csv --horizon 24 --lags 96

      xaikit train logmel_cnn --data recordings --names "{label}_{speaker}_{take}" --group speaker

      xaikit train lenet --data letters.npz --from runs/digits-lenet --freeze

      xaikit train lenet --data digits --set width=4 --teacher runs/digits-lenet --out runs/student

      xaikit train mlp --data wine --tune 20
    """
    from xaikit.app.training import fitted_by, remedies, results, tuning_told
    from xaikit.models import save_model
    from xaikit.models.fields import MODELS

    read = {
        "text_column": text_column,
        "label_column": label_column,
        "group": group,
        "names": names,
    }
    read |= _columns(columns, drop, missing, encoding, decimal) | _ahead(horizon, lags)
    dataset = _load(data, seed, **read, test=test, task=task, size=size)
    place = folder or _model_folder(dataset, model)
    MODELS.check_free(place)
    fitted = fitted_by(trials)(
        model,
        dataset,
        epochs=epochs,
        device=device,
        seed=seed,
        balanced=balanced,
        progress=not as_json,
        **remedies(start, freeze, teacher, temperature, device),
        **options.settings_of(settings),
    )
    save_model(fitted, place)
    metrics = fitted.info.get("metrics", {}).get("test", {})
    if as_json:
        told = {"folder": str(place), "test": metrics, "id": fitted.id}
        print_json(told | {k: v for k, v in fitted.info.items() if k == "tuning"})
    else:
        for line in tuning_told(fitted.info):
            say(line)
        held = dataset.facts.get("group")
        on = f" on {held['name']} {', '.join(held['test'])}, never learned from" if held else ""
        say(f"saved {place} · test{on}: {results(metrics)}")


app.command()(compress)


@app.command()
def explain(
    data: options.Data,
    model: options.AnyModel = None,
    methods: options.Methods = "auto",
    n: options.Count = "",
    draw: options.Draw = False,
    target: options.Target = "predicted",
    features: options.Features = "auto",
    groups: options.Groups = None,
    masker: options.Masker = "auto",
    background: options.Background = None,
    pairs: options.Pairs = 0,
    html: options.Page = None,
    run_folder: options.Numbers = None,
    values: options.Values = None,
    metrics: options.Metrics = "auto",
    budget: options.Budget = "auto",
    tolerance: options.Tolerance = 0.05,
    memory: options.Memory = None,
    precision: options.Precision = "float32",
    at: options.At = None,
    errors: options.Errors = 4,
    overview: options.Overview = None,
    language: options.Language = "en",
    reader: options.Reader = "expert",
    show: options.Open = False,
    flip: options.Flip = False,
    immutable: options.Columns = None,
    increasing: options.Rising = None,
    decreasing: options.Falling = None,
    wanted: options.Wanted = None,
    own: options.OwnModel = None,
    weights: options.Weights = None,
    torch_load: options.TorchLoad = False,
    device: options.Device = "auto",
    seed: options.Seed = 0,
    text_column: options.TextColumn = None,
    label_column: options.LabelColumn = None,
    test: options.TestFile = None,
    task: options.Task = None,
    size: options.Size = None,
    columns: options.OnlyColumns = None,
    drop: options.Drop = None,
    missing: options.Missing = None,
    encoding: options.Encoding = None,
    decimal: options.Decimal = None,
    group: options.Group = None,
    names: options.FileNames = None,
    horizon: options.Horizon = None,
    lags: options.Lags = 96,
    force: options.Force = False,
    as_json: options.AsJson = False,
) -> None:
    """Explain a model's answers with many methods and write one page that compares them.

    [bold]Examples[/bold]

      xaikit explain runs/digits-lenet --data digits --open

      xaikit explain lstm --data reviews --methods shap,lime,integrated_gradients --n 16

      xaikit explain runs/credit --data credit.csv --target bad --out credit.html

      xaikit explain runs/digits-lenet --data digits --methods shap,lime --budget 500 --memory 512MB

      xaikit explain runs/credit --data credit.csv --methods shap --values credit.parquet

      xaikit explain runs/credit --data credit.csv --groups "money=income,debt; home=rooms,rent" --interactions 2

      xaikit explain runs/digits-lenet --data digits --methods gradcam:layer=0,occlusion:window=4:stride=2

      xaikit explain runs/credit --data credit.csv --flip --immutable age,sex --increasing income

      xaikit explain hf:models/my-bert --data reviews.csv

      xaikit explain runs/seed0,runs/seed1,runs/seed2 --data digits

      xaikit explain --model nets.small:make --weights small.safetensors --data digits
    """
    from xaikit.app import explaining
    from xaikit.app.brought import chosen, fitting

    ways = {"immutable": immutable, "increasing": increasing, "decreasing": decreasing}
    options.require_flip(flip, values, **ways, wanted=wanted)
    person = options.for_person(reader)
    explaining.check_places(values, run_folder, html, force)
    given: dict[str, Any] = {"text_column": text_column, "label_column": label_column}
    given |= {"test": test, "task": task, "size": size, "group": group, "names": names}
    given |= _columns(columns, drop, missing, encoding, decimal) | _ahead(horizon, lags)
    name = chosen(model, own)
    asked = _known(name, device, weights)
    dataset = _load(data, seed, **{**given, **fitting(asked, data, given)})
    limits: dict[str, Any] = {
        "budget": options.budget_of(budget),
        "tolerance": tolerance,
        "memory": options.bytes_of(memory),
        "precision": precision,
    }
    cut = options.features_of(features, groups)
    question: dict[str, Any] = {"target": target, "features": cut, "masker": masker}
    question |= {"n_background": background, "at": options.place_of(at)}
    asked = asked or _model(
        name, dataset, device, seed, quiet=as_json, weights=weights, torch_load=torch_load
    )
    _same_group(asked, dataset)
    many = n or ("all" if values else "16")
    samples = _samples(dataset, options.count_of(many, dataset), seed, draw)
    if values is not None:
        explaining.to_file(
            asked, samples, methods, question, limits, seed, values, force=force, as_json=as_json
        )
        return
    places = explaining.places_of(asked, run_folder, html, force)
    changed: Any = "auto"
    if flip:
        named = {way: options.listed(names) for way, names in ways.items()}
        shown = explaining.with_errors(asked, samples, dataset, errors)
        changed = explaining.changes(
            asked, shown, dataset, question, wanted=options.wanted_of(wanted), **named
        )
    run = explaining.studied(
        asked,
        samples,
        methods=methods,
        metrics=metrics,
        seed=seed,
        drawn=seed if draw else None,
        checked=len(samples),
        data=dataset,
        progress=not as_json,
        flips=changed,
        errors=errors,
        overview=True if overview is None else overview,
        interactions=pairs,
        **question,
        **limits,
    )
    broken = explaining.written(
        run, *places, language, flip=flip, person=person, show=show, force=force, as_json=as_json
    )
    if broken:
        raise typer.Exit(1)


@app.command()
def interactions(
    model: Annotated[str, typer.Argument(help="A saved model folder, or a model name to train.")],
    data: options.Data,
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
    device: options.Device = "auto",
    seed: options.Seed = 0,
    text_column: options.TextColumn = None,
    label_column: options.LabelColumn = None,
    test: options.TestFile = None,
    task: options.Task = None,
    size: options.Size = None,
    columns: options.OnlyColumns = None,
    drop: options.Drop = None,
    missing: options.Missing = None,
    encoding: options.Encoding = None,
    decimal: options.Decimal = None,
    force: options.Force = False,
    as_json: options.AsJson = False,
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
    read = {"text_column": text_column, "label_column": label_column}
    read |= _columns(columns, drop, missing, encoding, decimal)
    dataset = _load(data, seed, **read, test=test, task=task, size=size)
    asked = _model(model, dataset, device, seed, quiet=as_json)
    found = asked_for(
        asked,
        _sample(dataset, sample),
        order,
        index,
        budget=options.budget_of(budget),  # type: ignore[arg-type] # "auto" or a number
        target=target,
        features=features,
        masker=masker,
        seed=seed,
    )
    if picture is not None:
        found.save(picture, force=force)
    if as_json:
        print_json(found.to_json())
        return
    print_table(["together", found.unit, "±"], interaction_rows(found))
    told = f"{found.index} of {found.sample_id}: {found.estimator}, {found.evaluations} evaluations"
    say(f"{told}; {found.note}" if found.note else told)


@app.command()
def layers(
    data: options.Data,
    model: options.AnyModel = None,
    names: Annotated[
        str,
        typer.Option("--layers", help="Names of modules, commas between [five over the depth]."),
    ] = "",
    channels: Annotated[
        int, typer.Option("--channels", min=1, help="Of each layer, those answers lean on most.")
    ] = 6,
    html: options.Page = None,
    language: options.Language = "en",
    show: options.Open = False,
    own: options.OwnModel = None,
    weights: options.Weights = None,
    device: options.Device = "auto",
    seed: options.Seed = 0,
    label_column: options.LabelColumn = None,
    test: options.TestFile = None,
    size: options.Size = None,
    force: options.Force = False,
    as_json: options.AsJson = False,
) -> None:
    """Show what each layer of an image net reacts to, from edge to object, and how well classes can be told there.

    [bold]Examples[/bold]

      xaikit layers runs/digits-lenet --data digits --open

      xaikit layers runs/digits-resnet_small --data digits --layers stem.2,stages.1 --channels 8
    """
    from xaikit.app.brought import chosen, fitting
    from xaikit.app.layering import check, looked_at

    place = check(html, model or own, force)
    name, read = chosen(model, own), {"label_column": label_column, "test": test, "size": size}
    asked = _known(name, device, weights)
    dataset = _load(data, seed, **{**read, **fitting(asked, data, read)})
    asked = asked or _model(name, dataset, device, seed, quiet=as_json, weights=weights)
    looked_at(
        asked, dataset, place, options.listed(names), channels, seed, language,
        show=show, force=force, as_json=as_json,
    )  # fmt: skip


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
    data: options.Data,
    models: Annotated[
        str,
        typer.Option(
            "--models", help="Names, commas between; the second is held against the first."
        ),
    ] = "auto",
    html: options.Page = None,
    n: Annotated[
        int,
        typer.Option(
            "--n", "-n", callback=options.several, help="Held-out samples to explain, 0 for none."
        ),
    ] = 24,
    draw: options.Draw = False,
    rope: Annotated[
        float, typer.Option("--rope", help="Points that are too small to matter.", min=0.0)
    ] = 1.0,
    full: Annotated[
        bool | None,
        typer.Option("--full/--quick", help="50 folds while undecided, or 10 [tables: full]."),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option("--minutes", help="Time that it may take; go on by asking again."),
    ] = None,
    trials: Annotated[
        int, typer.Option("--trials", min=0, help="Trials of tuning for every model in every fold.")
    ] = 0,
    tune_seconds: Annotated[
        float,
        typer.Option("--tune-seconds", min=0, help="Or seconds of tuning, equal for every model."),
    ] = 0.0,
    curves: Annotated[
        bool | None,
        typer.Option("--curves/--no-curves", help="Learn from fewer rows too [small tables]."),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(
            "--group",
            help="A group stays on one side: a column, what is noted of recordings, or a CSV of id and group.",
        ),
    ] = None,
    in_time: Annotated[
        bool, typer.Option("--in-time", help="Rows stand in the order of time.")
    ] = False,
    balanced: options.Balanced = False,
    device: options.Device = "auto",
    seed: options.Seed = 0,
    text_column: options.TextColumn = None,
    label_column: options.LabelColumn = None,
    test: options.TestFile = None,
    task: options.Task = None,
    size: options.Size = None,
    columns: options.OnlyColumns = None,
    drop: options.Drop = None,
    missing: options.Missing = None,
    encoding: options.Encoding = None,
    decimal: options.Decimal = None,
    names: options.FileNames = None,
    language: options.Language = "en",
    force: options.Force = False,
    as_json: options.AsJson = False,
) -> None:
    """Compare machine learning with deep learning: does it pay on this data, and do both look at the same?

    All rows are held out in folds, the same for every model; finished fits are kept beside the page.

    [bold]Examples[/bold]

      xaikit compare --data breast_cancer

      xaikit compare --data adult.csv --models boosting,mlp --out adult.html
    """
    from xaikit.core.folders import check_page, file_name
    from xaikit.data import DATASETS
    from xaikit.report import write_comparison
    from xaikit.study.compare import compare as contrast

    read = {"text_column": text_column, "label_column": label_column, "names": names}
    read |= _columns(columns, drop, missing, encoding, decimal)
    if group and not group.endswith(".csv") and data not in DATASETS:
        read["noted"] = group
    dataset = _load(data, seed, **read, test=test, task=task, size=size)
    html = html or Path("reports") / file_name(f"compare-{dataset.name}", ".html")
    check_page(html, force)
    found = contrast(
        dataset,
        models=models,
        n=n,
        seed=seed,
        device=device,
        learning=curves,
        balanced=balanced,
        draw=draw,
        progress=not as_json,
        rope=rope,
        minutes=minutes,
        full=full,
        trials=trials,
        tune_seconds=tune_seconds,
        group=group,
        in_time=in_time,
        store=html.with_suffix(".fits"),
    )
    found["command"] = (
        f"xaikit {' '.join(map(shlex.quote, sys.argv[1:]))}" if sys.argv[1:2] == ["compare"] else ""
    )
    page = write_comparison(found, html, language, force=force)
    if as_json:
        print_json({"page": str(page), **found})
    else:
        say(f"report: {page}")


@app.command()
def report(
    run: Annotated[Path, typer.Argument(help="A run folder that `xaikit explain` wrote.")],
    html: options.Page = None,
    language: options.Language = "en",
    reader: options.Reader = "expert",
    sample: Annotated[
        str, typer.Option("--sample", help="With --reader person: the sheet of this sample alone.")
    ] = "",
    show: options.Open = False,
    force: options.Force = False,
) -> None:
    """Write the page again from a saved run; needs no model and no torch.

    [bold]Examples[/bold]

      xaikit report runs/explain-digits-lenet --out digits.html --language ko

      xaikit report runs/explain-credit --reader person --sample row-12 --out letter.html
    """
    from xaikit.core.folders import file_name
    from xaikit.report import write_letters, write_report
    from xaikit.study.run import Run

    person = options.for_person(reader)
    if sample and not person:
        raise InvalidInput(f"--sample is {sample} and belongs to --reader person; add it.")
    name = run.resolve().name + ("-person" if person else "")
    html = html or Path("reports") / file_name(name, ".html")
    if person:
        page = write_letters(Run.load(run), html, language, sample=sample, force=force)
    else:
        page = write_report(Run.load(run), html, language=language, force=force)
    say(f"report: {page}")
    if show:
        show_page(page)


@app.command()
def index(
    runs: Annotated[list[Path], typer.Argument(help="Run folders that `xaikit explain` wrote.")],
    html: options.Page = None,
    language: options.Language = "en",
    show: options.Open = False,
    force: options.Force = False,
) -> None:
    """Write a page for each run and one that shows them side by side, most errors first.

    [bold]Example[/bold]

      xaikit index runs/explain-digits-lenet runs/explain-wine-forest --out reports/index.html
    """
    from xaikit.core.folders import check_page, file_name
    from xaikit.report import write_index, write_report

    html = html or Path("reports") / "index.html"
    places = [html.parent / file_name(run.resolve().name, ".html") for run in runs]
    for place in [*places, html]:
        check_page(place, force)
    entries = []
    for run, place in zip(runs, places, strict=True):
        write_report(run, place, language=language, force=force)
        entries.append({"run": run, "href": place.name})
    page = write_index(entries, html, language, force=force)
    say(f"page: {page}")
    if show:
        show_page(page)


@app.command()
def diff(
    run_a: Annotated[Path, typer.Argument(help="A run folder that `xaikit explain` wrote.")],
    run_b: Annotated[Path, typer.Argument(help="Another, of the same samples.")],
    floor: Annotated[
        Path | None,
        typer.Option("--floor", help="A run of another seed of the first model's recipe."),
    ] = None,
    untrained: Annotated[
        Path | None,
        typer.Option("--untrained", help="A run of an untrained net (xaikit train --epochs 0)."),
    ] = None,
    html: options.Page = None,
    language: options.Language = "en",
    show: options.Open = False,
    force: options.Force = False,
    as_json: options.AsJson = False,
) -> None:
    """Compare two models, or two versions of one, on the same samples: other answers, other reasons.

    [bold]Examples[/bold]

      xaikit diff runs/explain-digits-lenet runs/explain-digits-resnet_small

      xaikit diff runs/old runs/new --out diff.html --language ko

      xaikit diff runs/explain-net runs/explain-net-int8 --floor runs/explain-seed1 --untrained runs/explain-fresh
    """
    from xaikit.app.lines import names_of
    from xaikit.core.folders import check_page, file_name
    from xaikit.report import write_diff
    from xaikit.report.diff_page import diff_lines, diff_rows
    from xaikit.study.difference import difference
    from xaikit.study.run import Run

    html = html or Path("reports") / file_name(f"{run_a.name}-{run_b.name}", ".html")
    check_page(html, force)
    a, b = Run.load(run_a), Run.load(run_b)
    beside = {"seed": floor, "untrained": untrained}
    floors = {kind: Run.load(run) for kind, run in beside.items() if run is not None}
    found = difference(a, b, names_of(a, b, run_a, run_b), floors)
    page = write_diff(a, b, html, language, found=found, force=force)
    if as_json:
        print_json({"page": str(page), **found.facts()})
    else:
        for line in diff_lines(found, a, b):
            say(line)
        print_table(*diff_rows(found, a, b))
        say(f"page: {page}")
    if show:
        show_page(page)


@app.command()
def verdict(
    run: Annotated[Path, typer.Argument(help="A run folder that `xaikit explain` wrote.")],
    as_json: options.AsJson = False,
) -> None:
    """Say of each method whether to use it, and why: every check of a saved run.

    [bold]Example[/bold]

      xaikit verdict runs/explain-digits-lenet
    """
    from xaikit.app.lines import check_rows
    from xaikit.study.run import Run

    columns = ["method", "verdict", "why"]
    rows = check_rows(Run.load(run))
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
        return
    print_table(columns, rows)


@app.command("list")
def list_(
    what: Annotated[
        str, typer.Argument(help="methods, metrics, modalities, tasks, models or datasets.")
    ],
    model: Annotated[
        str | None,
        typer.Option("--model", help="A saved model folder: which methods apply, and why not."),
    ] = None,
    as_json: options.AsJson = False,
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
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
        return
    print_table(columns, rows)


@app.command()
def demo(
    folder: Annotated[Path, typer.Option("--out", "-o", help="Folder of the pages.")] = Path(
        "reports"
    ),
    every: Annotated[
        bool, typer.Option("--all", help="One for each task too, which takes longer.")
    ] = False,
    seed: options.Seed = 0,
    force: options.Force = False,
) -> None:
    """Train the demo models and write reports/index.html with one report for each kind of data.

    [bold]Examples[/bold]

      xaikit demo

      xaikit demo --all
    """
    from xaikit.app.demo import DEMOS, OTHERS, run_demo

    demos = (*DEMOS, *OTHERS) if every else DEMOS
    index = run_demo(folder, seed=seed, demos=demos, force=force)
    say(f"open {index.resolve()}")


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
    as_json: options.AsJson = False,
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
        print_json({"facts": known, "checks": [dict(zip(columns, r, strict=True)) for r in rows]})
    else:
        for name, value in known.items():
            say(f"{name}: {value}")
        if rows:
            print_table(columns, rows)
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
    dataset = load_data(data, seed=seed, **given)
    form = tuple(dataset.facts.get("form", ()))
    if len(form) > 1 and form != USUAL:
        complain(f"'{dataset.source}' is read as {', '.join(form)}")
    return dataset


def _same_group(model: Any, dataset: Any) -> None:
    """Says so where a model kept groups of the same data apart and these rows are split otherwise."""
    held = model.info.get("group")
    if held and model.info.get("data") == dataset.name and dataset.facts.get("group") != held:
        complain(
            f"'{model.id}' never learned from {held['name']} {', '.join(held['test'])}, and these test rows are "
            f"others; give --group {held['name']} and the seed that it was trained with."
        )


def _ahead(horizon: int | None, lags: int) -> dict[str, Any]:
    return {} if horizon is None else {"horizon": horizon, "lags": lags}


def _columns(
    columns: str | None,
    drop: str | None,
    missing: str | None,
    encoding: str | None,
    decimal: str | None,
) -> dict[str, Any]:
    """What is read of a file of columns, and how."""
    named = {"columns": columns, "drop": drop}
    listed = {name: options.listed(held) for name, held in named.items() if held is not None}
    return {**listed, "missing": missing, "encoding": encoding, "decimal": decimal}


def _known(name: str, device: str, weights: Path | None) -> Any:
    """A model that says how its data are read; None for others."""
    from xaikit.app.brought import HUGGINGFACE

    if weights is not None or not (name.startswith(HUGGINGFACE) or os.path.isdir(name)):
        return None
    from xaikit.models import load_model

    return load_model(name, device=device)


def _model(
    name: str,
    dataset: Any,
    device: str,
    seed: int,
    quiet: bool,
    weights: Path | None = None,
    torch_load: bool = False,
) -> Any:
    from xaikit.app.brought import HUGGINGFACE, is_factory, made
    from xaikit.models import load_model, save_model, train
    from xaikit.models.fields import MODELS

    if "," in name:
        from xaikit.models import ensemble

        each = (one.strip() for one in name.split(","))
        return ensemble([_model(one, dataset, device, seed, quiet) for one in each])
    if is_factory(name):
        return made(name, weights, dataset, device, torch_load)
    if weights is not None:
        raise InvalidInput(f"--weights {weights} belongs to a factory; name one as --model.")
    if os.path.isdir(name) or name.startswith(HUGGINGFACE):
        return load_model(name, device=device)
    if name.lower().endswith(".onnx"):
        return _graph(name, dataset)
    if "/" in name:
        raise InvalidInput(f"no model folder '{name}'; train one with `xaikit train`.")
    place = _model_folder(dataset, name)
    MODELS.check_free(place)
    fitted = train(name, dataset, device=device, seed=seed, progress=not quiet)
    save_model(fitted, place)
    return fitted


def _graph(path: str, dataset: Any) -> Any:
    """The model in an .onnx file, which reads what the data hold."""
    from xaikit.modalities import background
    from xaikit.models import load_model

    return load_model(
        path,
        modality=dataset.modality,
        classes=dataset.classes,
        background=background(dataset),
        sample=dataset.test[0].x,
    )


def _samples(dataset: Any, n: int, seed: int, draw: bool) -> Any:
    from xaikit.app.lines import one_class

    samples = dataset.take(n, seed if draw else None)
    if warning := one_class(dataset, samples):
        complain(warning)
    return samples


def _model_folder(dataset: Any, model: str) -> Path:
    """Where a model is saved that no place was named for."""
    from xaikit.core.folders import file_name

    return Path("runs") / file_name(f"{dataset.name}-{model}")
