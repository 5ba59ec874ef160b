"""The system's limits: a server takes all it may have, and fits what it promises into that."""

import resource
from pathlib import Path

import pytest

from setaria.bootstrap.descriptors import fit_connections
from tests.end_to_end.running import running


def test_a_server_takes_all_descriptors_it_may_have(data: Path) -> None:
    """The low limit that shells set is raised to what the system allows, in every process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        with running(data) as platform:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            for pid in (platform.process.pid, *platform.pids("worker")):
                assert resource.prlimit(pid, resource.RLIMIT_NOFILE) == (min(hard, 1_048_576), hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize(
    "wanted, descriptors, fitting", [(10_000, 1024, 462), (10_000, 1_048_576, 10_000), (10, 1024, 10), (10, 20, 1)]
)
def test_how_many_callers_fit(wanted: int, descriptors: int, fitting: int) -> None:
    """Each caller takes two descriptors, its own and one to the model server."""
    assert fit_connections(wanted, descriptors) == fitting
