"""Muon: an optimizer for matrices that makes each step's directions orthogonal.

Source: Keller Jordan, "Muon: An optimizer for hidden layers in neural networks", 2024, the quintic iteration.
"""

import torch
from torch import Tensor, nn

_MOMENTUM = 0.95
_DECAY = 0.01
_ITERATIONS = 5
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)


class Muon:
    """Steps matrices of like shape together."""

    def __init__(self, weights: list[nn.Parameter], rate: float) -> None:
        self._weights = weights
        self._rate = rate
        self._buffers = [torch.zeros_like(weight) for weight in weights]

    @torch.no_grad()
    def step(self, share: float) -> None:
        """Take one step with this share of the rate, along the gradients with momentum."""
        rate = self._rate * share
        by_shape: dict[torch.Size, list[tuple[nn.Parameter, Tensor]]] = {}
        for weight, buffer in zip(self._weights, self._buffers, strict=True):
            buffer.mul_(_MOMENTUM).add_(weight.grad)
            direction = weight.grad.add(buffer, alpha=_MOMENTUM)
            by_shape.setdefault(weight.shape, []).append((weight, direction))
        for shape, pairs in by_shape.items():
            steps = _orthogonalize(torch.stack([direction for _, direction in pairs]))
            scale = rate * max(1, shape[0] / shape[1]) ** 0.5
            for (weight, _), change in zip(pairs, steps, strict=True):
                weight.mul_(1 - rate * _DECAY).add_(change, alpha=-scale)

    def state(self) -> list[Tensor]:
        """Give what must be kept to go on later."""
        return self._buffers

    def restore(self, state: list[Tensor]) -> None:
        """Go on from a state that was kept."""
        for buffer, kept in zip(self._buffers, state, strict=True):
            buffer.copy_(kept)


def _orthogonalize(stack: Tensor) -> Tensor:
    a, b, c = _COEFFICIENTS
    x = (stack / (stack.norm(dim=(1, 2), keepdim=True) + 1e-7)).bfloat16()
    is_tall = x.shape[1] > x.shape[2]
    if is_tall:
        x = x.transpose(1, 2)
    for _ in range(_ITERATIONS):
        square = x @ x.transpose(1, 2)
        x = a * x + (b * square + c * square @ square) @ x
    return (x.transpose(1, 2) if is_tall else x).float()
