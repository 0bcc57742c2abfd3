"""Trains a generator against its critic, on pictures that nobody labelled."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from rich.progress import Progress
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from xaikit.core.errors import TrainingFailed
from xaikit.data.dataset import Dataset
from xaikit.models.neural import NeuralModel
from xaikit.models.zoo import Recipe

__all__ = ["learn_pictures", "pictured"]

BETAS = (0.5, 0.99)
KEPT = 0.995  # of the averaged generator, a step


def pictured(data: Dataset) -> dict[str, int]:
    """The settings of a generator of pictures like those."""
    height, across, channels = data.real.train[0].x.shape  # type: ignore[union-attr] # of a generation
    return {"height": height, "across": across, "channels": channels}


def learn_pictures(
    model: NeuralModel,
    data: Dataset,
    recipe: Recipe,
    epochs: int | None,
    rng: np.random.Generator,
    progress: bool,
) -> int:
    """Trains in place by the hinge loss (Lim & Ye 2017), the code to be told from the picture (as in Chen et al.
    2016), and leaves the running mean of the generator's weights in the net; gives the epochs that ran."""
    net: Any = model.net
    real = torch.from_numpy(np.stack(data.real.inputs("train"))).movedim(3, 1).to(model.device)  # type: ignore[union-attr]
    n_batches = max(1, len(real) // recipe.batch_size)
    n_epochs = epochs or max(1, round(recipe.steps / n_batches))
    kept = get_ema_multi_avg_fn(KEPT)  # type: ignore[no-untyped-call]
    mean = AveragedModel(net.generator, multi_avg_fn=kept, use_buffers=True)
    how: dict[str, Any] = {"lr": recipe.lr, "betas": BETAS, "weight_decay": recipe.weight_decay}
    makers = torch.optim.AdamW([*net.generator.parameters(), *net.critic.code.parameters()], **how)
    judge = torch.optim.AdamW([*net.critic.body.parameters(), *net.critic.real.parameters()], **how)
    net.train()
    with Progress(disable=not progress, transient=True) as bar:
        task = bar.add_task(f"training {model.id}", total=n_epochs)
        for epoch in range(1, n_epochs + 1):
            for rows in np.array_split(rng.permutation(len(real)), n_batches):
                code = torch.randn(len(rows), len(data.columns), device=model.device)
                made = net.generator(code)
                _step(
                    judge, _told_apart(net.critic, real[torch.from_numpy(rows)], made), model, epoch
                )
                _step(makers, _passing(net.critic, made, code), model, epoch)
                mean.update_parameters(net.generator)
            bar.update(task, advance=1)
    net.generator.load_state_dict(mean.module.state_dict())
    return n_epochs


def _told_apart(critic: Any, real: Tensor, made: Tensor) -> Tensor:
    """What the critic lowers: real pictures above 1, made ones below -1."""
    return F.relu(1 - critic(real)).mean() + F.relu(1 + critic(made.detach())).mean()


def _passing(critic: Any, made: Tensor, code: Tensor) -> Tensor:
    """What the generator lowers: pictures that pass for real, and whose code can be told."""
    logit, guessed = critic.both(made)
    lowered: Tensor = F.mse_loss(guessed, code) - logit.mean()
    return lowered


def _step(optimizer: torch.optim.Optimizer, loss: Tensor, model: NeuralModel, epoch: int) -> None:
    if not math.isfinite(loss.item()):
        raise TrainingFailed(
            f"the loss of '{model.id}' turned {loss.item()} in epoch {epoch}; lower lr "
            f"(now {optimizer.param_groups[0]['lr']:g})."
        )
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
