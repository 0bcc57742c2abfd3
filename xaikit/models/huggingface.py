"""Hugging Face folders as models: `config.json`, weights in safetensors, the tokeniser or the picture settings.

Only the folder is read: nothing is fetched, no code in it is run, and no pickle is opened. Needs
`xaikit[hf]`.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import safe_open
from torch import nn

from xaikit.core.errors import InvalidInput, ModelError, foreign
from xaikit.core.files import Origin, read_json, short
from xaikit.core.registry import PluginWarning
from xaikit.modalities.text import MASK_WORD
from xaikit.models.inputs import Inputs, PixelEncoder
from xaikit.models.neural import NeuralModel, Reads
from xaikit.models.outputs import Outputs
from xaikit.models.text import TokenEncoder
from xaikit.models.training import pick_device
from xaikit.models.wrapping import adapted

__all__ = ["CutText", "load_folder", "save_folder"]

_TEXT, _IMAGE = "ForSequenceClassification", "ForImageClassification"
_DROPPED = (  # may lead out of the folder, or are decided here
    *("auto_map", "attn_implementation", "_attn_implementation", "_name_or_path"),
    *("dtype", "torch_dtype"),
)
_LONGEST = 1_000_000  # what tokenisers say that know no limit
_TRIED = "The quick brown fox jumps over the lazy dog"


class CutText(PluginWarning):
    """A text is longer than its model reads."""


def load_folder(path: str | Path, device: str = "auto") -> NeuralModel:
    """The classifier of texts or pictures that `save_pretrained` wrote into the folder.

    `ModelError` says what is missing, what is not read, and the way out.

    >>> load_folder("models/my-bert").classes
    ('negative', 'positive')
    """
    folder = Path(path)
    if not folder.is_dir():
        raise ModelError(f"there is no folder '{folder}'; give the one that save_pretrained wrote.")
    _check_files(folder)
    facts = _json(folder, "config.json")
    kind = _kind(folder, facts)
    _check_layers(folder, facts)
    config = _config(folder, facts)
    net = _net(folder, kind, config).to(pick_device(device)).eval().requires_grad_(False)
    read = _words if kind.endswith(_TEXT) else _pixels
    found = read(folder, net, config)
    classes, outputs = _head(folder, config)
    try:
        model = adapted(
            net,
            found.inputs,
            id=folder.resolve().name,
            modality=found.modality,
            classes=classes,
            outputs=outputs,
            x=found.tried,
            reads=found.reads,
        )
    except InvalidInput as error:
        raise ModelError(f"the model in '{folder}' cannot be asked: {short(error, 400)}") from error
    model.info = {**model.info, "family": "huggingface", "architecture": kind, **found.facts}
    return model


def save_folder(model: NeuralModel, folder: Path) -> Path:
    """Write a model that was loaded here as such a folder again."""
    if folder.exists() and any(folder.iterdir()):
        raise ModelError(f"'{folder}' is not empty; choose a new folder for '{model.id}'.")
    with _told(folder):
        model.net.save_pretrained(folder)  # type: ignore[operator]
        if isinstance(model.inputs, TokenEncoder):
            model.inputs.encode.tokenizer.save_pretrained(folder)  # type: ignore[attr-defined]
    if isinstance(model.inputs, PixelEncoder):
        height, width, _ = model.inputs.shape
        facts = {
            "image_mean": model.inputs.mean,
            "image_std": model.inputs.std,
            "size": {"height": height, "width": width},
        }
        (folder / "preprocessor_config.json").write_text(json.dumps(facts), encoding="utf-8")
    return folder


class _Read(NamedTuple):
    """How a net reads samples."""

    modality: str
    inputs: Inputs
    tried: Any
    reads: Reads
    facts: Mapping[str, Any]


def _transformers() -> Any:
    try:
        import transformers
    except ImportError as error:
        raise ModelError(
            "folders of Hugging Face are read by transformers, which is not installed; say "
            "pip install 'xaikit[hf]'."
        ) from error
    return transformers


def _check_files(folder: Path) -> None:
    """Weights in safetensors, nothing that leads out of the folder, and no second model inside."""
    names = [p.name for p in folder.iterdir()]
    inside = folder.resolve()
    blobs = inside.parent.parent / "blobs"  # where the cache of the hub keeps its files
    for name in names:
        real = (folder / name).resolve()
        if not (real.is_relative_to(inside) or real.parent == blobs):
            raise ModelError(
                f"'{folder / name}' leads out of its folder; put the file itself there."
            )
    if "adapter_config.json" in names:
        raise ModelError(
            f"'{folder}' holds an adapter, whose base model lies elsewhere; merge them with "
            "merge_and_unload(), save the result and give that folder."
        )
    if not any(name.endswith(".safetensors") for name in names):
        held = next(
            (n for n in names if n.endswith((".bin", ".pt", ".pth", ".h5", ".msgpack"))), ""
        )
        raise ModelError(
            f"'{folder}' has no weights in safetensors{f' but {short(held)!r}, which is not read' if held else ''}; "
            "load the model where you trust it and say model.save_pretrained(folder)."
        )
    if "model.safetensors.index.json" in names:
        parts = _json(folder, "model.safetensors.index.json").get("weight_map")
        for name in set(parts.values() if isinstance(parts, dict) else [""]):
            if name not in names:
                raise ModelError(
                    f"'{folder / 'model.safetensors.index.json'}' names the part {short(repr(name))}, which "
                    "is not in the folder; copy the whole folder again."
                )


def _json(folder: Path, name: str) -> dict[str, Any]:
    path = folder / name
    if not path.is_file():
        raise ModelError(f"'{folder}' has no {name}; give a folder that save_pretrained wrote.")
    found = read_json(path, Origin(f"'{path}'", ModelError, "save the model again"))
    if not isinstance(found, dict):
        raise ModelError(f"'{path}' holds no JSON object; save the model again.")
    return found


def _kind(folder: Path, facts: Mapping[str, Any]) -> str:
    """The name of the class that the folder was saved from, one that transformers itself has."""
    from transformers.models.auto import modeling_auto as auto

    _transformers()
    named = facts.get("architectures")
    kind = str(named[0]) if isinstance(named, list) and named else None
    known: set[str] = set()
    for ours in (
        auto.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES,
        auto.MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES,
    ):
        for name in ours.values():
            known.update((name,) if isinstance(name, str) else name)
    if kind in known and "quantization_config" not in facts and "Timm" not in kind:
        return kind
    if kind in known:
        raise ModelError(
            f"'{folder}' holds quantised weights or a net of another package; save it in float32 as a "
            "model of transformers."
        )
    raise ModelError(
        f"'{folder}' holds a {short(repr(kind))}, and read are classifiers of texts and pictures that "
        f"transformers has itself (...{_TEXT}, ...{_IMAGE}); no code in a folder is run: load yours and "
        "give the module to xaikit.wrap."
    )


def _check_layers(folder: Path, facts: Mapping[str, Any]) -> None:
    """No more layers than there are weights, before any is made."""
    n = 0
    for path in folder.glob("*.safetensors"):
        with foreign(f"safetensors, reading '{path}',"), safe_open(path, framework="pt") as file:
            n += len(file.keys())
    for name, value in facts.items():
        many = value if isinstance(value, list) and name == "depths" else [value]
        counts = name == "depths" or ("layer" in name and name != "max_window_layers")
        if counts and any(type(v) is int and v > n for v in many):
            raise ModelError(
                f"'{folder}': {short(name)} is {short(value)} and the folder holds {n} weights; the two do "
                "not belong together."
            )


def _config(folder: Path, facts: Mapping[str, Any]) -> Any:
    from transformers import CONFIG_MAPPING

    with _told(folder):
        clean = {k: v for k, v in facts.items() if k not in _DROPPED}
        return CONFIG_MAPPING[facts.get("model_type")].from_dict(clean)


def _net(folder: Path, kind: str, config: Any) -> nn.Module:
    """With every weight out of the folder, in float32."""
    cls = getattr(_transformers(), kind)
    config.use_cache = False
    with _told(folder), torch.random.fork_rng(devices=[]):
        net, told = cls.from_pretrained(
            folder,
            config=config,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            dtype=torch.float32,
            attn_implementation="sdpa" if cls._supports_sdpa else "eager",
            output_loading_info=True,
        )
    missing = sorted(told["missing_keys"])
    if missing:
        raise ModelError(
            f"'{folder}' has no weights for {short(', '.join(missing), 120)}, so they would be drawn at "
            "random; give a folder with a trained classifier."
        )
    for name, weight in net.named_parameters():
        if not torch.isfinite(weight).all():
            raise ModelError(f"'{folder}': '{name}' holds NaN or infinity; train the model again.")
    return net  # type: ignore[no-any-return]


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """Inside, transformers is silent; what it raises names the folder."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with foreign(f"transformers, reading '{folder}',"):
            yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _head(folder: Path, config: Any) -> tuple[tuple[str, ...], Outputs]:
    """Class names and what the logits are, as the config says."""
    n = int(config.num_labels)
    names = tuple(str(config.id2label.get(i, i)) for i in range(n))
    if names == tuple(f"LABEL_{i}" for i in range(n)):  # which nobody gave
        names = tuple(map(str, range(n)))
    if len(set(names)) < n:
        raise ModelError(
            f"'{folder}' calls two classes the same; mend id2label in its config.json."
        )
    if config.problem_type == "regression" or (n == 1 and config.problem_type is None):
        return (), "values"
    multi = config.problem_type == "multi_label_classification"
    return names, "multilabel_logits" if multi else "logits"


