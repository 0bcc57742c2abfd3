"""The nets of the zoo, declared without torch: importing this fills `ZOO`."""

from __future__ import annotations

from collections.abc import Mapping

from xaikit.models.zoo.architecture import ZOO, Architecture, Recipe

__all__: list[str] = []

Recipes = Mapping[str, Recipe]

_HERE = "xaikit.models.zoo"
_IMAGE: Recipes = {"pixels": Recipe(shift=1)}
_RECURRENT: Recipes = {
    "words": Recipe(steps=700, lr=4e-3, mask_words=0.1),
    "steps": Recipe(steps=1000, lr=4e-3, batch_size=32),
}
_TOKENS: Recipes = {
    "words": Recipe(steps=1000, mask_words=0.1),
    "steps": Recipe(steps=800, batch_size=32),
}
_ROWS: Recipes = {"columns": Recipe(steps=1000, lr=3e-3), **_IMAGE}
_AHEAD = ("classification", "regression", "forecasting")
_NEXT = ("recommendation", "next_word")
_CELLS, _ENCODER = f"{_HERE}.rnn:Recurrent", f"{_HERE}.transformer:SequenceTransformer"

for _architecture in (
    Architecture(
        "lenet", "cnn", "two convolutions and two dense layers (1998)", f"{_HERE}.cnn:LeNet", _IMAGE
    ),
    Architecture(
        "vgg_small", "cnn", "stacked 3 x 3 convolutions (2015)", f"{_HERE}.cnn:VGGSmall", _IMAGE
    ),
    Architecture(
        "resnet_small", "cnn", "residual blocks and a global average (2016)",
        f"{_HERE}.cnn:ResNetSmall", _IMAGE,
    ),
    Architecture(
        "fcn_1d", "cnn", "convolutions over time and a global average (2017)",
        f"{_HERE}.cnn:FCN1d", {"steps": Recipe(steps=800, batch_size=32)},
    ),
    Architecture(
        "inception_1d", "cnn", "convolutions of three lengths side by side (2020)",
        f"{_HERE}.cnn:Inception1d", {"steps": Recipe(steps=800, batch_size=32)},
    ),
    Architecture(
        "word_mean", "mlp", "the mean of word vectors (2017)", f"{_HERE}.mlp:MeanOfWords",
        {"words": Recipe(steps=700, lr=3e-3, mask_words=0.1)},
    ),
    Architecture("mlp", "mlp", "fully connected layers (1986)", f"{_HERE}.mlp:MLP", _ROWS),
    Architecture(
        "tabm", "mlp", "many dense nets that share their weights (2025)", f"{_HERE}.mlp:TabM",
        {"columns": Recipe(steps=1500, lr=3e-3)},
    ),
    Architecture("rnn", "rnn", "plain recurrent net (1990)", _CELLS, _RECURRENT, {"cell": "rnn"}),
    Architecture(
        "lstm", "rnn", "long short-term memory (1997)", _CELLS, _RECURRENT, {"cell": "lstm"}
    ),
    Architecture(
        "gru", "rnn", "gated recurrent unit (2014)", _CELLS, _RECURRENT, {"cell": "gru"},
        (*_AHEAD, *_NEXT),
    ),
    Architecture(
        "bert_small", "transformer", "encoder that reads a class token (2019)",
        _ENCODER, _TOKENS, {"reads": "first"},
    ),
    Architecture(
        "gpt_small", "transformer", "causal net that reads the last token (2018)",
        _ENCODER, {**_TOKENS, "next_word": Recipe(steps=3000, mask_words=0.1)}, {"reads": "last"},
        ("classification", "regression", *_NEXT), {"next_word": {"dropout": 0.0}},
    ),
    Architecture(
        "vit_small", "transformer", "encoder over image patches (2021)",
        f"{_HERE}.transformer:ViTSmall", {"pixels": Recipe(steps=1000, lr=3e-3, shift=1)},
    ),
    Architecture(
        "tcn_1d", "cnn", "causal convolutions of growing dilation (2018)",
        f"{_HERE}.forecast:TCN1d", {"steps": Recipe(steps=1500, batch_size=64)}, {}, _AHEAD,
    ),
    Architecture(
        "mixer_1d", "mlp", "channels mixed step by step, then all steps (2023)",
        f"{_HERE}.forecast:Mixer1d", {"steps": Recipe(steps=2000, batch_size=64)}, {}, _AHEAD,
    ),
    Architecture(
        "patch_transformer", "transformer", "transformer over patches of each channel (2023)",
        f"{_HERE}.forecast:PatchTransformer", {"steps": Recipe(steps=900, lr=1e-3, batch_size=32)},
        {}, ("forecasting",),
    ),
    Architecture(
        "logmel_cnn", "cnn", "convolutions over the mel bands of a sound (2014)",
        f"{_HERE}.cnn:LogMelCNN", {"sound": Recipe(steps=800, lr=4e-3, batch_size=32, shift=4)},
    ),
    Architecture(
        "logmel_gru", "rnn", "gated recurrent unit, both ways over the frames of a sound (2014)",
        f"{_HERE}.rnn:LogMelGRU", {"sound": Recipe(steps=800, lr=4e-3, batch_size=32, shift=4)},
    ),
    Architecture(
        "autoencoder", "mlp", "dense layers through a narrow middle (2006)",
        f"{_HERE}.autoencoder:DenseAE", {"columns": Recipe(steps=2500, lr=3e-3, weight_decay=0.0), "steps": Recipe(steps=2500)},
        {}, ("reconstruction",),
    ),
    Architecture(
        "conv_autoencoder", "cnn", "convolutions through a narrow middle (2011)",
        f"{_HERE}.autoencoder:ConvAE", {"pixels": Recipe(steps=1500, weight_decay=0.0)},
        {}, ("reconstruction",),
    ),
    Architecture(
        "detector", "cnn", "one shot: a box and its class from every cell (2016)",
        f"{_HERE}.dense:Detector", {"pixels": Recipe(steps=900, lr=4e-3, batch_size=32)},
        {}, ("detection",),
    ),
    Architecture(
        "unet", "cnn", "a class for every pixel, down by halves and up again (2015)",
        f"{_HERE}.dense:UNet", {"pixels": Recipe(steps=800, lr=4e-3, batch_size=16, patience=1.0, turn=True)},
        {}, ("segmentation",),
    ),
    Architecture(
        "gru_attention", "encoder_decoder", "reads with one GRU, says with another that attends to it (2015)",
        f"{_HERE}.encoder_decoder:AttentiveGRU", {"words": Recipe(steps=1500, lr=4e-3, mask_words=0.1)},
        {}, ("sequence_to_sequence",),
    ),
    Architecture(
        "encoder_decoder", "encoder_decoder", "transformer that reads one text and says another (2017)",
        f"{_HERE}.encoder_decoder:EncoderDecoder", {"words": Recipe(steps=2000, lr=2e-3, mask_words=0.1)},
        {}, ("sequence_to_sequence",),
    ),
    Architecture(
        "dcgan", "cnn", "a generator of pictures that learns against a critic (2016)",
        f"{_HERE}.dcgan:DCGAN", {"columns": Recipe(steps=1500, weight_decay=0.0)},
        {}, ("generation",),
    ),
):  # fmt: skip
    ZOO.register(_architecture.name)(_architecture)
