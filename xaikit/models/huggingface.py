"""Hugging Face folders as models: `config.json`, weights in safetensors, the tokeniser or the picture settings.

Only the folder is read: nothing is fetched, no code in it is run, and no pickle is opened. Needs
`xaikit[hf]`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from xaikit.core.errors import InvalidInput, ModelError
from xaikit.core.files import short
from xaikit.models.huggingface_files import (
    check_files,
    check_labels,
    check_sizes,
    json_of,
    told,
    transformers_of,
)
from xaikit.models.huggingface_heads import AnswerHead, LabelHead, NextHead
from xaikit.models.huggingface_pixels import PictureEncoder, pixels_of
from xaikit.models.huggingface_text import CutText, Reading, decoders, words_of
from xaikit.models.neural import NeuralModel
from xaikit.models.outputs import Outputs
from xaikit.models.text import TokenEncoder
from xaikit.models.training import pick_device
from xaikit.models.wrapping import adapted

__all__ = ["CutText", "load_folder", "save_folder"]

_SEQUENCE, _TOKEN, _ANSWER, _IMAGE, _NEXT = (
    *("SEQUENCE_CLASSIFICATION", "TOKEN_CLASSIFICATION", "QUESTION_ANSWERING"),
    *("IMAGE_CLASSIFICATION", "CAUSAL_LM"),
)
_DROPPED = (  # may lead out of the folder, or are decided here
    *("auto_map", "attn_implementation", "_attn_implementation", "_name_or_path"),
    *("dtype", "torch_dtype"),
)
_SPARE = 2**26  # numbers that a net may make up for itself, of masks and positions


def load_folder(path: str | Path, device: str = "auto") -> NeuralModel:
    """The classifier of texts, words or pictures, the net that answers questions out of a text, or the decoder
    that goes on with one, that `save_pretrained` wrote into the folder.

    `ModelError` says what is missing, what is not read, and the way out.

    >>> load_folder("models/my-bert").classes
    ('negative', 'positive')
    """
    folder = Path(path)
    if not folder.is_dir():
        raise ModelError(f"there is no folder '{folder}'; give the one that save_pretrained wrote.")
    check_files(folder)
    facts = json_of(folder, "config.json")
    kind, head = _kind(folder, facts)
    held = check_sizes(folder, facts)
    check_labels(folder, facts)
    config = _config(folder, kind, facts)
    _check_memory(folder, kind, config, held)
    net = _net(folder, kind, config).to(pick_device(device)).eval().requires_grad_(False)
    classes, outputs = _head(folder, config, head)
    found = _read(folder, net, config, head, classes)
    if head == _NEXT:
        classes = _vocabulary(found.inputs, int(config.vocab_size))
    try:
        model = adapted(
            net,
            found.inputs,
            id=folder.resolve().name,
            modality=found.modality,
            classes=classes,
            outputs=outputs,
            names=("answer",) if head == _ANSWER else (),
            task="next_word" if head == _NEXT else None,
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
    with told(folder):
        model.net.save_pretrained(folder)  # type: ignore[operator]
        if isinstance(model.inputs, TokenEncoder):
            model.inputs.encode.tokenizer.save_pretrained(folder)  # type: ignore[attr-defined]
        if isinstance(model.inputs, PictureEncoder):
            model.inputs.processor.save_pretrained(folder)
    return folder


def _read(
    folder: Path, net: nn.Module, config: Any, head: str, classes: tuple[str, ...]
) -> Reading:
    if head == _IMAGE:
        return pixels_of(folder, net, config)
    if head == _ANSWER:
        return words_of(folder, net, config, AnswerHead(), "only_second")
    if head == _NEXT:
        return words_of(folder, net, config, NextHead())
    return words_of(folder, net, config, LabelHead(classes) if head == _TOKEN else None)


def _vocabulary(inputs: Any, n: int) -> tuple[str, ...]:
    """The tokens as the tokeniser writes them, one a logit; numbers where it has none."""
    cut = inputs.encode.tokenizer
    return tuple(
        str(cut.convert_ids_to_tokens(i) or f"[{i}]") if i < len(cut) else f"[{i}]"
        for i in range(n)
    )


def _kind(folder: Path, facts: Mapping[str, Any]) -> tuple[str, str]:
    """The name of the class that the folder was saved from, one that transformers itself has, and of its
    head."""
    from transformers.models.auto import modeling_auto as auto

    transformers_of()
    named = facts.get("architectures")
    kind = str(named[0]) if isinstance(named, list) and named else None
    known: dict[str, str] = {}
    for head in (_NEXT, _SEQUENCE, _TOKEN, _ANSWER, _IMAGE):
        for name in getattr(auto, f"MODEL_FOR_{head}_MAPPING_NAMES").values():
            known |= dict.fromkeys((name,) if isinstance(name, str) else name, head)
    if known.get(kind or "") == _NEXT and facts.get("model_type") not in decoders():
        del known[kind or ""]  # it sees what comes later
    if kind in known and "quantization_config" not in facts and "Timm" not in kind:
        return kind, known[kind]
    if kind in known:
        raise ModelError(
            f"'{folder}' holds quantised weights or a net of another package; save it in float32 as a "
            "model of transformers."
        )
    if kind in auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES.values():
        raise ModelError(
            f"'{folder}' holds a {short(repr(kind))}, which says a text for a text and is not read; load it, write a "
            "function of (sources, tokens said so far) that gives the logits of the next token, and give that to "
            "xaikit.wrap(..., task='sequence_to_sequence')."
        )
    raise ModelError(
        f"'{folder}' holds a {short(repr(kind))}, and read are ...ForSequenceClassification, "
        "...ForTokenClassification, ...ForQuestionAnswering, ...ForImageClassification and ...ForCausalLM that "
        "transformers has itself; no code in a folder is run: load yours and give the module to xaikit.wrap."
    )


def _config(folder: Path, kind: str, facts: Mapping[str, Any]) -> Any:
    cls = getattr(transformers_of(), kind).config_class
    if facts.get("model_type") != cls.model_type:
        raise ModelError(
            f"'{folder}': model_type is {short(repr(facts.get('model_type')))} and a {kind} is a '{cls.model_type}'; "
            "mend its config.json."
        )
    with told(folder):
        return cls.from_dict({k: v for k, v in facts.items() if k not in _DROPPED})


def _check_memory(folder: Path, kind: str, config: Any, held: int) -> None:
    """No net much larger than the weights, before memory is taken for it."""
    with told(folder), torch.device("meta"):
        net = getattr(transformers_of(), kind)(config)
    n = sum(value.numel() for value in (*net.parameters(), *net.buffers()))
    if n > 2 * held + _SPARE:
        raise ModelError(
            f"'{folder}' asks for a net of {n:,} numbers and holds weights of {held:,}; its config.json and its "
            "weights do not belong together."
        )


def _net(folder: Path, kind: str, config: Any) -> nn.Module:
    """With every weight out of the folder, in float32."""
    cls = getattr(transformers_of(), kind)
    config.use_cache = False
    with told(folder), torch.random.fork_rng(devices=[]):
        net, loading = cls.from_pretrained(
            folder,
            config=config,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            dtype=torch.float32,
            attn_implementation="sdpa" if cls._supports_sdpa else "eager",
            output_loading_info=True,
            ignore_mismatched_sizes=True,
        )
    for name, here, wanted in sorted(loading["mismatched_keys"])[:1]:
        raise ModelError(
            f"'{folder}': '{name}' has shape {tuple(here)} and its config.json asks for {tuple(wanted)}; the two "
            "do not belong together."
        )
    missing = sorted(loading["missing_keys"])
    if missing:
        raise ModelError(
            f"'{folder}' has no weights for {short(', '.join(missing), 120)}, so they would be drawn at "
            "random; give a folder with a trained classifier."
        )
    for name, weight in net.named_parameters():
        if not torch.isfinite(weight).all():
            raise ModelError(f"'{folder}': '{name}' holds NaN or infinity; train the model again.")
    return net  # type: ignore[no-any-return]


def _head(folder: Path, config: Any, head: str) -> tuple[tuple[str, ...], Outputs]:
    """Class names and what the logits are, as the config says."""
    if head in (_ANSWER, _NEXT):
        return (), "values" if head == _ANSWER else "logits"
    n = int(config.num_labels)
    names = tuple(str(config.id2label.get(i, i)) for i in range(n))
    if names == tuple(f"LABEL_{i}" for i in range(n)):  # which nobody gave
        names = tuple(map(str, range(n)))
    if len(set(names)) < n:
        raise ModelError(
            f"'{folder}' calls two classes the same; mend id2label in its config.json."
        )
    if head == _TOKEN:
        return names, "logits"
    if config.problem_type == "regression" or (n == 1 and config.problem_type is None):
        return (), "values"
    multi = config.problem_type == "multi_label_classification"
    return names, "multilabel_logits" if multi else "logits"
