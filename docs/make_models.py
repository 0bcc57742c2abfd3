"""Writes the table of docs/models.md: architectures x methods, each cell a number that was checked.

Tiny checkpoints with random weights are made with the real classes, saved, loaded back and explained.
Run: python docs/make_models.py (needs transformers)
"""

from __future__ import annotations

import copy
import dataclasses
import itertools
import math
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

import xaikit
from xaikit.core.words import PART, Text
from xaikit.modalities.text import words

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))
TARGET = HERE / "models.md"
MARK = "<!-- made by docs/make_models.py: the table -->"
SENTENCE = "unbelievably tiny acting spoils it"
PAIR = ("who spoils it", "tiny acting")
HEADS = {
    "pair": "SequenceClassification",
    "word": "TokenClassification",
    "answer": "QuestionAnswering",
}
ALSO = (
    "bert",
    "roberta",
    "deberta-v2",
    "gpt2",
    "llama",
)  # asked about pairs, words and answers too
METHODS = (
    "shap",
    "occlusion",
    "lime",
    "integrated_gradients",
    "gradient_shap",
    "input_x_gradient",
    "saliency",
    "smoothgrad",
    "gradcam",
    "hirescam",
    "attention",
)


class Case:
    """One architecture: its model, the class itself, a sample, and what is known about it."""

    def __init__(self, name: str, place: Path, what: str = "") -> None:
        import toy_folders as toy

        self.text, self.what = name in toy.TEXT, what
        kind = (toy.TEXT if self.text else toy.IMAGE)[name][0]
        if self.text:
            head = HEADS.get(what, "SequenceClassification")
            kind = kind.replace("SequenceClassification", head)
            folder = toy.text_folder(name, place / f"{name}{what}", head)
            self.parts = PAIR if what in ("pair", "answer") else (SENTENCE,)
            whole = PART.join(self.parts)
            x: Any = Text.cut(whole, words(whole)[0])
            self.sample = xaikit.Sample("t", x, "text", meta={"text": whole})
            self.cut = toy.tf.AutoTokenizer.from_pretrained(folder)
        else:
            folder = toy.image_folder(name, place / name)
            self.sample = xaikit.Sample("t", toy.picture(), "image")
        self.model: Any = xaikit.load(f"hf:{folder}", device="cpu")
        self.net = getattr(toy.tf, kind).from_pretrained(folder, attn_implementation="eager").eval()
        self.features = "auto" if self.text else "patches:2"
        self.index = 0 if what == "answer" else 1
        self.axis = {"target": xaikit.Target(self.index, space="value")}
        plan = xaikit.Plan(features=self.features, **self.axis)
        self.question = xaikit.make_question(self.model, self.sample, plan)
        self.sample = self.question.sample
        self.n = self.question.n_features
        masks = np.array(list(itertools.product([False, True], repeat=self.n)))
        values = self._brute(masks)
        self.masks, self.values = masks, values
        self.known = dict(zip(map(tuple, masks.tolist()), values.tolist(), strict=True))

    def ask(self, method: str, **settings: Any) -> Any:
        (found,) = xaikit.explain(
            self.model, [self.sample], [method], features=self.features, **self.axis, **settings
        )
        return found

    def _brute(self, masks: Any) -> Any:
        """The class itself on inputs that are masked by hand, one at a time."""
        rows = []
        for mask in masks:
            with torch.no_grad():
                rows.append(self._value(self.net(**self._masked(mask))))
        return np.array(rows)

    def _value(self, found: Any) -> float:
        if self.what not in ("word", "answer"):
            return float(found.logits[0, 1])
        asked, owners = self.sample.meta["asked"], self._owners()[1]
        tokens = [[i for i, owner in enumerate(owners) if owner == word] for word in asked]
        if self.what == "word":
            return float(found.logits[0, tokens[0][0], 1])
        start, end = (each[0].log_softmax(0) for each in (found.start_logits, found.end_logits))
        return float(start[tokens[0][0]] + end[tokens[1][-1]])

    def _owners(self) -> tuple[Any, list[int]]:
        """What the tokeniser gives, and the word of each token, -1 for none."""
        found = self.cut(*self.parts, return_offsets_mapping=True)
        spans = [[m.span() for m in re.finditer(r"\S+", part)] for part in self.parts]
        owners = []
        for part, (start, end) in zip(found.sequence_ids(), found["offset_mapping"], strict=True):
            held = [] if part is None else spans[part]
            owner = [i for i, (a, b) in enumerate(held) if start < b and end > a]
            owners.append(owner[0] + (len(spans[0]) if part else 0) if owner else -1)
        return found, owners

    def _masked(self, mask: Any) -> Any:
        if self.text:
            found, owners = self._owners()
            stand_in = next(
                t
                for t in (self.cut.mask_token_id, self.cut.unk_token_id, self.cut.pad_token_id)
                if t is not None
            )
            ids = [
                stand_in if owner >= 0 and not mask[owner] else token
                for token, owner in zip(found["input_ids"], owners, strict=True)
            ]
            types = {k: torch.tensor([found[k]]) for k in ("token_type_ids",) if k in found}
            return {"input_ids": torch.tensor([ids]), **types}
        kept = mask[self.question.segmentation.ids][..., None]
        x = np.where(kept, self.sample.x, self.question.masker.references[0]).astype(np.float32)
        pixels = torch.from_numpy((x - 0.5) / np.float32(0.25)).permute(2, 0, 1)[None]
        return {"pixel_values": pixels}

    def slopes(self) -> tuple[Any, Any, Any]:
        """Leaf, its reference, and central differences in float64 at each of its numbers."""
        fine = dataclasses.replace(self.model, net=copy.deepcopy(self.model.net).double())
        leaf = fine.leaf([self.sample.x])
        refs = self.question.masker.references
        if leaf.references is not None:
            base = leaf.references([Text(r) for r in refs], np.zeros(1, dtype=int))[0]
        else:
            base = fine.leaf(refs.astype(np.float32)).at[0]
        at, step = leaf.at.double(), 1e-3
        slope = torch.zeros_like(at).flatten()
        rows = torch.zeros(64, dtype=torch.long)
        for part in torch.arange(len(slope)).split(32):
            moved = at.flatten().repeat(2 * len(part), 1)
            i = torch.arange(len(part))
            moved[2 * i, part] += step
            moved[2 * i + 1, part] -= step
            with torch.no_grad():
                ends = leaf.forward(moved.view(-1, *at.shape[1:]), rows[: len(moved)])[
                    :, self.index
                ]
            slope[part] = (ends[0::2] - ends[1::2]) / (2 * step)
        return leaf, at - base, slope.view_as(at)


