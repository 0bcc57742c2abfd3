"""The options of the commands, and what is read from their words."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from xaikit.core.errors import InvalidInput

__all__ = [
    "budget_of",
    "bytes_of",
    "count_of",
    "features_of",
    "for_person",
    "listed",
    "require_flip",
    "settings_of",
    "several",
    "wanted_of",
]

ASKED, DATA, WORK, FLIP, WRITTEN = (
    "What is asked", "Which data", "How much work", "What would have changed the answer", "What is written",
)  # fmt: skip

Data = Annotated[
    str,
    typer.Option(
        "--data",
        "-d",
        help="A built-in data set, a file (.csv, .jsonl, .parquet, .npz, .ts, .arff), or a folder or archive of "
        "images or recordings.",
        rich_help_panel=DATA,
    ),
]
TextColumn = Annotated[
    str | None,
    typer.Option(
        "--text-column",
        help="Column that holds the text; two of a pair as first,second.",
        rich_help_panel=DATA,
    ),
]
LabelColumn = Annotated[
    str | None,
    typer.Option(
        "--label-column", help="Column to predict [label, or the last].", rich_help_panel=DATA
    ),
]
TestFile = Annotated[
    Path | None,
    typer.Option("--test", help="A file of test rows, kept out of training.", rich_help_panel=DATA),
]
Task = Annotated[
    str | None,
    typer.Option(
        "--task",
        help="classification, regression, detection, segmentation, recommendation, sequence_to_sequence or generation; found out by default.",
        rich_help_panel=DATA,
    ),
]
OnlyColumns = Annotated[
    str | None,
    typer.Option("--columns", help="Columns to read, commas between [all].", rich_help_panel=DATA),
]
Drop = Annotated[
    str | None,
    typer.Option("--drop", help="Columns to leave out, commas between.", rich_help_panel=DATA),
]
Missing = Annotated[
    str | None,
    typer.Option(
        "--missing",
        help="Rows with empty cells: refuse, drop or keep them [refuse].",
        rich_help_panel=DATA,
    ),
]
Encoding = Annotated[
    str | None,
    typer.Option("--encoding", help="Of a file of text [found, and said].", rich_help_panel=DATA),
]
Decimal = Annotated[
    str | None,
    typer.Option(
        "--decimal", help="The decimal sign of numbers, . or , [found].", rich_help_panel=DATA
    ),
]
Group = Annotated[
    str | None,
    typer.Option(
        "--group",
        help="Rows of one group stay on one side: a column, or what is noted of recordings.",
        rich_help_panel=DATA,
    ),
]
FileNames = Annotated[
    str | None,
    typer.Option(
        "--names",
        help="What names of recordings say, {label}_{speaker}_{take}.",
        rich_help_panel=DATA,
    ),
]
Size = Annotated[
    int | None,
    typer.Option(
        "--size",
        help="Bring pictures of different sizes to SIZE x SIZE, series and recordings to SIZE steps.",
        rich_help_panel=DATA,
    ),
]
Draw = Annotated[
    bool,
    typer.Option(
        "--draw",
        help="Take the N samples at random by --seed; else the first, in the file's order.",
        rich_help_panel=DATA,
    ),
]
Seed = Annotated[int, typer.Option("--seed", help="Same seed, same numbers.")]
Device = Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")]
Balanced = Annotated[
    bool,
    typer.Option(
        "--balanced", help="Every class weighs the same in training, whatever the kind of model."
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="A parameter of the model, for example --set dropout=0.2."),
]

REMEDY = "Other models, and a search"

From = Annotated[
    Path | None,
    typer.Option(
        "--from",
        help="A saved net of the same architecture to begin with; a new head where the classes differ.",
        rich_help_panel=REMEDY,
    ),
]
Freeze = Annotated[
    bool,
    typer.Option("--freeze", help="With --from: train the head alone.", rich_help_panel=REMEDY),
]
TeacherModel = Annotated[
    Path | None,
    typer.Option(
        "--teacher",
        help="A saved model whose answers are learned beside the labels.",
        rich_help_panel=REMEDY,
    ),
]
Temperature = Annotated[
    float | None,
    typer.Option(
        "--temperature", help="How soft the teacher's answers are [4].", rich_help_panel=REMEDY
    ),
]
Trials = Annotated[
    int | None,
    typer.Option(
        "--tune",
        help="Try so many settings on a fifth of the training rows first (needs optuna).",
        rich_help_panel=REMEDY,
    ),
]

Methods = Annotated[
    str,
    typer.Option(
        "--methods",
        "-m",
        help="auto, or names with commas between; with settings: gradcam:layer=layer4.1, "
        "occlusion:window=4:stride=2, noisy:of=saliency.",
        rich_help_panel=ASKED,
    ),
]
Count = Annotated[
    str,
    typer.Option(
        "--n",
        "-n",
        help="How many test samples, the first of the file, or all [16; with --values all].",
        rich_help_panel=DATA,
    ),
]
Target = Annotated[
    str,
    typer.Option("--target", "-t", help="predicted, label, or a class.", rich_help_panel=ASKED),
]
Features = Annotated[
    str,
    typer.Option(
        help="How samples are cut: words, sentences, tokens, patches:4, refined:200, ...; or a .npy file of whole "
        "numbers, one a place, -1 for what is never removed.",
        rich_help_panel=ASKED,
    ),
]
Groups = Annotated[
    str | None,
    typer.Option(
        help="Columns that count as one feature: 'size=radius,area; shape=concavity'; others stay alone.",
        rich_help_panel=ASKED,
    ),
]
Pairs = Annotated[
    int,
    typer.Option(
        "--interactions",
        min=0,
        help="Of so many samples the page shows what features are worth together, as a map of pairs.",
        rich_help_panel=ASKED,
    ),
]
Masker = Annotated[str, typer.Option(help="What a removed feature becomes.", rich_help_panel=ASKED)]
Background = Annotated[
    int | None,
    typer.Option(
        "--background",
        min=1,
        help="Training rows that stand in for what is removed [50 or all].",
        rich_help_panel=ASKED,
    ),
]
Metrics = Annotated[str, typer.Option(help="auto, fast or none.", rich_help_panel=WORK)]
Budget = Annotated[
    str,
    typer.Option(
        help="Evaluations of SHAP and LIME a sample; auto: until converged.", rich_help_panel=WORK
    ),
]
Tolerance = Annotated[
    float,
    typer.Option(
        help="SHAP has converged at this share of the range of its values.", rich_help_panel=WORK
    ),
]
Memory = Annotated[
    str | None,
    typer.Option(
        help="What an explanation may take beside the model, for example 512MB.",
        rich_help_panel=WORK,
    ),
]
At = Annotated[
    str | None,
    typer.Option(
        help="Where the number of a detector is read: LEFT,TOP,RIGHT,BOTTOM in px, or 2 for the second best "
        "box [the best box found].",
        rich_help_panel=ASKED,
    ),
]
Precision = Annotated[
    str,
    typer.Option(help="float32, or bfloat16 where it agrees with float32.", rich_help_panel=WORK),
]

Horizon = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Of a .csv in the order of time: forecast so many steps of --label-column, or of every column.",
    ),
]
Lags = Annotated[int, typer.Option(min=1, help="With --horizon: steps that are seen before.")]

AnyModel = Annotated[
    str | None,
    typer.Argument(
        help="A saved model folder, hf:FOLDER of Hugging Face, package.module:factory, or a model name "
        "to train."
    ),
]
OwnModel = Annotated[str | None, typer.Option("--model", help="The same as the argument MODEL.")]
Weights = Annotated[
    Path | None,
    typer.Option(
        "--weights",
        help="Of what a factory makes: a .safetensors file, or a folder that model.save wrote.",
    ),
]
TorchLoad = Annotated[
    bool,
    typer.Option(
        "--torch-load",
        help="Read --weights of a .pt or .pth file by torch.load(weights_only=True); refused otherwise.",
    ),
]
Errors = Annotated[
    int,
    typer.Option(
        min=0,
        help="So many of the worst errors of the test rows are shown too, and counted in no check.",
    ),
]
Overview = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="So many test rows are explained by one method, for what holds over all of them; 0: none "
        "[all, as far as 30 s go].",
    ),
]
Flip = Annotated[
    bool,
    typer.Option("--flip", help="Say what would have changed each answer.", rich_help_panel=FLIP),
]
Columns = Annotated[
    str | None,
    typer.Option(help="With --flip: columns that stay, commas between.", rich_help_panel=FLIP),
]
Rising = Annotated[
    str | None,
    typer.Option(help="With --flip: columns that may only rise.", rich_help_panel=FLIP),
]
Falling = Annotated[
    str | None,
    typer.Option(help="With --flip: columns that may only fall.", rich_help_panel=FLIP),
]
Wanted = Annotated[
    str | None,
    typer.Option(
        help="With --flip: the class to reach, a value to cross, or a range such as 10:20.",
        rich_help_panel=FLIP,
    ),
]

Page = Annotated[
    Path | None, typer.Option("--out", "-o", help="The page.", rich_help_panel=WRITTEN)
]
Numbers = Annotated[
    Path | None, typer.Option("--run", help="Folder of all numbers.", rich_help_panel=WRITTEN)
]
Values = Annotated[
    Path | None,
    typer.Option(
        help="Write the values of one method (.npz or .parquet) instead of a page, for any number.",
        rich_help_panel=WRITTEN,
    ),
]


def _known(language: str) -> str:
    """A language that pages are written in; refused before the work."""
    from xaikit.report.words import Words

    return Words(language).language


Language = Annotated[
    str,
    typer.Option(help="Language of the page: en or ko.", callback=_known, rich_help_panel=WRITTEN),
]
Reader = Annotated[
    str,
    typer.Option(
        "--reader",
        help="expert: the study page; person: a sheet a case for the person that it is about.",
        rich_help_panel=WRITTEN,
    ),
]
Open = Annotated[
    bool, typer.Option("--open", help="Show the page in the browser.", rich_help_panel=WRITTEN)
]
Force = Annotated[
    bool,
    typer.Option(
        "--force",
        help="Overwrite a page's file that xaikit did not write.",
        rich_help_panel=WRITTEN,
    ),
]
AsJson = Annotated[
    bool,
    typer.Option("--json", help="Print JSON for a program to read.", rich_help_panel=WRITTEN),
]


def count_of(text: str, dataset: Any) -> int:
    """How many samples: a number, or "all" of the test rows."""
    if text == "all":
        return max(1, len(dataset.test))
    if not text.isdigit() or int(text) < 1:
        raise InvalidInput(f"--n is {text}; give a whole number of 1 or more, or all.")
    return int(text)


def several(n: int) -> int:
    """Samples enough to be compared, or none."""
    if n == 1 or n < 0:
        raise typer.BadParameter("explain 2 samples or more, or 0 for none.")
    return n


def features_of(features: str, groups: str | None) -> Any:
    """A way to cut by name, labels out of a .npy file, or groups of columns by name."""
    if groups is not None:
        if features != "auto":
            raise InvalidInput(f"--features {features} and --groups say two things; keep one.")
        return dict(map(_group, filter(str.strip, groups.split(";"))))
    return read_labels(Path(features)) if features.lower().endswith(".npy") else features


def _group(text: str) -> tuple[str, tuple[str | int, ...]]:
    name, _, columns = text.partition("=")
    members = tuple(int(c) if c.isdigit() else c for c in listed(columns))
    if not name.strip() or not members:
        raise InvalidInput(
            f"--groups holds '{text.strip()}'; write name=column,column with a semicolon between groups."
        )
    return name.strip(), members


def read_labels(path: Path) -> Any:
    """The array of a .npy file, which is never unpickled."""
    from xaikit.core.files import Origin, check_array

    origin = Origin(f"'{path}'", InvalidInput, "save whole numbers with numpy.save")
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise origin.wrong(f"cannot be read ({error.strerror})") from error
    check_array(raw, path.name, origin)
    return np.load(io.BytesIO(raw), allow_pickle=False)


def budget_of(text: str) -> int | str:
    if text == "auto":
        return text
    if not text.isdigit() or int(text) < 4:
        raise InvalidInput(f"--budget is {text}; give auto or a whole number of 4 or more.")
    return int(text)


def place_of(text: str | None) -> int | tuple[float, ...] | None:
    """The n-th best box, or a box in px."""
    if text is None:
        return None
    if text.isdigit() and int(text) > 0:
        return int(text)
    try:
        found = tuple(map(float, text.split(",")))
    except ValueError:
        found = ()
    if len(found) != 4:
        raise InvalidInput(
            f"--at is {text}; give LEFT,TOP,RIGHT,BOTTOM in px, or a number of 1 or more."
        )
    return found


def bytes_of(text: str | None) -> int | None:
    """512MB, 2GB or a plain number of bytes."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMG]?)i?B?", text.strip(), re.IGNORECASE)
    if not found or float(found[1]) == 0:
        raise InvalidInput(f"--memory is {text}; write for example 512MB or 2GB.")
    return int(float(found[1]) * 1024 ** " KMG".index(found[2].upper() or " "))


def require_flip(flip: bool, values: Path | None, **given: str | None) -> None:
    if flip and values is not None:
        raise InvalidInput(f"--values {values} writes numbers only; leave out --flip, or --values.")
    for name, value in given.items():
        if value is not None and not flip:
            raise InvalidInput(f"--{name} is {value} and belongs to --flip; add --flip.")


def listed(names: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in (names or "").split(",") if name.strip())


def wanted_of(text: str | None) -> Any:
    """A range, a number or a class."""
    found = re.fullmatch(r"(-?[\d.]*):(-?[\d.]*)", text or "")
    try:
        if found:
            return tuple(float(end) if end else None for end in found.groups())
        return None if text is None else float(text)
    except ValueError:
        return text


def for_person(reader: str) -> bool:
    """Whether sheets for the people that answers are about are written."""
    if reader not in ("expert", "person"):
        raise InvalidInput(f"--reader is {reader}; give expert or person.")
    return reader == "person"


def settings_of(pairs: list[str] | None) -> dict[str, Any]:
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
