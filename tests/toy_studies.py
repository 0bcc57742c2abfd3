"""Small studies of a model in closed form, with explainers that are sound or broken on purpose."""

from __future__ import annotations

import dataclasses
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np
from scipy.special import softmax

from xaikit.core.abilities import Model
from xaikit.core.question import Cache, Masker, Question
from xaikit.core.types import Explanation, Sample, Score, Segmentation
from xaikit.judge.verdict import verdicts
from xaikit.methods.base import METHODS, Card, Method, ask, make_method
from xaikit.metrics import METRICS, RemovalTest, agreement_scores, disagreements
from xaikit.shapley.exact import coalition_masks, shapley_weights
from xaikit.study.run import Run
from xaikit.tasks import default_target

N = 8  # features
GRIDS = {"image": (2, 4), "text": (N,), "table": (N,), "series": (4, 2)}


@dataclasses.dataclass(eq=False)
class Bent:
    """Three classes; scores are bent sums of one term a place and of neighbouring pairs."""

    weights: np.ndarray  # (2, N, 3)
    modality: str = "table"
    background: np.ndarray | None = None
    id: str = "bent"
    space: str = "logit"
    classes: tuple[str, ...] = ("red", "green", "blue")
    info: dict[str, Any] = dataclasses.field(default_factory=dict)

    def scores(self, xs: Sequence[np.ndarray]) -> np.ndarray:
        return self.bent(self.read(xs))

    def read(self, xs: Sequence[np.ndarray]) -> np.ndarray:
        """(B, N) the number at each place; the word "3:0.25" is the number 0.25 at place 3."""
        if self.modality != "text":
            return np.stack(xs).reshape(len(xs), N).astype(float)
        z = np.zeros((len(xs), N))
        for row, words in enumerate(xs):
            for place, number in (w.split(":") for w in words if ":" in w):
                z[row, int(place)] = float(number)
        return z

    def bent(self, z: np.ndarray) -> np.ndarray:
        single, pair = self.weights
        return 3 * np.tanh(z @ single) + (z * np.roll(z, 1, axis=1)) @ pair

    def layers(self) -> tuple[str, ...]:
        return ("pairs", "singles")

    def randomised(self, layers: Sequence[str], rng: np.random.Generator) -> Bent:
        fresh = rng.normal(scale=0.5, size=self.weights.shape)
        drawn = np.array([name in layers for name in ("singles", "pairs")])[:, None, None]
        return dataclasses.replace(self, weights=np.where(drawn, fresh, self.weights))


def questions(seed: int, modality: str = "table", n_samples: int = 16) -> list[Question]:
    """Questions about the predicted class of one random model."""
    rng = np.random.default_rng(seed)
    model = Bent(rng.normal(scale=0.5, size=(2, N, 3)), modality)
    shape = GRIDS[modality] + ((1,) if modality == "image" else ())
    segmentation = Segmentation(
        np.arange(N).reshape(GRIDS[modality]), tuple(f"f{i}" for i in range(N)), "one a place"
    )
    found = []
    for i in range(n_samples):
        z = rng.uniform(0.2, 1.0, N) if modality == "image" else rng.normal(size=N) + 0.5
        words = np.array([f"{j}:{v:.3f}" for j, v in enumerate(z)])
        x = words if modality == "text" else z.reshape(shape)
        sample = Sample(f"s{i}", x, modality)
        masker, _ = maskers(modality, shape)
        target = default_target(model, sample)
        found.append(
            Question(model, sample, segmentation, masker, target, batch_size=1024, cache=Cache())
        )
    return found


def maskers(modality: str, shape: tuple[int, ...]) -> tuple[Masker, Masker]:
    """Two ways of removing."""
    if modality == "text":
        nothing = np.array([["_"] * N])
        return Masker("mask word", nothing), Masker("drop", nothing, drops=True)
    rows = np.random.default_rng(0).uniform(0, 0.2, size=(3, *shape))
    return Masker("zeros", np.zeros((1, *shape))), Masker("rows", rows)


def exact(question: Question) -> np.ndarray:
    """Shapley values by enumeration."""
    masks = coalition_masks(N, 0, 2**N)
    values, size, weight = question.value(masks), masks.sum(axis=1), shapley_weights(N)
    joined, absent = np.append(0.0, weight)[size], np.append(weight, 0.0)[size]
    return np.array(
        [values @ np.where(masks[:, i], joined, -absent) for i in range(N)], dtype=float
    )