def off(found: Any, known: Any) -> float:
    """The largest difference, as a share of the largest known number."""
    return float(np.abs(np.asarray(found) - known).max() / max(np.abs(known).max(), 1e-3))


def in_errors(difference: Any, std: Any) -> float:
    """The largest, in standard errors; a word that a decoder reads later has 0 of both."""
    return float((np.abs(difference) / np.maximum(std, 1e-9)).max())


def shapley(case: Case) -> float:
    n, right = case.n, np.zeros(case.n)
    for mask, value in case.known.items():
        size = sum(mask)
        for i in range(n):
            if mask[i]:
                right[i] += value * _share(size - 1, n)
            else:
                right[i] -= value * _share(size, n)
    return off(case.ask("shap").values, right)


def _share(size: int, n: int) -> float:
    return 1 / (n * math.comb(n - 1, size))


def occlusion(case: Case) -> float:
    whole = (True,) * case.n
    left = [tuple(j != i for j in range(case.n)) for i in range(case.n)]
    right = [case.known[whole] - case.known[m] for m in left]
    return off(case.ask("occlusion").values, np.array(right))


def lime(case: Case) -> float:
    """Its linear model against the values of all masks, beside the best that a line can do: R2 lost."""
    found = case.ask("lime")
    design = case.masks.astype(float)
    best = np.linalg.lstsq(np.c_[np.ones(len(design)), design], case.values, rcond=None)[0][1:]
    return off(np.corrcoef(found.values, best)[0, 1], 1.0)


def integrated(case: Case) -> float:
    ends = [case.known[(True,) * case.n], case.known[(False,) * case.n]]
    return off(case.ask("integrated_gradients").values.sum(), ends[0] - ends[1])


