"""DSR flat files: titles with bare quotes, totals that must agree, every problem at once, and memory that does not grow with the lines."""

import itertools
import tracemalloc
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import pytest

from ritornello.domain.identifiers import parse_own
from ritornello.formats.dsr.reading import Report, read_dsr
from ritornello.formats.dsr.records import EXTENSION, MAX_PROBLEMS, clean_text, encode_record
from ritornello.formats.dsr.revenue import check_period, revenue_rows, usage_rows

DAY = date(2026, 10, 31)
HEAD = "HEAD\tdsrf/30\tBasicAudioProfile\t1.2\tM-1\t2026-11-03T10:00:00Z\t1\t1\t2026-10-01\t2026-10-31\tPADPIDA2015010101X\tExample AI\tStudio\t\tOperator\t"


def sales(name: str, *, territory: str = "DE", usages: str = "15", net: str = "1000.50", currency: str = "EUR", service: str = "") -> str:
    return f"SY02.02\t{name}\t\t\tSubscriptionModel\tOnDemandStream\t{territory}\t{service}\t{usages}\t\t{currency}\t{net}\t\t\t\t\t\t\tMusic\t\t\t"


def context(name: str, model: str = "m", use: str = "UseOfGeneratedOutput", unit: str = "uses") -> str:
    return f"DE01\t{EXTENSION}\t{name}\t{model}\t{use}\t{unit}\t\t\t"


def block(number: int, summary: str, output: str, streams: str) -> list[str]:
    return [
        f'AS01.01\t{number}\t1\t{output}\t\tThe "Big" One, or 5" of it\t\tModel\t\tPT30S\tSoundRecording\t',
        f"SU02\t{number}\t{summary}\tT{number}\t\t1\ttrue\t{streams}\t\t",
    ]


def message(*records: str, head: str = HEAD, foot: str | None = None) -> str:
    body = [head, *records]
    blocks = {record.split("\t")[1] for record in records if record[:2] in ("AS", "SU", "RE", "RU")}
    total, summaries = len(body) + 1, sum(record.startswith("SY") for record in records)
    return "\n".join([*body, foot or f"FOOT\t{total}\t{total}\t{summaries}\t{len(blocks)}\t{len(blocks)}"]) + "\n"


def read(tmp_path: Path, text: str) -> Report:
    (tmp_path / "r.tsv").write_text(text, encoding="utf-8", newline="")
    return read_dsr(tmp_path / "r.tsv", DAY)


def places(report: Report) -> list[tuple[int | None, str | None]]:
    return [(problem.row, problem.field) for problem in report.problems.kept]


WHOLE = message(
    sales("1"),
    context("1"),
    sales("2", territory="Worldwide", usages="7", net="333.3333", currency="SEK", service="Pro"),
    context("2", "m2"),
    *block(1, "1", "o1", "10"),
    *block(2, "1", "o2", "5"),
    *block(3, "2", "o1", "7"),
)


def test_contexts_become_lines_of_revenue_and_use(tmp_path: Path) -> None:
    report = read(tmp_path, WHOLE)
    assert report.problems.all() == []
    assert [
        (row.row, row.line_id, row.product, row.model_version, row.territory, row.currency, row.net_units)
        for row in revenue_rows(report, None)
    ] == [
        (2, "M-1.1", "Studio", "m", "DE", "EUR", 1_000_500_000),
        (4, "M-1.2", "Pro", "m2", "WW", "SEK", 333_333_300),
    ]
    assert [(row.output_id, row.territory, row.uses) for row in usage_rows(report)] == [("o1", "DE", 10), ("o2", "DE", 5), ("o1", "WW", 7)]
    assert len({row.usage_id for row in usage_rows(report)}) == 3
    for line_end in ("\r\n", "\n"):
        again = read(tmp_path, "\ufeff" + WHOLE.replace("\n", line_end))
        assert again.problems.all() == [] and revenue_rows(again, None) == revenue_rows(report, None)


