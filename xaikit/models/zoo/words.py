"""Word vectors that also exist for words never seen in training."""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["WordVectors"]


class WordVectors(nn.Module):
    """One vector a word: its own embedding, plus the mean over its hashed character n-grams
    (Bojanowski et al. 2017). Code 0 is padding and stands for the zero vector."""

    def __init__(self, n_words: int, n_buckets: int, width: int) -> None:
        super().__init__()
        self.word = nn.Embedding(n_words, width, padding_idx=0)
        self.grams = nn.EmbeddingBag(n_buckets + 1, width, mode="mean", padding_idx=0)
        for weight in (self.word.weight, self.grams.weight):
            nn.init.normal_(weight, std=0.5)
            weight.data[0] = 0

    def forward(self, codes: Tensor) -> Tensor:
        """(U, 1 + G) word code and n-gram codes -> (U, E)"""
        return self.word(codes[:, 0]) + self.grams(codes[:, 1:])  # type: ignore[no-any-return]
