"""Batch normalisation folded into convolutions: equal scores and derivatives, or the net as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from toy_zoo import fresh

from xaikit.models import wrap
from xaikit.models.folding import Folded
from xaikit.models.inputs import Batch

SHAPE = (12, 10, 3)


@pytest.fixture(autouse=True)
def _same_weights() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def trained(net: nn.Module) -> nn.Module:
    """The net with norms that shift and scale, as after training."""
    rng = torch.Generator().manual_seed(0)
    for module in net.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            for tensor, least in (
                (module.weight, 0.3),
                (module.bias, -0.5),
                (module.running_mean, -0.5),
                (module.running_var, 0.1),
            ):
                if tensor is not None:
                    tensor.data = torch.rand(tensor.shape, generator=rng) + least
    return net.eval()


def norms_of(net: nn.Module) -> int:
    return sum(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in net.modules())


def model_of(net: nn.Module) -> Any:
    sample = np.random.default_rng(1).random(SHAPE).astype(np.float32)
    return wrap(trained(net), modality="image", classes=("a", "b", "c"), sample=sample)


def inputs(model: Any) -> Tensor:
    xs = np.random.default_rng(2).random((7, *SHAPE)).astype(np.float32)
    return model.read(xs).at.detach()


class Norms(TorchFunctionMode):
    """Counts the batch normalisations that are computed."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        self.count += func is F.batch_norm
        return func(*args, **(kwargs or {}))


def both(model: Any) -> tuple[Tensor, Tensor, int]:
    """Scores of the net, folded scores, and normalisations computed for these."""
    at, run = inputs(model), model.folded()
    with torch.inference_mode(), Norms() as norms:
        run(at, Batch(at))
        norms.count = 0
        found = run(at, Batch(at))
    with torch.inference_mode():
        return model.forward(at, Batch(at)), found, norms.count


def head(channels: int) -> list[nn.Module]:
    return [nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 3)]


NETS: dict[str, Callable[[], nn.Module]] = {
    "no bias": lambda: nn.Sequential(
        nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8), *head(8)
    ),
    "bias": lambda: nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8, eps=0.1), *head(8)),
    "not affine": lambda: nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8, affine=False), *head(8)
    ),
    "groups, stride, dilation": lambda: nn.Sequential(
        nn.Conv2d(3, 9, 3, 2, padding=2, dilation=2, groups=3), nn.BatchNorm2d(9), *head(9)
    ),
    "padding by reflection": lambda: nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, padding_mode="reflect"), nn.BatchNorm2d(8), *head(8)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NETS)
def test_folded_scores_are_those_of_the_net(name: str) -> None:
    model = model_of(NETS[name]())
    plain, folded, computed = both(model)
    assert computed == 0
    torch.testing.assert_close(folded, plain, rtol=1e-5, atol=1e-6)
    assert not torch.allclose(plain[0], plain[1], atol=1e-3)  # the scores tell inputs apart


@pytest.mark.parametrize("name", ["vgg_small", "resnet_small", "fcn_1d"])
def test_every_norm_of_a_net_of_the_zoo_is_folded(name: str) -> None:
    model = fresh(name, modality="series" if name == "fcn_1d" else "image")
    trained(model.net)
    at = model.read([model.example()] * 2).at.detach()
    with torch.inference_mode():
        plain = model.forward(at, model.read([model.example()] * 2))
        run = model.folded()
        assert isinstance(run, Folded)
        assert len(model._pairs) == norms_of(model.net) > 2
        torch.testing.assert_close(run(at, Batch(at)), plain, rtol=1e-5, atol=1e-6)


def test_derivatives_are_those_of_the_net() -> None:
    model = model_of(NETS["no bias"]())
    xs = [np.random.default_rng(i).random(SHAPE).astype(np.float32) for i in range(4)]
    leaf, rows = model.leaf(xs), torch.arange(4)
    slopes = []
    for run in (leaf.forward, lambda at, _: model.forward(at, Batch(at))):
        at = leaf.at.clone().requires_grad_()
        slopes.append(torch.autograd.grad(run(at, rows)[:, 1].sum(), at)[0])
    assert slopes[1].abs().max() > 1e-3
    torch.testing.assert_close(slopes[0], slopes[1], rtol=1e-4, atol=1e-7)


class Between(nn.Module):
    """A convolution and a normalisation, with something that `read` does between or behind."""

    def __init__(self, read: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)
        self.read, self.head = read, nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        raw = self.conv(x)
        return self.head(self.read(raw, self.norm(raw)).mean((2, 3)))


