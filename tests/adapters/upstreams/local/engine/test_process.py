"""Process: which engines it has."""

from pathlib import Path

from setaria.adapters.upstreams.local.engine.process import Engines


def test_a_folder_has_an_engine_once_it_is_asked_for(tmp_path: Path) -> None:
    """A model is found by its name or by its folder's path, each with an engine of its own; nothing else is."""
    engines = Engines({"seedling": tmp_path / "seedling"}, lambda _: None)
    assert (len(engines), engines.get("other"), engines.get("/nowhere")) == (0, None, None)
    found = [engines.get(name) for name in ("seedling", str(tmp_path), "seedling", str(tmp_path))]
    assert found[:2] == found[2:]
    assert found[0] is not found[1]
    assert [*engines] == ["seedling", str(tmp_path)]
    for engine in engines.values():
        engine.close()
