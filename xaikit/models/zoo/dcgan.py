"""A generator of pictures and the critic that it learns against."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from xaikit.core.errors import ModelError
from xaikit.models.zoo.architecture import Shape

__all__ = ["DCGAN"]


class Critic(nn.Module):
    """How real a picture looks: a logit, above 0 for real. Its weights have spectral norm 1 (Miyato et al. 2018).
    `recovered` guesses the code that a picture was made of."""

    def __init__(self, n_latents: int, shape: Shape, width: int) -> None:
        super().__init__()
        channels, height, across = shape
        n = 2 * width * (height // 4) * (across // 4)
        self.body = nn.Sequential(
            spectral_norm(nn.Conv2d(channels, width, 4, stride=2, padding=1)), nn.LeakyReLU(0.2),
            spectral_norm(nn.Conv2d(width, 2 * width, 4, stride=2, padding=1)), nn.LeakyReLU(0.2),
            nn.Flatten(),
        )  # fmt: skip
        self.real = spectral_norm(nn.Linear(n, 1))
        self.code = nn.Linear(n, n_latents)

    def forward(self, x: Tensor) -> Tensor:  # (B, C, H, W) -> (B, 1)
        return self.real(self.body(x))  # type: ignore[no-any-return]

    def both(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 1) the logit, (B, D) the guessed code."""
        seen = self.body(x)
        return self.real(seen), self.code(seen)


class DCGAN(nn.Module):
    """Transposed convolutions from a code to a picture in [0, 1] (Radford et al. 2016), and its critic.

    The critic is made first: the layers nearest the output, made last, are those of the picture.
    """

    def __init__(
        self,
        shape: Shape,
        n_outputs: int,
        *,
        width: int = 32,
        height: int = 28,
        across: int = 28,
        channels: int = 1,
    ) -> None:
        super().__init__()
        del n_outputs  # properties are measured of the picture
        if height % 4 or across % 4:
            raise ModelError(
                f"pictures of {height} x {across} px do not halve twice; scale them by size."
            )
        (n,), small = shape, (2 * width, height // 4, across // 4)
        self.critic = Critic(n, (channels, height, across), width)
        self.generator = nn.Sequential(
            nn.Linear(n, small[0] * small[1] * small[2], bias=False), nn.Unflatten(1, small),
            nn.BatchNorm2d(2 * width), nn.ReLU(),
            nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(width), nn.ReLU(),
            nn.ConvTranspose2d(width, channels, 4, stride=2, padding=1), nn.Sigmoid(),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:  # (B, D) -> (B, C, H, W)
        return self.generator(x)  # type: ignore[no-any-return]
