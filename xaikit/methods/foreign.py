"""Explainers of other packages as methods: captum's attributions, shap's and lime's explainers.

They keep the model, the background and the settings that they were made with; xaikit asks them about its
samples, brings what they say onto the question's features, and finds out by the numbers whether they
answered the same question.
"""

from __future__ import annotations

import copy
import inspect
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from xaikit.core.abilities import Model, Tasked
from xaikit.core.errors import InvalidInput, NotApplicable, foreign
from xaikit.core.later import later
from xaikit.core.question import Question
from xaikit.core.types import Explanation, Floats
from xaikit.core.words import Text
from xaikit.methods.base import BROUGHT, Card, Method, Translation
from xaikit.methods.path import baselines, differentiable

if TYPE_CHECKING:
    import torch
else:
    torch = later("torch")

__all__ = ["Foreign", "brought"]

SAME = 1e-3  # of the target's change: sums that agree so well answer one question


def brought(thing: Any, model: Model, name: str = "", **settings: Any) -> Method:
    """A captum attribution, a shap explainer or a lime explainer as a method about that model.

    name : of the method, "shap TreeExplainer" and the like when ""; settings : passed on at each call
    `InvalidInput` for anything else.
    """
    package, kind = _kind_of(thing)
    called = name or f"{package} {type(thing).__name__}"
    card = Card(
        title=called,
        asks=f"What {type(thing).__name__} of {package}, as it was set up, says of each feature.",
        misleads="Its background, output and settings are its own: it may answer another question.",
        paper=f"the package {package}",
        korean=Translation(
            called,
            f"{package}의 {type(thing).__name__}이(가) 설정된 그대로 각 특징에 대해 말하는 바입니다.",
            "배경, 출력, 설정이 제 것이므로 다른 물음에 답할 수 있습니다.",
        ),
    )
    own = {"name": called, "card": card, "thing": thing, "model": model, "settings": settings}
    made: Method = type(kind.__name__, (kind,), own)()
    BROUGHT[called] = made
    return made


def _kind_of(thing: Any) -> tuple[str, type[Foreign]]:
    packages = {cls.__module__.split(".")[0] for cls in type(thing).__mro__}
    for package, asked, kind in (
        ("shap", "shap_values", FromShap),
        ("captum", "attribute", FromCaptum),
        ("lime", "explain_instance", FromLime),
    ):
        if package in packages and hasattr(thing, asked):
            return package, kind
    raise InvalidInput(
        f"a {type(thing).__name__} is no method; give a name, a configured method, or an explainer of "
        "captum, shap or lime."
    )


@dataclass(frozen=True)
class Foreign(Method):
    """An explainer of another package, asked about one sample at a time.

    Values that start at the question's empty value and sum to its output are its answer in its unit;
    otherwise only their order and their sign are kept to mean something, and the note says so.
    """

    name: ClassVar[str] = "foreign"
    thing: ClassVar[Any]
    model: ClassVar[Model]
    settings: ClassVar[dict[str, Any]]

    def check(self, model: Model) -> None:
        if model is not self.model:
            raise NotApplicable(
                f"{self.name} explains the model that it was made for and '{model.id}' is another; make "
                "one for it."
            )

    def __call__(self, question: Question, rng: np.random.Generator) -> Explanation:
        with foreign(f"'{self.name}' on sample '{question.sample.id}'"), _seeded(rng):
            values, start = self.asked(question, int(rng.integers(2**31)))
        change, span = question.output - question.empty, abs(question.output - question.empty)
        near = SAME * span + 1e-6
        sums = abs(values.sum() - change) <= near
        same = bool(sums and (start is None or abs(start - question.empty) <= near))
        note = ""
        if not same:
            note = f"another question: its values sum to {values.sum():.4g} and output - empty is {change:.4g}"
        return question.answer(self, values, additive=same, in_units=same, note=note)

    @abstractmethod
    def asked(self, question: Question, seed: int) -> tuple[Floats, float | None]:
        """Values (n,) of the question's features, and where they start, if it says."""