def test_names_of_lines_are_never_the_same(tmp_path: Path) -> None:
    """Neither where dots could be read in two ways, nor where names are long and there are many."""
    long = [f"https://example.com/a-rather-long-address-of-outputs/{number}" for number in range(2_000)]
    summaries = [sales("1", usages="2001"), context("1"), sales("1.2", usages="1"), context("1.2")]
    lines = [record for number, one in enumerate(["2.3", *long]) for record in block(number, "1", one, "1")]
    report = read(tmp_path, message(*summaries, *lines, *block(9_999, "1.2", "3", "1")))
    assert report.problems.all() == []
    names = [row.usage_id for row in usage_rows(report)]
    assert len(set(names)) == len(names) == 2_002 and all(parse_own(name) == name for name in names)


def test_amounts_in_lines_must_total_the_summary(tmp_path: Path) -> None:
    lines = ["SU03.01\tb\tt1\t1\to1\t10\t600.25\t\t", "SU03.02\tb\tt2\t1\to1\t5\t400.25\t\t"]
    assert read(tmp_path, message(sales("1"), context("1"), *lines)).problems.all() == []
    report = read(tmp_path, message(sales("1", net="1000.51", usages="16"), context("1"), *lines))
    assert places(report) == [(2, "TotalUsages"), (2, "NetRevenue")]
    assert "1000.51" in report.problems.kept[1].what and "1000.5" in report.problems.kept[1].what


def test_returns_are_taken_off(tmp_path: Path) -> None:
    lines = ["AS01\tb\t1\to1\t\tT\t\tA\t\tPT1S\tSoundRecording", "SU01\tb\t1\tt\t\t1\ttrue\tfalse\t17\t2\t9.99\t"]
    report = read(tmp_path, message(sales("1"), context("1"), *lines))
    assert report.problems.all() == [] and usage_rows(report)[0].uses == 15


@pytest.mark.parametrize("cells", ["10", "9", "8"])
def test_a_file_that_was_cut_off_is_noticed(tmp_path: Path, cells: str) -> None:
    lines = WHOLE.splitlines()
    report = read(tmp_path, "\n".join(lines[: int(cells)]) + "\n")
    assert [problem.what for problem in report.problems.kept] == ["the file ends without a FOOT record"]


def test_a_footer_that_counts_something_else(tmp_path: Path) -> None:
    assert places(read(tmp_path, message(sales("1", usages="0"), context("1"), foot="FOOT\t5\t5\t2\t0\t1"))) == [
        (4, "NumberOfLinesInFile"),
        (4, "NumberOfLinesInReport"),
        (4, "NumberOfSummaryRecords"),
        (4, "NumberOfBlocksInReport"),
    ]


def test_every_problem_at_once(tmp_path: Path) -> None:
    report = read(
        tmp_path,
        message(
            sales("1", territory="XX", net="1.000,50"),
            context("1", use="UseForFun"),
            sales("1"),
            sales("3", currency="EUX", usages="many"),
            context("1"),
            "ZZ01\tb\t1",
            "AS01\tb\t1\to1\t\tT\t\tA\t\tPT1S\tSoundRecording",
            "SU02\tb\t9\tt\t\t1\ttrue\t5\t\t",
            "SU02\tb\t3\tt\t\t7\ttrue\tfive\t\t",
            "SU02\tb\t3\tt\t\t7\ttrue\t5\t\t",
            sales("4"),
            head=HEAD.replace("BasicAudioProfile", "AudioVisualProfile")
            .replace("\t1\t1\t", "\t1\t3\t")
            .replace("2026-10-31", "31.10.2026"),
        ),
    )
    assert set(places(report)) == {
        (1, "Profile"), (1, "NumberOfFiles"), (1, "UsageEndDate"), (2, "Territory"), (2, "NetRevenue"), (3, "Use"), (4, "SummaryRecordId"),
        (5, "Currency"), (5, "TotalUsages"), (6, "SummaryRecordId"), (7, None), (9, "SummaryRecordId"), (10, "Usages"), (11, "TransactedResource"), (12, None),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "empty"),
        (b"\x1f\x8b" + bytes(20), "compressed"),
        (b"PK\x03\x04", "compressed"),
        (b"HEAD\tdsrf/30\xff\n", "UTF-8"),
        (b"HEAD\t\x00\n", "zero bytes"),
        (b"line_id,product\n1,2\n", "does not begin with a HEAD record"),
        (b"HEAD\t" + b"x" * 5_000_000, "longer than"),
        ((HEAD + "\nSRFO\t2\t1\n").encode(), "single-record-block"),
        ((HEAD + "\nFOOT\t2\t2\t0\t0\t0\nSY02.02\t1\n").encode(), "after the footer"),
        ((HEAD + "\nFOOT\t2\t2\t0\t0\t0\n").encode(), "no summary record"),
    ],
)
def test_what_is_no_report(tmp_path: Path, data: bytes, word: str) -> None:
    (tmp_path / "r.tsv").write_bytes(data)
    report = read_dsr(tmp_path / "r.tsv", DAY)
    assert any(word in problem.what for problem in report.problems.all())


