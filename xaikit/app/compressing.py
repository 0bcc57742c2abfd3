"""`xaikit compress`: a smaller twin of a saved net."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from xaikit.app import options
from xaikit.app.terminal import print_json, say
from xaikit.app.training import results
from xaikit.core.errors import InvalidInput

__all__ = ["compress"]


def compress(
    model: Annotated[Path, typer.Argument(help="A saved model folder.")],
    int8: Annotated[
        bool, typer.Option("--int8", help="Compute in int8 in place of float32, on the CPU.")
    ] = False,
    prune: Annotated[
        float | None,
        typer.Option("--prune", help="Share of the weights, the smallest, that become 0."),
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder of the twin [MODEL-int8].")
    ] = None,
    data: Annotated[
        str | None, typer.Option("--data", "-d", help="Measure both on the test rows of this.")
    ] = None,
    seed: options.Seed = 0,
    label_column: options.LabelColumn = None,
    test: options.TestFile = None,
    as_json: options.AsJson = False,
) -> None:
    """Save a smaller twin of a net: int8 numbers, or its smallest weights cut.

    Whether the twin still looks at the same things, `xaikit diff` says of a run of each.

    [bold]Examples[/bold]

      xaikit compress runs/digits-lenet --int8

      xaikit compress runs/digits-lenet --prune 0.5 --out runs/digits-half --data digits
    """
    from xaikit.models import load_model, save_model
    from xaikit.models.compress import pruned, quantised
    from xaikit.models.fields import MODELS

    if not int8 and prune is None:
        raise InvalidInput("nothing says how; add --int8, or --prune 0.5, or both.")
    names = [f"pruned{prune:g}" if prune is not None else "", "int8" if int8 else ""]
    place = folder or model.with_name("-".join([model.name, *filter(None, names)]))
    MODELS.check_free(place)
    own = load_model(model, device="cpu")
    twin: Any = own if prune is None else pruned(own, prune)
    twin = quantised(twin) if int8 else twin
    told: dict[str, Any] = {}
    if data is not None:
        told = _measured(own, twin, data, seed, label_column=label_column, test=test)
    save_model(twin, place)
    sizes = [_size(path) for path in (model, place)]
    if as_json:
        print_json({"folder": str(place), "id": twin.id, "bytes": sizes, **told})
        return
    for name, measures in told.items():
        say(f"{name} · test: {results(measures)}")
    say(f"saved {place} · weights {sizes[0] / 1024:.0f} KB → {sizes[1] / 1024:.0f} KB")


def _measured(own: Any, twin: Any, name: str, seed: int, **read: Any) -> dict[str, Any]:
    from xaikit.data import load_data
    from xaikit.models import evaluate

    dataset = load_data(name, seed=seed, **{k: v for k, v in read.items() if v is not None})
    twin.info = {**twin.info, "metrics": {s: evaluate(twin, dataset, s) for s in ("test", "val")}}
    return {"before": evaluate(own, dataset), "after": twin.info["metrics"]["test"]}


def _size(folder: Path) -> int:
    return (folder / "model.safetensors").stat().st_size