class FromShap(Foreign):
    """shap: called with the sample as a batch of one, in data space or as the net reads it."""

    def asked(self, question: Question, seed: int) -> tuple[Floats, float | None]:
        del seed  # shap draws from NumPy's generator
        x = question.sample.x
        if type(self.thing).__name__ in ("DeepExplainer", "GradientExplainer"):
            return self._of_tensor(question), None
        found = self.thing(x[None], **self.settings)
        values, starts = np.asarray(found.values), np.atleast_1d(np.asarray(found.base_values))
        map_ = _of_target(values[0], x.shape, question)
        start = float(_of_target(starts.reshape(1, -1)[0], (), question)) if starts.size else None
        return question.segmentation.pool(_on_grid(map_, question), "sum"), start

    def _of_tensor(self, question: Question) -> Floats:
        leaf = differentiable(question.model, self.name).leaf([question.sample.x])
        values = np.asarray(self.thing.shap_values(leaf.at, **self.settings))
        map_ = _of_target(values[0], tuple(leaf.at.shape[1:]), question)
        rows = torch.zeros(1, dtype=torch.long)
        (folded,) = leaf.fold(torch.as_tensor(map_[None]), rows)
        return question.segmentation.pool(folded, "sum")


class FromCaptum(Foreign):
    """captum: `attribute` of the input as the net reads it, with the question's references as baselines
    and its features as the mask where it takes them."""

    def check(self, model: Model) -> None:
        super().check(model)
        differentiable(model, self.name)

    def asked(self, question: Question, seed: int) -> tuple[Floats, float | None]:
        if question.sample.kind.words:
            raise NotApplicable(
                f"{self.name} reads tensors and '{question.sample.id}' is a text; ask a table, a picture "
                "or a series."
            )
        torch.manual_seed(seed)
        reader = differentiable(question.model, self.name)
        leaf = reader.leaf([question.sample.x])
        at = leaf.at.detach().clone().requires_grad_()
        takes = inspect.signature(self.thing.attribute).parameters
        given = dict(self.settings)
        if "target" in takes or "kwargs" in takes:
            given.setdefault("target", _index(question))
        masks = _feature_mask(question, tuple(at.shape)) if "feature_mask" in takes else None
        if masks is not None:
            given.setdefault("feature_mask", masks)
        with _evaluating(self.thing), torch.enable_grad():
            found = self._attributed(question, at, given, "baselines" in takes)
        if masks is not None:
            return question.segmentation.pool(
                found.reshape(at.shape)[0].reshape(-1, *question.sample.grid)[0].numpy(), "mean"
            ), None
        found = _as_large(found, at, self.name)
        (folded,) = leaf.fold(found, torch.zeros(1, dtype=torch.long, device=at.device))
        return question.segmentation.pool(folded, "sum"), None

    def _attributed(self, question: Question, at: Any, given: dict[str, Any], based: bool) -> Any:
        if not based or "baselines" in given:
            return _first(self.thing.attribute(at, **given))
        reader = differentiable(question.model, self.name)
        bases = reader.leaf(baselines(question, self.name)).at.detach()
        if type(self.thing).__name__ in ("GradientShap", "DeepLiftShap"):
            return _first(self.thing.attribute(at, baselines=bases, **given))
        each = [_first(self.thing.attribute(at, baselines=b[None], **given)) for b in bases]
        return torch.stack(each).mean(dim=0)


class FromLime(Foreign):
    """lime: `explain_instance` of the sample, with the question's features where it takes them."""

    def asked(self, question: Question, seed: int) -> tuple[Floats, float | None]:
        thing, kind = _reseeded(self.thing, seed), question.sample.kind
        index = max(0, question.target.index)
        given = {"labels": (index,), **self.settings}
        predict = _predictions(question.model)
        if kind.words:
            return self._of_words(thing, question, predict, given), None
        if kind.channels:
            ids = question.segmentation.ids
            found = thing.explain_instance(
                question.sample.x.astype(np.float64), lambda xs: predict(list(xs.astype(np.float32))),
                segmentation_fn=lambda _: ids, **given,
            )  # fmt: skip
            pairs = [(i, w) for i, w in found.local_exp[index] if i >= 0]
            return _filled(pairs, question.n_features), None
        if getattr(thing, "mode", "") == "regression":
            del given["labels"]
        given.setdefault("num_features", len(question.sample.x))
        found = thing.explain_instance(question.sample.x, predict, **given)
        held = found.local_exp[index if index in found.local_exp else max(found.local_exp)]
        map_ = _filled(held, len(question.sample.x))
        return question.segmentation.pool(map_, "sum"), None

    def _of_words(
        self, thing: Any, question: Question, predict: Any, given: dict[str, Any]
    ) -> Floats:
        text = Text(question.sample.x)
        given.setdefault("num_features", len(question.sample.x))
        found = thing.explain_instance(
            text.written, lambda texts: predict([_words_of(t) for t in texts]), **given
        )
        weights = dict(found.as_list(label=given["labels"][0]))
        words = [str(w) for w in question.sample.x]
        map_ = np.array([weights.get(w, 0.0) / words.count(w) for w in words])
        return question.segmentation.pool(map_, "sum")


