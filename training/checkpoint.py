"""Checkpoint: everything that a run needs to go on, in one file that is replaced as a whole."""

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from training.model import Network, Shape
from training.muon import Muon

_NAME = "checkpoint.pt"


@dataclass(slots=True)
class Progress:
    """How far a run has come: the next batch is number `batch` of shard `shard`."""

    total_tokens: int
    step: int = 0
    tokens: int = 0
    shard: int = 0
    batch: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Trained:
    """What is trained: the network and its two optimizers."""

    network: Network
    muon: Muon
    adam: torch.optim.AdamW


def save_checkpoint(folder: Path, trained: Trained, progress: Progress, name: str = _NAME) -> None:
    """Write the checkpoint; a crash at any moment leaves the old one or the new one, whole."""
    content = {
        "shape": asdict(trained.network.shape),
        "weights": trained.network.state_dict(),
        "muon": trained.muon.state(),
        "adam": trained.adam.state_dict(),
        "progress": asdict(progress),
        "chance": torch.get_rng_state(),
    }
    unfinished = folder / f"{name}.tmp"
    with unfinished.open("wb") as file:
        torch.save(content, file)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(folder / name)


def load_checkpoint(path: Path, trained: Trained) -> Progress:
    """Bring network and optimizers to the state of a checkpoint and give its progress."""
    content = _read(path)
    trained.network.load_state_dict(content["weights"])
    trained.muon.restore(content["muon"])
    trained.adam.load_state_dict(content["adam"])
    torch.set_rng_state(content["chance"])
    return Progress(**content["progress"])


def load_network(path: Path) -> Network:
    """Give the network of a checkpoint, for export."""
    content = _read(path)
    network = Network(Shape(**content["shape"]))
    network.load_state_dict(content["weights"])
    return network


def checkpoint_path(folder: Path) -> Path:
    """Give where a run keeps its checkpoint."""
    return folder / _NAME


def _read(path: Path) -> dict[str, Any]:  # Any: a checkpoint holds values of many types
    content: dict[str, Any] = torch.load(path, weights_only=True)  # Any: as above
    return content
