"""Hyper-parameter search for one model: trials on rows held out of its training rows, the untuned result beside it."""

from __future__ import annotations

from typing import Any, Literal

from xaikit.core.abilities import Model
from xaikit.core.errors import InvalidInput
from xaikit.core.sample import MODALITIES
from xaikit.data.dataset import Dataset
from xaikit.models import train
from xaikit.models.zoo import ZOO
from xaikit.study.compare.families import FAMILIES, Family
from xaikit.study.compare.fitting import Teacher
from xaikit.study.compare.spaces import SPACES
from xaikit.study.compare.tuning import check_tuner, inner, tune

__all__ = ["train_tuned"]


def train_tuned(
    architecture: str,
    data: Dataset,
    trials: int,
    *,
    seed: int = 0,
    device: str = "auto",
    balanced: bool = False,
    progress: bool = True,
    **params: Any,
) -> Model:
    """The model with the settings that did best on a fifth of the training rows, trained on all of them.

    trials : how many settings are tried by optuna (`xaikit[tune]`), the model's own among them
    params : as `train` takes them; none may be one that is searched for

    Its `info["tuning"]` holds the settings, the seconds of the trials, and the metrics of the model that
    was not tuned. The test rows are not looked at before the end.
    """
    check_tuner()
    params = {name: value for name, value in params.items() if (name, value) != ("epochs", None)}
    family = _family(architecture, data)
    space = SPACES.get(family.name)
    if data.task not in ("classification", "regression") or not space:
        known = ", ".join(sorted({*SPACES} & {*ZOO, "forest", "boosting", "logistic", "ridge"}))
        raise InvalidInput(
            f"nothing is known to search for in '{architecture}' ({data.task}); tune one of lenet, resnet_small, "
            f"fcn_1d, bert_small, {known} on classes or values, or try --set by hand."
        )
    if (group := data.facts.get("group")) is not None:
        raise InvalidInput(
            f"rows of one {group} stay together and a search would hold some of them out; leave --tune or --group "
            "out, or tune inside of the folds: xaikit compare --group --trials."
        )
    if both := sorted({*params} & {*space}):
        raise InvalidInput(f"{both[0]} is set and searched for; leave one of the two out.")
    if trials < 2:
        raise InvalidInput(
            f"trials is {trials}; it must be 2 or more, the first is the model's own."
        )
    fixed: dict[str, Any] = {
        "seed": seed,
        "device": device,
        "balanced": balanced,
        "progress": progress,
    }
    own = train(architecture, data, **fixed, **params)
    asked = Family(family.name, family.kind, architecture, params)
    found = tune(asked, lambda: inner(data, seed), Teacher(device, balanced), trials, seed)
    best = train(architecture, data, **fixed, **params, **found.params) if found.params else own
    told = {"trials": found.trials, "params": found.params, "seconds": found.seconds}
    best.info = {**best.info, "tuning": {**told, "untuned": own.info["metrics"]}}
    return best


def _family(architecture: str, data: Dataset) -> Family:
    """The family of a comparison that the model belongs to, whose settings are searched."""
    inputs = MODALITIES.get(data.modality).inputs
    known = [f for f in FAMILIES.get(inputs, ()) if (f.of or f.name) == architecture]
    kind: Literal["ml", "dl"] = "dl" if architecture in ZOO else "ml"
    return next(iter(known), Family(architecture, kind))
