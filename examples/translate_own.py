"""A model of yours that says a text for a text: which word of the source each word of the output comes from.

Run: python examples/translate_own.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

import xaikit
from xaikit.tasks.sequence import END

WORDS = {"das": "the", "haus": "house", "ist": "is", "klein": "small", "alt": "old"}
TOKENS = (END, *WORDS.values(), "not")


def next_token(sources, said):
    """For each source and what was said so far the logits of the next token; "nicht" goes before the adjective."""
    logits = np.full((len(sources), len(TOKENS)), -4.0)
    for row, source, so_far in zip(logits, sources, said, strict=True):
        words = [w for w in map(str, source) if w != "nicht"]
        wanted = [WORDS.get(word) for word in words]
        if "nicht" in source:
            wanted.insert(len(wanted) - 1, "not")
        token = wanted[len(so_far)] if len(so_far) < len(wanted) else END
        if token is not None:  # of a removed word nothing is known
            row[TOKENS.index(token)] = 4.0
    return logits


def main(out="reports"):
    """The text that is said, what each of its words comes from, and a page."""
    sample = xaikit.Sample("sentence", np.array(["das", "haus", "ist", "nicht", "alt"]), "text")
    model = xaikit.wrap(
        next_token,
        modality="text",
        task="sequence_to_sequence",
        classes=TOKENS,
        sample=sample.x,
        id="word-by-word",
    )
    found = model.about(sample.x).found
    print("says:", model.task.text(found.tokens))
    for t in range(len(found.tokens)):
        (e,) = xaikit.explain(model, sample, "shap", target=f"token {t + 1}")
        token = TOKENS[found.tokens[t]]
        print(f"{token:>6}: {', '.join(f'{name} {v:+.2f}' for name, v in e.top(2))}")
    (e,) = xaikit.explain(model, sample, "shap", at="the house is old", target="token 4")
    print("why not 'old' in place of 'not':", e.top(1))
    run = xaikit.study(model, [sample], "shap,occlusion,lime,random")
    return xaikit.write_report(run, Path(out) / "translate-own.html")


if __name__ == "__main__":
    print("report:", main())
