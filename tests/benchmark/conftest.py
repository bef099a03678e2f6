"""The benchmark needs PyTorch; without it its tests are left out."""

from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ritornello.benchmark.world import World

if not all(find_spec(name) for name in ("torch", "safetensors")):
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def world() -> "World":
    from tests.benchmark.tiny import make_world

    return make_world()