def _words(folder: Path, net: nn.Module, config: Any) -> _Read:
    with _told(folder):
        tokenizer = _transformers().AutoTokenizer.from_pretrained(
            folder, config=config, local_files_only=True, trust_remote_code=False
        )
    if not isinstance(tokenizer.model_max_length, (int, float)):
        tokenizer.model_max_length = _LONGEST
    if not tokenizer.is_fast:
        raise ModelError(
            f"'{folder}' has a tokeniser that does not say where its tokens stand in the text; save it "
            "with a tokenizer.json."
        )
    mask = next(
        t
        for t in (tokenizer.mask_token, tokenizer.unk_token, tokenizer.pad_token, tokenizer.eos_token)
        if t is not None
    )  # fmt: skip
    most = _most_tokens(net, tokenizer, config)
    own = net.get_input_embeddings()  # type: ignore[operator]
    embedding = next(name for name, module in net.named_modules() if module is own)
    pad = config.pad_token_id
    inputs = TokenEncoder(
        encode=_Encode(folder.name, tokenizer, str(mask), most),
        embedding=embedding,
        valid_as="attention_mask",
        padding_id=0 if pad is None else int(pad),
        of_text=True,
        mask_id=int(tokenizer.convert_tokens_to_ids(mask)),
        by_token=True,
    )
    last: Reads = "last" if _causal(config) else "first"
    facts = {"mask_token": str(mask), "most_tokens": most}
    return _Read("text", inputs, _TRIED.split(), last, facts)