def integrated(question: Question, model: Bent) -> np.ndarray:
    """Integrated gradients of the numbers from 0, which is the first masker's reference."""
    (z,) = model.read([question.sample.x])
    nodes, weights = np.polynomial.legendre.leggauss(16)
    step = 1e-4 * np.stack([np.eye(N), -np.eye(N)])  # (2, N, N)
    points = ((nodes + 1) / 2)[:, None, None, None] * z + step
    y = question.target(model.bent(points.reshape(-1, N))).reshape(16, 2, N)
    return z * (weights / 2 @ (y[:, 0] - y[:, 1])) / 2e-4


@dataclasses.dataclass(frozen=True)
class Toy(Method):
    """An explainer of a test; `values` is overridden."""

    name: ClassVar[str] = "toy"
    additive: ClassVar[bool] = False
    card: ClassVar[Card] = Card("toy", "a", "b", "c")

    def check(self, model: Model) -> None: ...

    def __call__(self, question: Question, rng: np.random.Generator) -> Explanation:
        values = self.values(question, rng)
        return question.answer(self, values, additive=self.additive, in_units=self.additive)

    def values(self, question: Question, rng: np.random.Generator) -> np.ndarray:
        raise NotImplementedError


class Sound(Toy):
    name = "sound"
    additive = True

    def values(self, question, rng):
        return exact(question)


class Gradients(Toy):
    """Integrated gradients with a completeness gap far below 1 %."""

    name = "ig"
    additive = True

    def values(self, question, rng):
        return integrated(question, question.model)


class OtherGradients(Toy):
    """Integrated gradients of a copy with random weights."""

    name = "other_ig"
    additive = True

    def values(self, question, rng):
        fresh = question.model.randomised(("singles", "pairs"), np.random.default_rng(98))
        return integrated(question, fresh)


class RandomMap(Toy):
    name = "noise"

    def values(self, question, rng):
        return rng.normal(size=N)


class FixedRandomMap(Toy):
    """Random, but the same at every run: only the removal test and the resets can catch it."""

    name = "fixed_noise"

    def values(self, question, rng):
        return question.rng("fixed", 0).normal(size=N)


class Edges(Toy):
    """The contrast of the input itself."""

    name = "edges"

    def values(self, question, rng):
        x = question.sample.x
        if x.dtype.kind == "U":
            return np.array([abs(float(w.split(":")[1])) for w in x])
        return np.abs(x.ravel().astype(float) - question.masker.references[0].ravel())


class MagnitudeControl(Edges):
    name = "magnitude"
    card = Card("toy", "a", "b", "c", control=True)


class Constant(Toy):
    name = "constant"

    def values(self, question, rng):
        return np.ones(N)


class WrongClass(Toy):
    """The map of the least likely class, whatever was asked."""

    name = "wrong_class"

    def values(self, question, rng):
        scores = question.model.scores([question.sample.x])[0]
        target = dataclasses.replace(question.target, index=int(scores.argmin()))
        return exact(dataclasses.replace(question, target=target, cache=Cache()))


class Reversed(Toy):
    name = "reversed"

    def values(self, question, rng):
        return -exact(question)


class OtherModel(Toy):
    """A sound map of a copy with random weights."""

    name = "other_model"

    def values(self, question, rng):
        fresh = question.model.randomised(("singles", "pairs"), np.random.default_rng(99))
        return exact(dataclasses.replace(question, model=fresh, cache=Cache()))


class Unstable(Toy):
    """Sound under heavy noise."""

    name = "unstable"

    def values(self, question, rng):
        found = exact(question)
        return found + 2 * found.std() * rng.normal(size=N)


class Leaky(Toy):
    """Right in order, but claims to add up and loses a fifth."""

    name = "leaky"
    additive = True

    def values(self, question, rng):
        return 0.8 * exact(question)


SOUND = (Sound, Gradients)
BROKEN = (
    RandomMap, FixedRandomMap, Edges, Constant, WrongClass, Reversed, OtherModel, OtherGradients,
    Unstable, Leaky,
)  # fmt: skip
EVERY = (*SOUND, *BROKEN, MagnitudeControl)


