"""The same explanations by captum, lime and shap, on the same net, the same features and as many
evaluations, written as their documents show it.

Every entry is a call together with a count of the rows that it sent through the net.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import captum.attr
import lime.lime_image
import lime.lime_text
import numpy as np
import shap
import torch
from torch import Tensor

from benchmarks.passes import masked
from xaikit.core.question import Question
from xaikit.modalities.text import MASK_WORD
from xaikit.models.inputs import Batch, padding
from xaikit.models.neural import NeuralModel, evaluating

__all__ = ["Peers", "global_seed"]

Work = Callable[[], Any]


@dataclass(eq=False)
class Peers:
    """Other packages on one question.

    rows : that went through the net since it was last set to 0
    """

    question: Question
    rows: int = 0
    _vectors: dict[str, Tensor] = field(default_factory=dict)

    @property
    def model(self) -> NeuralModel:
        return self.question.model  # type: ignore[return-value]

    @cached_property
    def ends(self) -> tuple[Tensor, Tensor]:
        """The encoded sample and its encoded reference, (1, ...) each."""
        n = self.question.n_features
        at, _ = masked(self.question, np.array([[True] * n, [False] * n]))
        k = len(self.question.masker.references)
        return at[:1].contiguous(), at[k : k + 1].contiguous()

    @cached_property
    def ids(self) -> Tensor:
        """The feature of every place of the encoded sample, as captum wants it."""
        batch = self.model.encode([self.question.sample.x])
        places = torch.from_numpy(self.model.inputs.places(self.question.segmentation.ids, batch))
        return places.expand(self.ends[0].shape[1:])[None].to(self.ends[0].device)

    def net(self, at: Tensor) -> Tensor:
        """(B, ...) encoded -> (B, K)."""
        self.rows += len(at)
        lengths = (at.shape[1],) * len(at) if self.model.modality == "text" else ()
        batch = Batch(at, lengths, padding(lengths, at.device) if lengths else None)
        with evaluating(self.model.net):
            return self.model.inputs.run(self.model.net, at, batch)

    def of_images(self, xs: np.ndarray) -> np.ndarray:
        """(B, H, W, C) -> (B, K), as a user of lime or shap writes it."""
        inputs = self.model.inputs
        at = torch.from_numpy(np.asarray(xs, dtype=np.float32)).to(self.model.device)
        at = (at - at.new_tensor(inputs.mean)) / at.new_tensor(inputs.std)
        return self._plain(at.permute(0, 3, 1, 2))

    def of_texts(self, texts: Any) -> np.ndarray:
        """B texts -> (B, K): split, look the vectors up, run."""
        if not self._vectors:
            at, off = self.ends
            for word, vector in zip(self.question.sample.x, at[0], strict=True):
                self._vectors[str(word)] = vector
            self._vectors[MASK_WORD] = off[0, 0]
            self._index = {word: i for i, word in enumerate(self._vectors)}
            self._table = torch.stack(list(self._vectors.values()))
        off_word = self._index[MASK_WORD]
        codes = [[self._index.get(w, off_word) for w in str(text).split()] for text in texts]
        return self._plain(self._table[torch.tensor(codes)])

    def of_rows(self, xs: np.ndarray) -> np.ndarray:
        """(B, D) -> (B, K) for a table."""
        return self._plain(torch.from_numpy(np.asarray(xs, dtype=np.float32)))

    def of_masks(self, zs: np.ndarray) -> np.ndarray:
        """(m, n) of 0 and 1 -> (m,), as the documents of shap mask an image or a text."""
        x, ids = self.question.sample.x, self.question.segmentation.ids
        off = self.question.masker.references[0]
        if self.model.modality == "text":
            words = [" ".join(np.where(z[ids] > 0, x, off)) for z in zs]
            return self.of_texts(words)[:, self._target]
        out = np.zeros((len(zs), *x.shape))
        for i, z in enumerate(zs):
            out[i] = x
            for j in np.flatnonzero(z == 0):
                out[i][ids == j] = off[ids == j]
        return self.of_images(out)[:, self._target]

    @torch.inference_mode()
    def _plain(self, at: Tensor) -> np.ndarray:
        return self.net(at).cpu().numpy()

    @property
    def _target(self) -> int:
        return self.question.target.index

    def lime(self, budget: int) -> dict[str, Work]:
        """The lime package as it comes, and captum's."""
        x, ids = self.question.sample.x, self.question.segmentation.ids
        target, n = (self._target,), self.question.n_features

        def images() -> Any:
            explainer = lime.lime_image.LimeImageExplainer(random_state=0, verbose=False)
            return explainer.explain_instance(
                x, self.of_images, labels=target, top_labels=None, hide_color=0.5, num_features=n,
                num_samples=budget, segmentation_fn=lambda _: ids,
            )  # fmt: skip

        def texts() -> Any:
            explainer = lime.lime_text.LimeTextExplainer(
                random_state=0, bow=False, mask_string=MASK_WORD, split_expression=r"\s+"
            )
            return explainer.explain_instance(
                " ".join(x), self.of_texts, labels=target, num_features=n, num_samples=budget
            )

        own = {"lime": images if self.model.modality == "image" else texts}
        return own | self._captum(captum.attr.Lime, "captum.Lime", n_samples=budget)

    def shap(self, budget: int) -> dict[str, Work]:
        """Kernel and Partition of shap, and captum's KernelShap."""
        n = self.question.n_features

        def kernel() -> Any:
            explainer = shap.KernelExplainer(self.of_masks, np.zeros((1, n)), silent=True)
            return explainer.shap_values(np.ones((1, n)), nsamples=budget, silent=True)

        def partition() -> Any:
            x, target = self.question.sample.x, self._target
            if self.model.modality == "image":
                hidden = shap.maskers.Image(np.full(x.shape, 0.5, np.float32), x.shape)
                explainer = shap.PartitionExplainer(
                    lambda xs: self.of_images(xs)[:, [target]], hidden
                )
                return explainer(x[None], max_evals=budget, batch_size=64, silent=True)
            hidden = shap.maskers.Text(
                r"\s+", mask_token=MASK_WORD + " ", collapse_mask_token=False
            )
            explainer = shap.PartitionExplainer(lambda ts: self.of_texts(ts)[:, [target]], hidden)
            return explainer([" ".join(x)], max_evals=budget, batch_size=64, silent=True)

        own = {"shap.Kernel": kernel, "shap.Partition": partition}
        return own | self._captum(captum.attr.KernelShap, "captum.KernelShap", n_samples=budget)

    def occlusion(self) -> dict[str, Work]:
        return self._captum(captum.attr.FeatureAblation, "captum.FeatureAblation")

    def _captum(self, kind: Any, name: str, **settings: Any) -> dict[str, Work]:
        at, off = self.ends

        def work(at_once: int) -> Work:
            return lambda: kind(self.net).attribute(
                at, baselines=off, target=self._target, feature_mask=self.ids,
                perturbations_per_eval=at_once, **settings,
            )  # fmt: skip

        return {f"{name}, {many} at once": work(many) for many in (1, 64)}


@contextmanager
def global_seed(seed: int) -> Iterator[None]:
    """Packages that draw from the global generators draw the same numbers; both are put back."""
    states = np.random.get_state(), torch.get_rng_state()  # noqa: NPY002 (theirs, not ours)
    np.random.seed(seed)  # noqa: NPY002
    torch.manual_seed(seed)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        np.random.set_state(states[0])  # noqa: NPY002
        torch.set_rng_state(states[1])