def sampled(case: Case) -> float:
    """Beside integrated gradients, which it samples here, in standard errors."""
    found, right = case.ask("gradient_shap"), case.ask("integrated_gradients").values
    return in_errors(found.values - right, found.std)


def product(case: Case) -> float:
    leaf, step, slope = case.slopes()
    (map_,) = leaf.fold(step * slope, torch.tensor([0]))
    return off(case.ask("input_x_gradient").values, case.question.segmentation.pool(map_, "sum"))


def saliency(case: Case) -> float:
    leaf, _, slope = case.slopes()
    (map_,) = leaf.fold(slope.abs(), torch.tensor([0]))
    return off(case.ask("saliency").values, case.question.segmentation.pool(map_, "mean"))


def smoothgrad(case: Case) -> float:
    """Two seeds, in standard errors of their difference."""
    one, two = (case.ask("smoothgrad", seed=seed) for seed in (0, 1))
    return in_errors(one.values - two.values, np.hypot(one.std, two.std))


def cam(method: str) -> Callable[[Case], float]:
    """From the activations and their slopes, by the formula of the paper."""

    def check(case: Case) -> float:
        found = case.ask(method)
        with torch.enable_grad():
            seen = case.model.activations([case.sample.x])
            (slope,) = torch.autograd.grad(seen.scores[0, case.index], seen.at)
        if method == "gradcam":
            slope = slope.flatten(2).mean(2).reshape(*slope.shape[:2], *[1] * (slope.ndim - 2))
        (map_,) = seen.fold((slope * seen.at).sum(1).detach())
        right = case.question.segmentation.pool(map_, "mean")
        return off(found.values / np.abs(found.values).max(), right / np.abs(right).max())

    return check


def attention(case: Case) -> float:
    case.ask("attention")
    seen = case.model.attention([case.sample.x]).weights
    whole = np.ones(case.n, dtype=bool)
    with torch.no_grad():
        right = case.net(**case._masked(whole), output_attentions=True).attentions
    return max(off(a.detach(), b.numpy()) for a, b in zip(seen, right, strict=True))


CHECKS: dict[str, Callable[[Case], float]] = {
    "shap": shapley,
    "occlusion": occlusion,
    "lime": lime,
    "integrated_gradients": integrated,
    "gradient_shap": sampled,
    "input_x_gradient": product,
    "saliency": saliency,
    "smoothgrad": smoothgrad,
    "gradcam": cam("gradcam"),
    "hirescam": cam("hirescam"),
    "attention": attention,
}


def table() -> str:
    """The rows, a line for each reason, and the counts."""
    import toy_folders as toy

    reasons: dict[str, str] = {}
    lines = ["| architecture | " + " | ".join(f"`{m}`" for m in METHODS) + " |"]
    lines.append("|---" * (len(METHODS) + 1) + "|")
    numbers = refused = 0
    with tempfile.TemporaryDirectory() as place:
        rows = [(name, "") for name in (*toy.TEXT, *toy.IMAGE)]
        rows += [(name, what) for what in HEADS for name in ALSO]
        for name, what in rows:
            case, cells = Case(name, Path(place), what), []
            for method in METHODS:
                try:
                    cells.append(f"{CHECKS[method](case):.0e}")
                    numbers += 1
                except xaikit.XaikitError as error:
                    why = re.sub(r"layer '[^' ]+'", "its last layer", str(error))
                    why = why.replace(f"'{case.model.id}'", "it")
                    cells.append(f"[{reasons.setdefault(why, chr(97 + len(reasons)))}]")
                    refused += 1
            lines.append(f"| {', '.join(filter(None, (name, what)))} | " + " | ".join(cells) + " |")
            print(lines[-1], flush=True)
    told = [f"* [{letter}] {why}" for why, letter in reasons.items()]
    count = f"{numbers} cells hold a number that was checked and {refused} a refusal by reason."
    return "\n".join([*lines, "", count, "", *told])


if __name__ == "__main__":
    said = TARGET.read_text(encoding="utf-8").split(MARK)
    TARGET.write_text(f"{said[0]}{MARK}\n\n{table()}\n\n{MARK}{said[2]}", encoding="utf-8")
