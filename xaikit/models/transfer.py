"""Transfer learning: a net that begins with the weights and the preprocessing of another.

Where the classes are others it gets a new head, the last layer; the rest is tuned further, or frozen. Yosinski et
al. (2014), How transferable are features in deep neural networks?
"""

from __future__ import annotations

from torch import nn

from xaikit.core.abilities import Model, output_names
from xaikit.core.errors import InvalidInput
from xaikit.data.dataset import Dataset
from xaikit.models.neural import NeuralModel, SealedModel

__all__ = ["begin", "carry", "learning"]


def begin(start: Model, architecture: str, data: Dataset) -> NeuralModel:
    """The model to begin with; `InvalidInput` says what does not fit: its architecture, or how it reads samples."""
    own = start.info.get("architecture", "a model of your own")
    if not isinstance(start, NeuralModel) or own != architecture:
        raise InvalidInput(
            f"'{start.id}' is {start.info.get('family')} {own} and '{architecture}' is asked for; weights fit "
            "the architecture that they were learned in, so train that one."
        )
    if isinstance(start, SealedModel):
        raise InvalidInput(
            f"'{start.id}' holds int8 weights, which learn nothing; begin with the model it was made of."
        )
    if start.modality != data.modality:
        raise InvalidInput(
            f"'{start.id}' reads {start.modality} and '{data.name}' is {data.modality}."
        )
    known = [(c["name"], tuple(c["categories"])) for c in start.info.get("columns", ())]
    columns = [(column.name, tuple(column.categories)) for column in data.columns]
    if known and columns != known:
        raise InvalidInput(
            f"'{start.id}' reads the columns {', '.join(name for name, _ in known)} and '{data.name}' has "
            f"{', '.join(name for name, _ in columns)}, or other categories in them; use the same."
        )
    start.scores([data.train[0].x])  # refuses samples of another shape by name
    return start


def carry(model: NeuralModel, start: NeuralModel, freeze: bool) -> None:
    """Puts the weights of `start` into the fresh net, all but the head where the outputs are others.

    freeze : whether all but the head then stays as it is
    """
    head = model.layers()[0] + "."
    other = output_names(model) != output_names(start)
    own, held = model.net.state_dict(), start.net.state_dict()
    moved = {n: w for n, w in held.items() if not (other and n.startswith(head))}
    odd = [n for n, w in moved.items() if n not in own or own[n].shape != w.shape]
    if odd:
        shapes = tuple(held[odd[0]].shape), tuple(own[odd[0]].shape) if odd[0] in own else "none"
        raise InvalidInput(
            f"'{odd[0]}' of '{start.id}' has shape {shapes[0]} and the net that is asked for has {shapes[1]}; "
            "leave out the settings that change its shape."
        )
    model.net.load_state_dict({**own, **moved})
    for name, weight in model.net.named_parameters():
        weight.requires_grad_(not freeze or name.startswith(head))


def learning(net: nn.Module) -> None:
    """Training mode, but for modules in which nothing learns: their batch statistics stay."""
    net.train()
    for module in net.modules():
        weights = list(module.parameters())
        if weights and not any(w.requires_grad for w in weights):
            module.eval()
