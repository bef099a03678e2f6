"""When checkpoints are kept."""

import pytest

from ritornello.attribution.influence.schedule import choose, geometric, spread


def test_schedules() -> None:
    assert sorted(spread(225).steps) == [15, 32, 49, 66, 83, 100, 117, 135, 152, 169]
    assert sorted(geometric(225).steps) == [11, 16, 22, 31, 43, 59, 83, 116, 161, 225]
    assert spread(1).steps == geometric(1).steps == {1}  # shorter than the schedule
    assert 0 in choose([0, 7]) and 1 not in choose([0, 7])
    for bad in ([], [-1]):
        with pytest.raises(ValueError, match="from 0 on"):
            choose(bad)
