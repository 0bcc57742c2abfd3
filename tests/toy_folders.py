"""Tiny checkpoints of Hugging Face's own classes, weights drawn at random, as `save_pretrained` writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers as tf
from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
)

TEXTS = (
    "The film was unbelievably good and the acting spoils nothing",
    "a tiny terrible film with bad acting and a predictable ending",
    "wonderful music, terrible plot, forgettable characters",
)
SMALL: dict[str, Any] = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}
WIDE = {"initializer_range": 0.3}
LLAMA = {**SMALL, **WIDE, "num_key_value_heads": 1, "max_position_embeddings": 64}
# class, config, tokeniser
TEXT: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "bert": ("BertForSequenceClassification", "BertConfig", {**SMALL, **WIDE, "max_position_embeddings": 64}, "wordpiece"),
    "roberta": ("RobertaForSequenceClassification", "RobertaConfig", {**SMALL, **WIDE, "max_position_embeddings": 66}, "bytes"),
    "xlm-roberta": ("XLMRobertaForSequenceClassification", "XLMRobertaConfig", {**SMALL, **WIDE, "max_position_embeddings": 66}, "unigram"),
    "distilbert": ("DistilBertForSequenceClassification", "DistilBertConfig", {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 32, "max_position_embeddings": 64, **WIDE}, "wordpiece"),
    "albert": ("AlbertForSequenceClassification", "AlbertConfig", {**SMALL, **WIDE, "embedding_size": 8, "max_position_embeddings": 64}, "unigram"),
    "electra": ("ElectraForSequenceClassification", "ElectraConfig", {**SMALL, **WIDE, "embedding_size": 8, "max_position_embeddings": 64}, "wordpiece"),
    "deberta-v2": ("DebertaV2ForSequenceClassification", "DebertaV2Config", {**SMALL, **WIDE, "max_position_embeddings": 64, "relative_attention": True, "pos_att_type": ["p2c", "c2p"], "pooler_hidden_size": 16}, "unigram"),
    "gpt2": ("GPT2ForSequenceClassification", "GPT2Config", {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 64, **WIDE}, "gpt"),
    "llama": ("LlamaForSequenceClassification", "LlamaConfig", LLAMA, "gpt"),
    "qwen2": ("Qwen2ForSequenceClassification", "Qwen2Config", LLAMA, "gpt"),
    "t5": ("T5ForSequenceClassification", "T5Config", {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 2, "decoder_start_token_id": 0, "dropout_rate": 0.0}, "unigram"),
    "mpnet": ("MPNetForSequenceClassification", "MPNetConfig", {**SMALL, **WIDE, "max_position_embeddings": 66}, "wordpiece"),
    "modernbert": ("ModernBertForSequenceClassification", "ModernBertConfig", {**SMALL, **WIDE, "max_position_embeddings": 64, "global_attn_every_n_layers": 1}, "wordpiece"),
    "mistral": ("MistralForSequenceClassification", "MistralConfig", LLAMA, "gpt"),
    "gpt_neox": ("GPTNeoXForSequenceClassification", "GPTNeoXConfig", {**SMALL, **WIDE, "max_position_embeddings": 64}, "gpt"),
}  # fmt: skip
STAGES = {"hidden_sizes": [8, 12, 16, 16], "depths": [1, 1, 1, 1]}
PATCHES = {**SMALL, **WIDE, "image_size": 32, "patch_size": 8}
IMAGE: dict[str, tuple[str, str, dict[str, Any]]] = {
    "vit": ("ViTForImageClassification", "ViTConfig", PATCHES),
    "deit": ("DeiTForImageClassificationWithTeacher", "DeiTConfig", PATCHES),
    "swin": ("SwinForImageClassification", "SwinConfig", {"image_size": 32, "patch_size": 2, "embed_dim": 8, "depths": [2, 2], "num_heads": [2, 2], "window_size": 4, **WIDE}),
    "convnext": ("ConvNextForImageClassification", "ConvNextConfig", {**STAGES, "image_size": 32, "patch_size": 2, **WIDE}),
    "resnet": ("ResNetForImageClassification", "ResNetConfig", {**STAGES, "embedding_size": 8, "layer_type": "basic"}),
    "dinov2-registers": ("Dinov2WithRegistersForImageClassification", "Dinov2WithRegistersConfig", {**PATCHES, "num_register_tokens": 3, "mlp_ratio": 2}),
}  # fmt: skip


SQUARE, EDGE = {"height": 32, "width": 32}, {"shortest_edge": 36}
PROCESSORS: dict[str, dict[str, Any]] = {
    "vit": {"image_processor_type": "ViTImageProcessor", "size": SQUARE},
    "deit": {"feature_extractor_type": "DeiTFeatureExtractor", "size": {"height": 36, "width": 36}, "crop_size": SQUARE},
    "swin": {"size": SQUARE, "resample": 3},  # its architecture says which processor
    "convnext": {"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 32}, "crop_pct": 0.75},
    "resnet": {"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 32}},
    "dinov2-registers": {"image_processor_type": "BitImageProcessor", "size": EDGE, "crop_size": SQUARE},
}  # fmt: skip


def tokenizer(kind: str) -> Any:
    """A tokeniser that cuts most words into several tokens; its pieces are written out, as trainers break
    ties another way each time."""

    letters = [*sorted(set("".join(TEXTS).lower()) - {" ", ","}), ",", ".", "!", "'"]
    pieces = ["th", "the", "in", "ing", "er", "ac", "film", "un", "tiny", "ter", "able"]
    if kind == "wordpiece":
        specials = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
        tokens = [*specials, *letters, *pieces, *(f"##{p}" for p in [*letters, *pieces])]
        made = Tokenizer(models.WordPiece({t: i for i, t in enumerate(tokens)}, unk_token="[UNK]"))
        made.normalizer = normalizers.BertNormalizer(lowercase=True)
        made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        ends = ("[CLS]", "[SEP]")
        names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "mask_token": "[MASK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}  # fmt: skip
    elif kind == "unigram":
        specials = ("<pad>", "</s>", "<unk>", "[CLS]", "[SEP]", "[MASK]")
        words = [f"\u2581{p}" for p in ["", *letters, *pieces]]
        scored = [(t, 0.0) for t in specials] + [(t, -9.0) for t in letters]
        scored += [(t, -8.0) for t in [*words, *pieces]] + [(t.upper(), -9.5) for t in letters if t.isalpha()]  # fmt: skip
        made = Tokenizer(models.Unigram(scored, unk_id=2))
        made.pre_tokenizer = pre_tokenizers.Metaspace()
        made.decoder = decoders.Metaspace()
        ends = ("", "</s>")
        names = {"pad_token": "<pad>", "unk_token": "<unk>", "eos_token": "</s>", "mask_token": "[MASK]"}  # fmt: skip
    else:
        specials = ("<s>", "<pad>", "</s>", "<unk>", "<mask>") if kind == "bytes" else ("<|endoftext|>",)  # fmt: skip
        merges = [("t", "h"), ("i", "n"), ("in", "g"), ("e", "r"), ("\u0120", "th"), ("\u0120th", "e"), ("\u0120", "a"), ("a", "c"), ("u", "n"), ("f", "i"), ("l", "m"), ("fi", "lm"), ("\u0120", "film")]  # fmt: skip
        tokens = [*specials, *sorted(pre_tokenizers.ByteLevel.alphabet()), *map("".join, merges)]
        made = Tokenizer(models.BPE({t: i for i, t in enumerate(tokens)}, merges))
        made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        made.decoder = decoders.ByteLevel()
        ends = ("<s>", "</s>") if kind == "bytes" else ("", "")
        names = {"eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>"}
        if kind == "bytes":
            names = {"pad_token": "<pad>", "unk_token": "<unk>", "mask_token": "<mask>", "cls_token": "<s>", "sep_token": "</s>", "bos_token": "<s>", "eos_token": "</s>"}  # fmt: skip
    made.add_special_tokens(list(specials))
    if any(ends):
        single = " ".join(part for part in (ends[0], "$A", ends[1]) if part)
        tokens = [(e, made.token_to_id(e)) for e in ends if e]
        pair = f"{single} $B:1 {ends[1]}:1" if kind != "bytes" else f"{single} </s> $B </s>"
        made.post_processor = processors.TemplateProcessing(single=single, pair=pair, special_tokens=tokens)  # fmt: skip
    side = "left" if kind == "gpt" else "right"
    told = ["token_type_ids"] if kind == "wordpiece" else []  # as those of BERT and of its like do
    return tf.PreTrainedTokenizerFast(tokenizer_object=made, padding_side=side, model_input_names=["input_ids", *told, "attention_mask"], **names)  # fmt: skip


TAGS = ("O", "B-PER", "B-LOC")


def text_folder(
    name: str, place: Path, head: str = "SequenceClassification", **changes: Any
) -> Path:
    """A classifier of two classes, "negative" and "positive", and its tokeniser; or another head: of
    words, with `TAGS`, or of answers."""
    kind, config, settings, cut = TEXT[name]
    kind = kind.replace("SequenceClassification", head)
    if head == "TokenClassification":
        changes = {"id2label": dict(enumerate(TAGS)), "label2id": {t: i for i, t in enumerate(TAGS)}, **changes}  # fmt: skip
    words = tokenizer(cut)
    tokens = {"pad_token_id": words.pad_token_id, "eos_token_id": words.eos_token_id, "bos_token_id": words.bos_token_id}  # fmt: skip
    labels = {"id2label": {0: "negative", 1: "positive"}, "label2id": {"negative": 0, "positive": 1}}  # fmt: skip
    found = getattr(tf, config)(
        vocab_size=len(words), **{**tokens, **labels, **settings, **changes}
    )
    torch.manual_seed(0)
    net = getattr(tf, kind)(found).eval()
    _louder(net)
    net.save_pretrained(place)
    words.save_pretrained(place)
    return place


def image_folder(name: str, place: Path, **changes: Any) -> Path:
    """A classifier of pictures of 32 x 32, three classes, and how they are scaled."""
    kind, config, settings = IMAGE[name]
    found = getattr(tf, config)(num_labels=3, **{**settings, **changes})
    torch.manual_seed(0)
    net = getattr(tf, kind)(found).eval()
    _louder(net)
    net.save_pretrained(place)
    scaled = {"image_mean": [0.5] * 3, "image_std": [0.25] * 3, **PROCESSORS[name]}
    (place / "preprocessor_config.json").write_text(json.dumps(scaled))
    return place


def picture(seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).random((32, 32, 3)).astype(np.float32)


@torch.no_grad()
def _louder(net: Any) -> None:
    """Weights large enough for the words to matter."""
    for name, weight in net.named_parameters():
        if weight.ndim > 1 and weight.std() < 0.2:
            weight.normal_(0, 0.3)
        del name