def study(asked: list[Question], kinds: Sequence[type[Toy]] = EVERY, seed: int = 0) -> Run:
    """A run with every score that a verdict needs; the kinds must be registered."""
    blocks = [ask(kind(), asked, seed=seed) for kind in kinds]
    judged = [block for block in blocks if block.method != MagnitudeControl.name]
    second = maskers(asked[0].sample.modality, asked[0].sample.x.shape)[1]
    others = [dataclasses.replace(q, masker=second, cache=Cache()) for q in asked]
    scores: list[Score] = []
    for some in (asked, others):
        scores += RemovalTest(some, seed=seed).scores(blocks)
        scores += METRICS.get("own_sample")().scores(some, judged, seed=seed)
    for name in ("completeness_gap", "randomisation", "random_logit"):
        scores += METRICS.get(name)().scores(asked, judged, seed=seed)
    scores += METRICS.get("stability")(n_neighbours=0).scores(asked, judged, seed=seed)
    explanations = [e for block in blocks for e in block]
    model = asked[0].model
    return Run(
        config={"seed": seed},
        samples=tuple(q.sample for q in asked),
        predictions=softmax(model.scores([q.sample.x for q in asked]), axis=1),
        explanations=tuple(explanations),
        scores=tuple(scores),
        context={"methods": {k.name: {"control": k.card.control} for k in kinds}},
    )


def trials(n: int) -> dict[tuple[str, str], Counter[str]]:
    """Verdicts of n studies, the kinds of data in turn: (explainer, kind of data) -> status -> count."""
    found: dict[tuple[str, str], Counter[str]] = {}
    for seed in range(n):
        modality = list(GRIDS)[seed % len(GRIDS)]
        for verdict in verdicts(study(questions(seed, modality))):
            found.setdefault((verdict.method, modality), Counter())[verdict.status] += 1
    return found


def agreement_trials(n: int) -> dict[str, int]:
    """How often, in n studies, two seeds are said to agree and opposites to disagree.

    Two seeds of Shapley values from 30 evaluations of 256; the opposite has the strengths of the
    other seed in reversed order, or all its signs turned.
    """
    method = make_method("permutation_shap", budget=30)
    found = {"two seeds": 0, "opposite order": 0, "opposite signs": 0}
    for trial in range(n):
        asked = questions(trial, list(GRIDS)[trial % len(GRIDS)])
        one, other, one_again, other_again = (ask(method, asked, seed=s) for s in range(4))
        for name, change, by in (
            ("two seeds", lambda v: v, "spearman"),
            ("opposite order", upside_down, "spearman"),
            ("opposite signs", np.negative, "sign_agreement"),
        ):
            theirs, again = (changed(runs, change) for runs in (other, other_again))
            pairs = ((one, theirs), (one, one_again), (theirs, again))
            scores = [
                s
                for a, b in pairs
                for pair in zip(a, b, strict=True)
                for s in agreement_scores(*pair)
            ]
            real = disagreements(scores, by=by)["permutation_shap", "other"].real
            found[name] += real is (name != "two seeds")
    return found


def upside_down(values: np.ndarray) -> np.ndarray:
    """The strongest feature gets the least strength and so on; the signs stay."""
    rank = np.argsort(np.argsort(np.abs(values)))
    return np.sign(values) * np.sort(np.abs(values))[::-1][rank]


def changed(runs: Sequence[Explanation], change: Any) -> list[Explanation]:
    return [dataclasses.replace(e, method="other", values=change(e.values)) for e in runs]


@contextmanager
def registered() -> Iterator[None]:
    """Inside, the toys are methods; the toy magnitude takes the real one's place."""
    before = dict(METHODS._entries)
    try:
        METHODS._entries.update({kind.name: kind for kind in EVERY})
        yield
    finally:
        METHODS._entries.clear()
        METHODS._entries.update(before)


if __name__ == "__main__":  # python tests/toy_studies.py 200
    with registered():
        for (method, modality), statuses in trials(int(sys.argv[1])).items():
            print(f"{method:12s} {modality:7s}", dict(statuses))
        print(agreement_trials(int(sys.argv[1])))