def _words_of(text: str) -> NDArray[Any]:
    return np.array(text.split() or [""])


def _filled(pairs: Any, n: int) -> Floats:
    found = np.zeros(n)
    for place, weight in pairs:
        found[int(place)] = weight
    return found


def _of_target(values: NDArray[Any], shape: tuple[int, ...], question: Question) -> NDArray[Any]:
    """What is said of the target: of one output among several, or of the only one."""
    if values.shape == shape or values.size == 1:
        turned = len(question.model.classes) == 2 and question.target.index == 0
        return np.asarray(-values if turned else values, dtype=np.float64).reshape(shape)
    index, against = question.target.index, question.target.against
    if values.shape[:-1] != shape or index >= values.shape[-1]:
        raise InvalidInput(
            f"it gave values of shape {values.shape} for a sample of shape {shape}; one a place is needed."
        )
    found = np.asarray(values[..., index], dtype=np.float64)
    rival = 0.0 if against is None else values[..., against]
    return np.asarray(found - rival, dtype=np.float64)


def _on_grid(map_: NDArray[Any], question: Question) -> NDArray[Any]:
    return np.asarray(map_.reshape(*question.sample.grid, -1).sum(axis=-1))


def _index(question: Question) -> int | None:
    """Which output of the net is meant; None where it has one."""
    task = question.model.task if isinstance(question.model, Tasked) else None
    n = len(question.model.classes if task is None else task.outputs)
    return question.target.index if n > 1 else None


def _feature_mask(question: Question, shape: tuple[int, ...]) -> Any:
    """The features of the places of a net's input, or None where places lie otherwise."""
    ids = question.segmentation.ids
    ids = np.where(ids < 0, question.n_features, ids)
    if shape[1:] == ids.shape:
        return torch.as_tensor(ids[None].copy())
    if shape[2:] == ids.shape:
        return torch.as_tensor(ids[None, None].copy()).expand(1, *shape[1:])
    return None


def _first(found: Any) -> Any:
    found = found[0] if isinstance(found, tuple) else found
    return found.detach().double().cpu()


def _as_large(found: Any, at: Any, name: str) -> Any:
    """Of a layer's map one as large as the input."""
    if found.shape == at.shape:
        return found
    if found.ndim != at.ndim or found.ndim < 3:
        raise NotApplicable(
            f"{name} gave {tuple(found.shape)} for an input of {tuple(at.shape)}; use an attribution of "
            "the input or of a layer with places."
        )
    how = {3: "linear", 4: "bilinear", 5: "trilinear"}[found.ndim]
    wide = torch.nn.functional.interpolate(
        found.mean(dim=1, keepdim=True), size=at.shape[2:], mode=how
    )
    return wide.expand(at.shape) / at.shape[1]


def _predictions(model: Model) -> Any:
    """B inputs -> (B, K) probabilities, as lime asks for, or (B,) values."""

    def predict(xs: Any) -> Floats:
        scores = model.scores(xs)
        if not model.classes:
            return np.asarray(scores[:, 0])
        top = np.exp(scores - scores.max(axis=1, keepdims=True))
        return np.asarray(top / top.sum(axis=1, keepdims=True))

    return predict


def _reseeded(explainer: Any, seed: int) -> Any:
    """A copy of lime's explainer that draws as if it were asked for the first time."""
    found = copy.copy(explainer)
    found.random_state = np.random.RandomState(seed)
    found.base = copy.copy(explainer.base)
    found.base.random_state = found.random_state
    if getattr(found, "discretizer", None) is not None:
        found.discretizer = copy.copy(explainer.discretizer)
        found.discretizer.random_state = found.random_state
    return found


@contextmanager
def _seeded(rng: np.random.Generator) -> Iterator[None]:
    """NumPy's and torch's global generators from a seed of ours, and back to where they were."""
    before = np.random.get_state()  # noqa: NPY002 - shap draws from it
    np.random.seed(int(rng.integers(2**32)))  # noqa: NPY002 - the same
    try:
        with torch.random.fork_rng():
            yield
    finally:
        np.random.set_state(before)  # noqa: NPY002 - the same


@contextmanager
def _evaluating(attribution: Any) -> Iterator[None]:
    """The attribution's net without dropout, and back to how it was."""
    net = getattr(attribution, "forward_func", None)
    modules = list(net.modules()) if isinstance(net, torch.nn.Module) else []
    before = [module.training for module in modules]
    try:
        for module in modules:
            module.training = False
        yield
    finally:
        for module, training in zip(modules, before, strict=True):
            module.training = training
