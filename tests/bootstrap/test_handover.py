"""Handover: what one process leaves for the next."""

from pathlib import Path

import msgspec

from setaria.bootstrap.handover import make_handover, put_aside, take_up
from setaria.config import load_settings
from setaria.core.entries import DeploymentEntry, Entries, ModelEntry


def test_a_handover_of_any_size_is_taken_up(tmp_path: Path) -> None:
    """A thousand models, far more than a pipe holds, reach the next program, and no file is left behind."""
    deployments = (DeploymentEntry(upstream="local", model="seedling"),)
    models = tuple(ModelEntry(id=f"model-{number}", deployments=deployments) for number in range(1000))
    settings = msgspec.structs.replace(load_settings(tmp_path, None), entries=Entries((), models))
    handover = take_up(put_aside(make_handover(settings, "/sockets", first_key="sk-1"), str(tmp_path)))
    assert (handover.read_settings(), handover.sockets, handover.first_key) == (settings, "/sockets", "sk-1")
    assert [*tmp_path.iterdir()] == []