def hidden(raw: Tensor) -> Tensor:
    """Reads a map where no mode of torch sees it."""
    with torch._C.DisableTorchFunction():
        return raw * 2


@pytest.mark.parametrize(
    "read",
    [
        lambda raw, normed: raw + normed,
        lambda raw, normed: torch.stack([normed, raw.detach()]).sum(0),
        lambda raw, normed: normed + hidden(raw),
    ],
    ids=["sum", "list", "hidden"],
)
def test_a_map_that_is_read_twice_is_not_folded(read: Callable[[Tensor, Tensor], Tensor]) -> None:
    model = model_of(Between(read))
    plain, found, computed = both(model)
    assert computed == 1
    torch.testing.assert_close(found, plain, rtol=0, atol=0)


class Bright(nn.Module):
    """Reads the raw map of bright inputs only."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.head = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        raw = self.conv(x)
        normed = self.norm(raw)
        return self.head((normed + raw if x.mean() > 0.9 else normed).mean((2, 3)))


def test_a_pass_that_goes_another_way_is_made_by_the_net_itself() -> None:
    model = model_of(Bright())
    dark, bright = inputs(model), inputs(model) + 1
    run = model.folded()
    with torch.inference_mode():
        assert isinstance(run, Folded)
        for at in (dark, bright, dark):
            plain = model.forward(at, Batch(at))
            torch.testing.assert_close(run(at, Batch(at)), plain, rtol=1e-5, atol=1e-6)


def test_a_layer_is_cut_out_of_a_pass_that_is_made_anew() -> None:
    model = model_of(nn.Sequential(nn.Conv2d(3, 3, 1), nn.Sigmoid(), Bright()))
    model.net[0].weight.data.fill_(1.0)
    assert isinstance(model.folded(), Folded)
    x = np.ones(SHAPE, dtype=np.float32)
    seen = model.activations([x], "0")
    at = model.read([x]).at
    torch.testing.assert_close(seen.at.detach(), model.net[0](at).detach())
    torch.testing.assert_close(seen.scores.detach(), model.net(at).detach())


def test_statistics_of_the_batch_and_shared_kernels_are_left_alone() -> None:
    class Shared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.head = nn.Conv2d(3, 3, 3), nn.Linear(3, 3)
            self.norms = nn.ModuleList([nn.BatchNorm2d(3), nn.BatchNorm2d(3)])

        def forward(self, x: Tensor) -> Tensor:
            for norm in self.norms:
                x = norm(self.conv(x))
            return self.head(x.mean((2, 3)))

    batch = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8, track_running_stats=False), *head(8)
    )
    for net in (Shared(), batch):
        model = model_of(net)
        plain, found, computed = both(model)
        assert computed == norms_of(net)
        torch.testing.assert_close(found, plain, rtol=0, atol=0)


def test_weights_that_change_are_seen_by_the_next_question() -> None:
    model = model_of(NETS["bias"]())
    both(model)
    model.net[0].weight.data.mul_(2)
    model.net[1].running_mean.add_(0.5)
    model.net[1].running_var = torch.full((8,), 0.7)  # another tensor
    plain, found, _ = both(model)
    torch.testing.assert_close(found, plain, rtol=1e-5, atol=1e-6)


def test_a_hook_of_the_net_sees_what_the_convolution_gives() -> None:
    model, seen = model_of(NETS["no bias"]()), []
    assert isinstance(model.folded(), Folded)
    model.net[0].register_forward_hook(lambda _m, _a, out: seen.append(out))
    at = inputs(model)
    with torch.inference_mode():
        model.folded()(at, Batch(at))
    torch.testing.assert_close(seen[-1], model.net[0](at))


def test_the_map_of_a_convolution_before_its_norm_can_be_explained() -> None:
    model = model_of(NETS["bias"]())
    x = np.random.default_rng(3).random(SHAPE).astype(np.float32)
    seen = model.activations([x], "0")
    torch.testing.assert_close(seen.at.detach(), model.net[0](model.read([x]).at).detach())


def test_the_net_is_left_as_it_was_also_after_an_error() -> None:
    model = model_of(NETS["bias"]())
    before = {name: tensor.clone() for name, tensor in model.net.state_dict().items()}
    at, run = inputs(model), model.folded()
    with torch.inference_mode():
        run(at, Batch(at))
        with pytest.raises(RuntimeError):
            run(at[:, :2], Batch(at))
        with Norms() as norms:
            model.forward(at, Batch(at))
    assert norms.count == 1  # no mode is left
    for name, tensor in model.net.state_dict().items():
        assert torch.equal(tensor, before[name]), name