@dataclass(frozen=True, eq=False)
class _Encode:
    """A text as it is written -> token ids, and where each stands in the text; the mask word is one token."""

    id: str
    tokenizer: Any
    mask: str
    most: int | None

    def __call__(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        parts = text.split(MASK_WORD)
        found = self.tokenizer(
            self.mask.join(parts), return_offsets_mapping=True, verbose=False, truncation=False
        )
        if self.most is not None and len(found["input_ids"]) > self.most:
            n = len(found["input_ids"])
            found = self.tokenizer(
                self.mask.join(parts),
                return_offsets_mapping=True,
                truncation=True,
                max_length=self.most,
            )
            warnings.warn(
                f"'{self.id}' reads {self.most} tokens and a text has {n} ('{text[:40]}...'); the rest of it "
                "is not read, and its words count for nothing.",
                CutText,
                stacklevel=2,
            )
        if not found["input_ids"]:  # of an empty text
            return [int(self.tokenizer.convert_tokens_to_ids(self.mask))], [(0, 0)]
        return found["input_ids"], _back(found["offset_mapping"], parts, len(self.mask))


def _back(
    spans: Sequence[tuple[int, int]], parts: Sequence[str], width: int
) -> list[tuple[int, int]]:
    """Spans in a text with mask tokens of that width -> spans in the text with mask words."""
    if len(parts) == 1 or width == len(MASK_WORD):
        return list(spans)
    edges, at, moved = [], 0, 0  # (start of a mask token, how far it lies from its mask word)
    for part in parts[:-1]:
        at += len(part)
        edges.append((at, moved))
        at, moved = at + width, moved + len(MASK_WORD) - width

    def place(i: int) -> int:
        begun = [(start, shift) for start, shift in edges if start < i]
        if not begun:
            return i
        start, shift = begun[-1]
        inside = i - start
        return (
            start
            + shift
            + (len(MASK_WORD) + inside - width if inside >= width else min(inside, len(MASK_WORD)))
        )

    return [(place(start), place(end)) for start, end in spans]


def _most_tokens(net: nn.Module, tokenizer: Any, config: Any) -> int | None:
    """How long a text may be: what the tokeniser says, and how many positions have a vector."""
    limits = [tokenizer.model_max_length, getattr(config, "max_position_embeddings", None)]
    for name, module in net.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, nn.Embedding):
            blank = module.padding_idx  # positions are counted from it
            limits.append(module.num_embeddings - (0 if blank is None else blank + 1))
    known = [int(n) for n in limits if isinstance(n, (int, float)) and 0 < n < _LONGEST]
    return min(known, default=None)


