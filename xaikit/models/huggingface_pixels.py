"""How a net out of a folder of Hugging Face reads pictures: brought to size as its processor does, and scaled."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from xaikit.core.errors import InvalidInput, ModelError
from xaikit.core.files import short
from xaikit.models.grids import PixelEncoder
from xaikit.models.huggingface_files import json_of, told, transformers_of
from xaikit.models.huggingface_text import Reading
from xaikit.models.inputs import Batch

__all__ = ["PictureEncoder", "pixels_of"]

Array = NDArray[Any]
_MOST = 8192  # of a side
_TRIED = ((60, 50), (37, 90))  # height and width of pictures that the processor is tried on
_ROUNDED = 1e-5


@dataclass(frozen=True, eq=False)
class PictureEncoder(PixelEncoder):
    """Images (H, W, C) in [0, 1] of the net's size -> (B, C, H, W).

    processor : of transformers, which brings pictures of any size to the net's
    turned : the net reads the channels in the reverse order
    """

    processor: Any = None
    turned: bool = False

    def read(self, net: nn.Module, xs: Sequence[Array] | Array, device: torch.device) -> Batch:
        batch = super().read(net, xs, device)
        return replace(batch, at=batch.at.flip(1)) if self.turned else batch

    def resized(self, x: Array) -> Array:
        """A picture (H, W, 1 or C) of any size in [0, 1] -> (H, W, C) of the net's, resized and cropped in
        whole steps of 1/255 as transformers does it."""
        channels = self.shape[2]
        if x.ndim != 3 or x.shape[2] not in (1, channels):
            raise InvalidInput(
                f"a picture has shape {x.shape} and the model reads {channels} channels; give "
                f"(H, W, {channels})."
            )
        whole = np.rint(np.broadcast_to(x, (*x.shape[:2], channels)) * 255).clip(0, 255)
        return _resized(self.processor, whole.astype(np.uint8))


def pixels_of(folder: Path, net: nn.Module, config: Any) -> Reading:
    """With the settings of the folder's processor, beside which it is tried."""
    del net
    facts = json_of(folder, "preprocessor_config.json")
    _check_side(facts, folder)
    processor = _processor(facts, config, folder)
    channels = int(getattr(config, "num_channels", 3))
    mean, std = (0.0,) * channels, (1.0,) * channels
    if getattr(processor, "do_normalize", False):
        mean, std = (
            _numbers(getattr(processor, key, None), key, channels, folder)
            for key in ("image_mean", "image_std")
        )
    unit = 255 * float(processor.rescale_factor) if processor.do_rescale else 255.0
    pictures = [
        np.random.default_rng(0).integers(0, 256, (*sides, channels), dtype=np.uint8)
        for sides in _TRIED
    ]
    with told(folder):
        brought = [_resized(processor, picture) for picture in pictures]
        right = [_shown(processor, picture, {}) for picture in pictures]
    if len({x.shape for x in brought}) > 1:
        raise ModelError(
            f"'{folder}' brings pictures to sizes that depend on their shape, "
            f"{' and '.join(map(str, (x.shape[:2] for x in brought)))}; let it crop them, by do_center_crop and "
            "crop_size in its preprocessor_config.json."
        )
    shape = (*brought[0].shape[:2], channels)
    inputs = PictureEncoder(
        shape,
        tuple(m / unit for m in mean),
        tuple(s / unit for s in std),
        processor=processor,
        turned=bool(getattr(processor, "do_flip_channel_order", False)),
    )
    _check_equal(inputs, brought, right, folder)
    return Reading("image", inputs, inputs.example(), "first", {"size": shape[:2]})


def _processor(facts: Mapping[str, Any], config: Any, folder: Path) -> Any:
    """The one that the folder names, or that its architecture has; a class of transformers itself."""
    from transformers.models.auto import image_processing_auto as auto

    named = facts.get("image_processor_type") or facts.get("feature_extractor_type")
    own = not named and config.model_type in auto.IMAGE_PROCESSOR_MAPPING_NAMES
    known = str(named).replace("FeatureExtractor", "ImageProcessor").removesuffix("Fast")
    if not own and not hasattr(transformers_of(), known):
        raise ModelError(
            f"'{folder}' brings its pictures to size by {short(repr(named))}, which transformers does not have "
            "itself; name one that it has as image_processor_type in its preprocessor_config.json."
        )
    with told(folder):
        return transformers_of().AutoImageProcessor.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )


def _shown(processor: Any, picture: Array, changes: Mapping[str, bool]) -> Array:
    """(H, W, C) what the processor makes of a picture (H, W, C) uint8."""
    plain = picture[..., 0] if picture.shape[2] == 1 else picture
    found = processor(Image.fromarray(plain), return_tensors="pt", **changes)["pixel_values"]
    return np.moveaxis(found[0].numpy(), 0, -1)


def _resized(processor: Any, picture: Array) -> Array:
    """Resized and cropped, in [0, 1]; neither scaled nor turned."""
    names = ("do_rescale", "do_normalize", "do_flip_channel_order")
    left_out = {name: False for name in names if hasattr(processor, name)}
    return (_shown(processor, picture, left_out) / np.float32(255)).astype(np.float32)


def _check_equal(
    inputs: PictureEncoder, brought: list[Array], right: list[Array], folder: Path
) -> None:
    """`ModelError` where the net would read other numbers than the processor gives."""
    found = inputs.read(nn.Identity(), brought, torch.device("cpu")).at.permute(0, 2, 3, 1).numpy()
    off = max(
        float(np.abs(a - b).max()) if a.shape == b.shape else np.inf
        for a, b in zip(found, right, strict=True)
    )
    if not off <= _ROUNDED * max(1.0, float(np.abs(right[0]).max())):
        raise ModelError(
            f"'{folder}': the {type(inputs.processor).__name__} does more to pictures than size, crop, mean, std "
            f"and order of channels (a difference of {off:.2g}); bring them to what the net reads yourself and "
            "give the module to xaikit.wrap."
        )


def _check_side(facts: Mapping[str, Any], folder: Path) -> None:
    """No picture larger than a net reads, before any is made."""
    for key in ("size", "crop_size"):
        given = facts.get(key)
        sides = [*given.values()] if isinstance(given, Mapping) else given
        sides = [n for n in (sides if isinstance(sides, list) else [sides]) if n is not None]
        if not all(type(n) is int and 0 < n <= _MOST for n in sides):
            raise ModelError(
                f"'{folder}': {key} is {short(given)}; give whole numbers of pixels from 1 to {_MOST} in its "
                "preprocessor_config.json."
            )


def _numbers(given: Any, key: str, n: int, folder: Path) -> tuple[float, ...]:
    """One finite number a channel; above 0 where it is divided by."""
    if not (
        isinstance(given, (list, tuple))
        and len(given) == n
        and all(type(v) in (int, float) and math.isfinite(v) for v in given)
        and (key != "image_std" or min(given) > 0)
    ):
        raise ModelError(
            f"'{folder}': {key} is {short(given)}; {n} numbers are needed, one a channel, and what is divided "
            "by is above 0."
        )
    return tuple(float(v) for v in given)
