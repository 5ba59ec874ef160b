"""Together: several processes that train one network, each on its own batches and its own core.

Two processes of one thread do 1.7 times the work of one process of two threads, whose products are too small to share.
After each batch they take the mean of their gradients, so all hold the same weights.
"""

import socket
from collections.abc import Iterable

import torch
from torch import distributed, nn

_HOST = "127.0.0.1"


def free_port() -> int:
    """Find a port where a group may meet, so that two runs on one machine do not meet each other."""
    with socket.socket() as found:
        found.bind((_HOST, 0))
        port: int = found.getsockname()[1]
        return port


def join(rank: int, processes: int, port: int) -> None:
    """Join the group that meets at this port as number `rank` of so many; blocks until all have joined."""
    distributed.init_process_group("gloo", f"tcp://{_HOST}:{port}", rank=rank, world_size=processes)


def mean_gradients(weights: Iterable[nn.Parameter], counts: list[int]) -> list[int]:
    """Replace each gradient by the mean over all processes, and give the sums of these small counts.

    Blocks until all processes have called it.
    """
    gradients = [weight.grad for weight in weights if weight.grad is not None]
    flat = torch.cat([*(gradient.reshape(-1) for gradient in gradients), torch.tensor(counts, dtype=torch.float32)])
    distributed.all_reduce(flat)
    sums = flat[len(flat) - len(counts) :].round().int().tolist()
    start = 0
    for gradient in gradients:
        part = flat[start : start + gradient.numel()]
        gradient.copy_(part.view_as(gradient)).div_(distributed.get_world_size())
        start += gradient.numel()
    return sums


def agree(number: int) -> int:
    """Give all processes the number that the first one has."""
    told = torch.tensor(number)
    distributed.broadcast(told, 0)
    return int(told)