def _causal(config: Any) -> bool:
    """Whether the head reads the last token: a decoder's, which sees all others."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES as DECODERS
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES as ENCODERS

    return config.model_type in DECODERS and config.model_type not in ENCODERS


def _pixels(folder: Path, net: nn.Module, config: Any) -> _Read:
    del net
    facts = _json(folder, "preprocessor_config.json")
    channels = int(getattr(config, "num_channels", 3))
    size = _size(facts, config, folder)
    mean, std = (0.0,) * channels, (1.0,) * channels
    if facts.get("do_normalize", True):
        mean, std = (_numbers(facts, key, channels, folder) for key in ("image_mean", "image_std"))
    inputs = PixelEncoder((*size, channels), mean, std)
    return _Read("image", inputs, inputs.example(), "first", {"size": size})


def _size(facts: Mapping[str, Any], config: Any, folder: Path) -> tuple[int, int]:
    """Height and width of the pictures that the net reads."""
    cropped = facts.get("crop_size") if facts.get("do_center_crop") else None
    given = cropped or facts.get("size") or getattr(config, "image_size", None)
    if isinstance(given, Mapping):
        side = given.get("shortest_edge")
        given = (given.get("height", side), given.get("width", side))
    if isinstance(given, int):
        given = (given, given)
    if not (isinstance(given, (tuple, list)) and len(given) == 2) or not all(
        isinstance(n, int) and 0 < n < _LONGEST for n in given
    ):
        raise ModelError(
            f"'{folder}' does not say how large its pictures are; mend 'size' in its preprocessor_config.json."
        )
    return given[0], given[1]


def _numbers(facts: Mapping[str, Any], key: str, n: int, folder: Path) -> tuple[float, ...]:
    """One finite number a channel; above 0 where it is divided by."""
    given = facts.get(key)
    if not (
        isinstance(given, list)
        and len(given) == n
        and all(type(v) in (int, float) and math.isfinite(v) for v in given)
        and (key != "image_std" or min(given) > 0)
    ):
        raise ModelError(
            f"'{folder}': {key} is {short(given)}; {n} numbers are needed, one a channel, and what is divided "
            "by is above 0."
        )
    return tuple(float(v) for v in given)