def test_models_and_periods(tmp_path: Path) -> None:
    plain = read(tmp_path, message(sales("1"), *block(1, "1", "o1", "15")))
    assert [row.model_version for row in revenue_rows(plain, "m9")] == ["m9"]
    assert revenue_rows(plain, None) == [] and places(plain) == [(2, "ModelVersion")]
    report = read(tmp_path, WHOLE)
    check_period(report, date(2026, 10, 1), date(2026, 10, 31))
    assert not report.problems.kept
    check_period(report, date(2026, 9, 1), date(2026, 9, 30))
    assert places(report) == [(1, "UsageStartDate")]


def test_records_of_others_are_read_past_and_counted(tmp_path: Path) -> None:
    others = ["RE01\t1\tr\tx", "MW01.01\t1\tw", "RU01\t1\t1\ta|b\t3|4", "DE07\tsecret", "# a comment", ""]
    text = message(sales("1"), context("1"), "DE01\tagreed elsewhere", *block(1, "1", "o1", "15"), *others)
    report = read(tmp_path, text)
    assert report.problems.all() == [] and sum(report.untaken.values()) == 5


def test_usage_that_is_no_whole_number(tmp_path: Path) -> None:
    report = read(tmp_path, message(sales("1", usages="14.5"), context("1"), *block(1, "1", "o1", "14.5")))
    assert report.problems.all() == [] and usage_rows(report) == [] and places(report) == [(2, "Usages")]


def test_problems_are_kept_in_bounds(tmp_path: Path) -> None:
    report = read(tmp_path, message(sales("1"), context("1"), *itertools.repeat("SU02\tb\t1\tt\t\t\ttrue\tx\t\t", 3 * MAX_PROBLEMS)))
    problems = report.problems.all()
    assert len(problems) == MAX_PROBLEMS + 1 and "2000 more problems" in problems[-1].what


def test_memory_does_not_grow_with_lines(tmp_path: Path) -> None:
    """The peak for 40,000 lines is that for 4,000, but for a little: what stays is one number for each output in a context."""

    def peak(lines: int) -> int:
        def records() -> Iterable[str]:
            yield HEAD
            yield sales("1", usages=str(lines), net="1")
            yield context("1")
            for number in range(lines):
                yield from block(number, "1", f"o{number % 50}", "1")
            total = 2 * lines + 4
            yield f"FOOT\t{total}\t{total}\t1\t{lines}\t{lines}"

        with (tmp_path / "r.tsv").open("w", encoding="utf-8") as stream:
            stream.writelines(record + "\n" for record in records())
        tracemalloc.start()
        report = read_dsr(tmp_path / "r.tsv", DAY)
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert report.problems.all() == [] and len(usage_rows(report)) == 50
        return size

    assert peak(20_000) < 1.2 * peak(2_000)


def test_records_are_written_with_all_their_cells() -> None:
    line = encode_record("AS01.01", BlockId="b", Title='tab\there | "quoted"\u2028end')
    assert line.count("\t") == 11 and line.split("\t")[5] == 'tab here "quoted" end'
    assert clean_text(" a\x00\x85b\n") == "a b"
    with pytest.raises(AssertionError):
        encode_record("FOOT", Nope="1")
