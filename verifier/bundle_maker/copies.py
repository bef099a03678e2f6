"""The small period, where r2 turns out to be the sound of r1.

The fee's 3000 ms of r1 and 1000 ms of r2 count as the larger, 3000 ms: three quarters for r1, 2250, and a quarter for r2, 750. There is nothing else
in its pools, so no money moves. What was heard is shared as before: attribution knew.
"""

from bundle_maker.result import FEE_MASTER, FEE_PUBLISHING, LINES, POOLS, make_contents
from bundle_maker.rows import make_lines, make_pools
from bundle_maker.writing import Contents

SHARED = {3000: 2250, 1000: 750}


def make_copies() -> Contents:
    contents = make_contents()
    contents.period["clusters.jsonl"] = [{"recording_id": "r1", "cluster": "r1"}, {"recording_id": "r2", "cluster": "r1"}]
    fees = (FEE_MASTER, FEE_PUBLISHING)
    pools = tuple((*pool[:3], 300_000_000_000, pool[4]) if pool[0] in fees else pool for pool in POOLS)
    lines = tuple((*line[:3], SHARED[line[3]], *line[4:]) if line[0] in fees else line for line in LINES)
    contents.result["pools.jsonl"] = make_pools(pools)
    contents.result["allocations.jsonl"] = make_lines(contents.settlement_id, lines)
    return contents
