"""The same expressions on Sail and on a Spark cluster, reached as an operator's would be: by address, with the data read and written by URL.

`python3 dev.py spark` installs both; Java comes from the system.
"""

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import ibis
import pytest

from ritornello.domain.errors import Refused
from ritornello.settlement.backends import Spark
from ritornello.settlement.bulk import Run, prove
from tests.settlement.clusters import start_sail, start_spark
from tests.settlement.divisions import (
    TYPES,
    Division,
    divide_by_hand,
    random_division,
    read_rows,
    run_division,
    write_division,
    write_table,
)

pytest.importorskip("pysail", reason="the engines are not installed: python3 dev.py spark")
pytest.importorskip("pyspark", reason="the engines are not installed: python3 dev.py spark")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java")]


@pytest.fixture(scope="module", params=["sail", "spark"])
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spark]:
    folder = tmp_path_factory.mktemp(request.param)
    with (start_sail if request.param == "sail" else start_spark)(folder) as url:
        backend = Spark(url)
        yield backend
        backend.close()


@pytest.mark.parametrize("units", [10**13, 2**60])
def test_a_cluster_divides_as_plain_integers_do(cluster: Spark, tmp_path: Path, units: int) -> None:
    given = random_division(random.Random(units), units=units, uses=10**9)
    write_division(given, tmp_path / "in", files=2, shuffle=random.Random(1))
    found = run_division(given, cluster, f"file://{tmp_path}/in", tmp_path / "work", f"file://{tmp_path}/work")
    assert found == divide_by_hand(given)


def test_a_cluster_corrects_as_duckdb_does(cluster: Spark, tmp_path: Path) -> None:
    from ritornello.settlement.backends import DuckDB

    given = random_division(random.Random(3))
    write_division(given, tmp_path / "in")
    changed = [(lane, recording, payee, share, 0) for lane, recording, payee, share in given.splits[:1]]
    changed += [(lane, recording, given.payees, 0, share) for lane, recording, _, share in given.splits[:1]]
    found = []
    for backend in (cluster, DuckDB(tmp_path / "spill", 1 << 30, threads=1)):
        work = tmp_path / backend.name
        run_division(given, backend, f"{tmp_path}/in", work)
        write_table(work / "changed.parquet", TYPES["changed"], changed)
        sums = {cell: sum(of_cell.values()) for cell, of_cell in given.weights().items()}
        run = Run(backend, str(work), work / "correction.json", "test")
        lines = "lines-00001-of-00001"
        tables = [run.path(name) for name in ("pools", "weights", "changed", "payees", lines)]
        _, deltas, drifted = run.correct(*tables, prove(given.pools, sums, given.payees + 1))
        found.append((read_rows([deltas]), drifted))
    assert found[0] == found[1]
    assert found[0][0], "something moved"


def test_trap_some_engines_wrap_on_overflow(cluster: Spark, tmp_path: Path) -> None:
    """Sail adds two large int64 to a negative one without a word, Spark refuses: bounds are proven before either is asked."""
    write_table(tmp_path / "large.parquet", {"value": TYPES["usage"]["uses"]}, [(2**62,), (2**62,)])
    table = cluster.read(str(tmp_path / "large.parquet"))
    try:
        ((total,),) = cluster.rows(table.agg(total=table["value"].sum()))
    except Exception as error:
        assert "overflow" in str(error).lower()
    else:
        assert total == -(2**63), "if this is 2^63 one day, fewer bounds are needed"


def test_trap_remainders_of_negatives_differ_between_languages(cluster: Spark, tmp_path: Path) -> None:
    """Engines truncate towards zero where Python floors, so division keeps every remainder at or above zero by itself."""
    write_table(tmp_path / "negative.parquet", {"value": TYPES["usage"]["uses"]}, [(-7,)])
    table = cluster.read(str(tmp_path / "negative.parquet"))
    ((rest,),) = cluster.rows(table.select(rest=table["value"] % ibis.literal(5)))
    assert (rest, -7 % 5) == (-2, 3)


def test_trap_engines_order_nulls_differently(cluster: Spark, tmp_path: Path) -> None:
    """So no nullable column is ever sorted by: corrections fill what an outer join leaves open before they order."""
    given = Division([], [], [(0, 0, 1), (0, 1, 1)], [(0, 0, 0, 1)])
    write_division(given, tmp_path / "in")
    read = cluster.read
    attribution, splits = (read(f"{tmp_path}/in/{name}.parquet/*.parquet") for name in ("attribution", "splits"))
    joined = attribution.left_join(splits, "recording").select(attribution.recording, splits.payee)
    assert [payee for _, payee in cluster.rows(joined.order_by(joined.payee.asc()))] in ([None, 0], [0, None])
    filled = joined.mutate(payee=joined.payee.fill_null(-1))
    assert [payee for _, payee in cluster.rows(filled.order_by(filled.payee.asc()))] == [-1, 0]


def test_nobody_at_the_address_is_said_plainly() -> None:
    with pytest.raises(Refused, match="no Spark Connect server answers"):
        Spark("sc://127.0.0.1:9")
