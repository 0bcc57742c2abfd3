"""Does a net that hears digits know the digit, or the speakers it has learned from?

Run: python examples/digits_by_speaker.py [folder or .zip of recordings called DIGIT_SPEAKER_TAKE.wav]
Without one, three speakers are composed.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
from scipy.io import wavfile

import xaikit

RATE = 8000


def compose(folder: Path, takes: int) -> Path:
    """Two words of two tones, rising or falling, by three speakers of different pitch."""
    rng = np.random.default_rng(0)
    time = np.arange(RATE // 2) / RATE
    for who, pitch in (("ann", 300), ("bob", 220), ("cid", 260)):
        for word, steps in (("up", (1, 2)), ("down", (2, 1))):
            for take in range(takes):
                tones = np.repeat([pitch * s * rng.uniform(0.95, 1.05) for s in steps], RATE // 4)
                wave = 0.4 * np.sin(2 * np.pi * tones * time) + rng.normal(0, 0.02, len(time))
                name = folder / f"{word}_{who}_{take}.wav"
                wavfile.write(name, RATE, (32767 * wave.clip(-1, 1)).astype(np.int16))
    return folder


def main(source: str = "", epochs: int | None = None, n: int = 4, out: str = "reports") -> Path:
    with tempfile.TemporaryDirectory() as place:
        source = source or str(compose(Path(place), 4 if epochs else 30))
        read = {"names": "{label}_{speaker}_{take}"}
        apart = xaikit.load_data(source, group="speaker", **read)  # a speaker is only measured on
        mixed = xaikit.load_data(source, **read)
    model = xaikit.train("logmel_cnn", apart, epochs=epochs, seed=0)
    for name, data in (("mixed", mixed), (f"on {apart.facts['group']['test']}", apart)):
        other = xaikit.train("logistic", data).info["metrics"]["test"]["accuracy"]
        net = model if data is apart else xaikit.train("logmel_cnn", data, epochs=epochs, seed=0)
        print(f"{name}: net {net.info['metrics']['test']['accuracy']:.2f}, line {other:.2f}")

    run = xaikit.study(
        model, apart.take(n), "shap,gradcam,occlusion,random", data=apart, overview=n
    )
    for e in run.explanations[:2]:
        print(e.sample_id, e.target_names[0], e.top(2))
    return xaikit.write_report(run, Path(out) / "speakers.html")


if __name__ == "__main__":
    print("open", main(*sys.argv[1:2]))
