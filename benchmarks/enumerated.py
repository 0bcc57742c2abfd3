"""Four small models, trained here in seconds, each as games whose 2^n values are all known.

The value of a coalition is the probability of the class that is predicted for the whole input, the
rest of the input replaced by the mean image, an unknown word, or the mean of every column.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from sklearn.datasets import load_digits, make_classification
from sklearn.ensemble import RandomForestClassifier
from torch import Tensor, nn

from benchmarks.shapley_accuracy import Table
from xaikit.data import load_data
from xaikit.shapley.exact import coalition_masks

__all__ = ["GAMES", "train"]

_BATCH = 8192  # masked inputs of one pass


def cnn16(count: int) -> list[Table]:
    """Digits of 8 x 8 pixels in 16 patches of 2 x 2, by a CNN with two convolutions."""
    x, y = load_digits(return_X_y=True)
    images = torch.tensor(x.reshape(-1, 1, 8, 8) / 16, dtype=torch.float32)
    net = nn.Sequential(
        *(nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(12, 24, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(96, 10)),
    )
    train(net, images[:1500], y[:1500], epochs=20)
    patch = torch.arange(64).reshape(8, 8) // 2 % 4 + 4 * (torch.arange(8)[:, None] // 2)
    mean = images[:1500].mean(dim=0)

    def game(image: Tensor) -> Callable[[Tensor], Tensor]:
        return lambda masks: torch.where(masks[:, patch][:, None], image, mean)

    return _tables(net, 16, [game(image) for image in images[1500 : 1500 + count]])


def text13(count: int) -> list[Table]:
    """Review sentences of 13 words, by a bidirectional LSTM."""
    data = load_data("reviews_en")
    words = [list(x) for x in data.inputs("train")]
    number = {word: i + 1 for i, word in enumerate(sorted({w for row in words for w in row}))}

    def encode(rows: list[list[str]]) -> Tensor:
        padded = [[number.get(w, 0) for w in row[:13]] + [0] * (13 - len(row)) for row in rows]
        return torch.tensor(padded)

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(len(number) + 1, 24)
            self.lstm = nn.LSTM(24, 24, batch_first=True, bidirectional=True)
            self.out = nn.Linear(48, 2)

        def forward(self, tokens: Tensor) -> Tensor:
            states: Tensor = self.lstm(self.embed(tokens))[0]
            pooled: Tensor = self.out(states.amax(dim=1))
            return pooled

    net, x, y = Net(), encode(words), np.asarray(data.labels("train"))
    rng = torch.Generator().manual_seed(0)
    seen = torch.where(torch.rand(x.shape, generator=rng) < 0.1, 0, x)  # the unknown word is known
    train(net, torch.cat([x, seen]), np.concatenate([y, y]), epochs=12)
    long = encode([list(row) for row in data.inputs("test") if len(row) >= 13][:count])

    def game(sentence: Tensor) -> Callable[[Tensor], Tensor]:
        return lambda masks: torch.where(masks, sentence, 0)

    return _tables(net, 13, [game(sentence) for sentence in long])


def mlp14(count: int) -> list[Table]:
    """14 columns of made-up classes with four clusters each, by a perceptron with two layers."""
    x, y = make_classification(
        2400, 14, n_informative=10, n_redundant=2, n_clusters_per_class=4, random_state=0
    )
    rows = torch.tensor(x, dtype=torch.float32)
    net = nn.Sequential(
        nn.Linear(14, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2)
    )
    train(net, rows[:2000], y[:2000], epochs=40)
    mean = rows[:2000].mean(dim=0)

    def game(row: Tensor) -> Callable[[Tensor], Tensor]:
        return lambda masks: torch.where(masks, row, mean)

    return _tables(net, 14, [game(row) for row in rows[2000 : 2000 + count]])


def rf12(count: int) -> list[Table]:
    """12 columns of made-up classes with four clusters each, by a random forest of 100 trees."""
    x, y = make_classification(
        2400, 12, n_informative=9, n_redundant=2, n_clusters_per_class=4, random_state=1
    )
    x = x.astype(np.float32)
    forest = RandomForestClassifier(100, random_state=0).fit(x[:2000], y[:2000])
    masks, mean = coalition_masks(12, 0, 2**12), x[:2000].mean(axis=0)
    tables = []
    for row in x[2000 : 2000 + count]:
        shown = int(forest.predict_proba(row[None])[0].argmax())
        tables.append(Table(forest.predict_proba(np.where(masks, row, mean))[:, shown]))
    return tables


GAMES = {"CNN-16": cnn16, "text-13": text13, "MLP-14": mlp14, "RF-12": rf12}
"""Name to a function of the number of inputs."""


def train(net: nn.Module, x: Tensor, y: np.ndarray, epochs: int) -> None:
    """Adam from fixed weights, in a fixed order."""
    rng = torch.Generator().manual_seed(0)
    for weights in net.parameters():
        bound = 1 / np.sqrt(weights.shape[-1])
        weights.data.copy_((2 * torch.rand(weights.shape, generator=rng) - 1) * bound)
    optimiser = torch.optim.Adam(net.parameters(), lr=3e-3)
    labels = torch.as_tensor(y)
    for _ in range(epochs):
        for rows in torch.randperm(len(x), generator=rng).split(64):
            optimiser.zero_grad()
            nn.functional.cross_entropy(net(x[rows]), labels[rows]).backward()
            optimiser.step()
    net.eval()


def _tables(net: nn.Module, n: int, games: list[Callable[[Tensor], Tensor]]) -> list[Table]:
    """All 2^n probabilities of each game's predicted class."""
    tables = []
    with torch.inference_mode():
        for game in games:
            parts = [
                net(game(torch.from_numpy(coalition_masks(n, i, min(i + _BATCH, 2**n)))))
                for i in range(0, 2**n, _BATCH)
            ]
            scores = torch.cat(parts).double().softmax(dim=1)
            tables.append(Table(scores[:, int(scores[-1].argmax())].numpy()))
    return tables
