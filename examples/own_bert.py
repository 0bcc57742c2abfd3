"""Your own Hugging Face model: which words turn a film review, and is attention any good at saying so?

A tiny BERT is made, trained and saved here as `save_pretrained` does; in its place stands the folder that you have.
You see the marked words of each review, and whether attention holds beside SHAP. Needs xaikit[hf].

Run: python examples/own_bert.py
"""

import tempfile
from pathlib import Path

import torch
from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

import xaikit
from xaikit.data.dataset import Dataset


def folder_of(data: Dataset, epochs: int, n: int, place: Path) -> Path:
    """A small BERT that learned these reviews, with one token a word."""
    place.mkdir()
    known = sorted({word.lower() for sample in data.train[: 80 * n] for word in sample.x})
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *known]
    (place / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    tokenizer = BertTokenizer(str(place / "vocab.txt"), model_max_length=64)
    torch.manual_seed(0)
    net = BertForSequenceClassification(
        BertConfig(
            vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
            intermediate_size=64, max_position_embeddings=64, id2label=dict(enumerate(data.classes)),
        )
    )  # fmt: skip
    texts = [sample.meta["text"] for sample in data.train[: 80 * n]]
    labels, optimiser = torch.tensor(data.labels("train")), torch.optim.Adam(net.parameters(), 2e-3)
    for _ in range(epochs):
        for batch in torch.randperm(len(texts)).split(64):
            tokens = tokenizer([texts[i] for i in batch], padding=True, return_tensors="pt")
            optimiser.zero_grad()
            net(**tokens, labels=labels[batch]).loss.backward()
            optimiser.step()
    net.save_pretrained(place)
    tokenizer.save_pretrained(place)
    return place


def main(epochs: int = 8, n: int = 16, out: str = "reports") -> Path:
    data = xaikit.load_data("reviews_en")
    with tempfile.TemporaryDirectory() as kept:
        place = Path(kept) / "film-bert"
        model = xaikit.load(f"hf:{folder_of(data, epochs, n, place)}")
        methods = "attention,integrated_gradients,shap,occlusion,random,magnitude"
        run = xaikit.study(model, data.test[:n], methods, data=data, budget=300, overview=6 * n)
    print(run.of("shap")[0].top(3))
    print(run.findings()[0])
    return xaikit.write_report(run, Path(out) / "own-bert.html")


if __name__ == "__main__":
    print("page:", main())
