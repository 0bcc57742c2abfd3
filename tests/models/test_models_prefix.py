"""A causal transformer starts at the first word that changes: the same numbers from fewer tokens."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from toy_zoo import fresh, toy_data

from xaikit.models import prefix
from xaikit.models.prefix import Behind, Prefix

EVERYTHING = slice(None)
N = 24


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passes cost nothing, so that tiny nets share prefixes too."""
    monkeypatch.setattr(prefix, "_PASS", 0)


def text(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).choice(["the", "a", "film", "good", "so", "unheard"], N)


def loud(name: str, modality: Any, **params: Any) -> Any:
    """A net whose attention is far from even, so that every earlier word counts."""
    model = fresh(name, modality, **params)
    with torch.no_grad():
        for key, weight in model.net.named_parameters():
            if key.endswith(("qkv.weight", "out.weight", "head.weight")):
                weight.mul_(4.0)
    return model


def whole(model: Any, x: np.ndarray, references: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """(m, k, K) by the definition: every masked input through `scores`."""
    shape = (-1, *(1,) * (x.ndim - 1))
    return np.stack(
        [
            np.stack([model.scores([np.where(m.reshape(shape), x, r)])[0] for r in references])
            for m in masks
        ]
    )


def words(seed: int = 0) -> tuple[Any, np.ndarray, np.ndarray, Any]:
    model, x = loud("gpt_small", "text"), text(seed)
    references = np.stack([np.full(N, "[MASK]"), text(seed + 9)])
    return model, x, references, model.bind(x, references, np.arange(N), False)


def every_sort(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    late = np.ones((8, N), dtype=bool)
    late[:, N // 2 :] = rng.random((8, N - N // 2)) < 0.5
    masks = np.concatenate([~np.eye(N, dtype=bool), np.tri(N, dtype=bool), late, late[:1] | True])
    return masks[rng.permutation(len(masks))]


@pytest.mark.parametrize("seed", range(4))
def test_the_scores_are_those_of_whole_passes(seed):
    model, x, references, scores = words(seed)
    masks = every_sort(seed)
    right = whole(model, x, references, masks)
    np.testing.assert_allclose(scores(masks, EVERYTHING), right, atol=1e-5)
    assert scores.tokens < 0.7 * scores.asked
    np.testing.assert_allclose(scores(masks[5:], slice(1, 2)), right[5:, 1:], atol=1e-5)
    assert np.ptp(right, axis=0).min() > 0.01  # far more than the tolerance


def test_the_saving_is_counted_in_tokens():
    *_, scores = words()
    scores(~np.eye(N, dtype=bool), slice(0, 1))
    # 24 words left out one by one in 8 passes of 3, each from the first of the three, and the text
    assert scores.asked == N * N
    assert scores.tokens == sum(3 * (N - 3 * i) for i in range(8)) + N
    scores(np.eye(N, dtype=bool)[:1], slice(0, 1))  # changes the second word: in full
    assert scores.tokens == sum(3 * (N - 3 * i) for i in range(8)) + 2 * N


def test_words_that_are_never_removed_and_words_in_pieces(monkeypatch):
    monkeypatch.setattr(Prefix, "pays", lambda _: True)
    model, x, references, _ = words()
    ids = np.repeat([-1, 0, 1, -1, 2, 1], 4)  # feature 1 stands in two places
    scores = model.bind(x, references, ids, False)
    masks = np.array([[1, 1, 0], [1, 0, 1], [1, 1, 1], [1, 1, 0], [1, 0, 0]], dtype=bool)
    kept = np.concatenate([masks, np.ones((5, 1), bool)], axis=1)[:, ids]
    np.testing.assert_allclose(
        scores(masks, EVERYTHING), whole(model, x, references, kept), atol=1e-5
    )
    assert scores.tokens < scores.asked


def test_steps_of_a_series():
    model = loud("gpt_small", "series")
    x, other = (sample.x for sample in toy_data("series").train[:2])
    ids = (np.arange(20) // 4)[:, None] * 2 + np.arange(2)  # windows x channels
    scores = model.bind(x, other[None], ids, False)
    masks = ~np.eye(10, dtype=bool)
    right = [model.scores([np.where(mask[ids], x, other)]) for mask in masks]
    np.testing.assert_allclose(scores(masks, EVERYTHING), right, atol=1e-5)
    assert scores.tokens < scores.asked


@pytest.mark.parametrize("name", ["bert_small", "lstm"])
def test_nets_that_look_ahead_or_have_no_attention_are_left_alone(name):
    model = fresh(name, "text")
    assert not isinstance(
        model.bind(text(), np.full((1, N), "[MASK]"), np.arange(N), False), Prefix
    )


def test_few_tokens_saved_are_not_worth_it(monkeypatch):
    *_, scores = words()
    scores(np.random.default_rng(0).random((40, N)) < 0.5, EVERYTHING)
    assert scores.tokens == scores.asked
    monkeypatch.undo()  # what passes cost outweighs all in a net of this size
    assert not isinstance(words()[-1], Prefix)


def test_a_net_with_hooks_is_evaluated_in_full():
    model, _, _, scores = words()
    seen: list[int] = []
    hook = model.net["body"].head.register_forward_hook(lambda *_: seen.append(1))
    scores(~np.eye(N, dtype=bool), EVERYTHING)
    assert seen == [1]
    assert scores.tokens == scores.asked
    hook.remove()


def test_nothing_is_left_behind():
    model, _, _, scores = words()
    model.net.train()
    scores(~np.eye(N, dtype=bool), EVERYTHING)

    def fails(*_: Any) -> Any:
        raise ValueError("the head fails")

    model.net["body"].head.forward = fails
    with pytest.raises(ValueError, match="the head fails"):
        scores(~np.eye(N, dtype=bool), EVERYTHING)
    assert all(m.training and not m._forward_hooks for m in model.net.modules())
    assert all(w.requires_grad and w.grad is None for w in model.net.parameters())
    assert torch.overrides._get_current_function_mode() is None


@pytest.mark.parametrize("what", ["places", "keys", "mask"])
def test_a_planted_error_shows(what, monkeypatch):
    model, x, references, scores = words()
    masks = ~np.eye(N, dtype=bool)
    right = whole(model, x, references, masks)
    begin = Behind.__init__
    if what == "places":  # the rest would count its places from 0
        monkeypatch.setattr(
            prefix.F, "pad", lambda x, _: torch.cat([x, x[:, :1].repeat(1, N, 1)], 1)
        )
    if what == "keys":  # keys of another text
        monkeypatch.setattr(
            Behind,
            "__init__",
            lambda s, known, at: begin(s, [(k + 1, v - 1) for k, v in known], at),
        )
    if what == "mask":  # words see one word less than they may
        tril = torch.Tensor.tril
        monkeypatch.setattr(torch.Tensor, "tril", lambda t, at: tril(t, at - 1))
    try:
        found = scores(masks, EVERYTHING)
    except RuntimeError:
        return
    assert not np.abs(found - right).max() < 1e-3
