"""The benchmark of fingerprints runs on a few made pieces, with an engine that hears only what is unchanged."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from benchmarks.fingerprint import queries as making
from benchmarks.fingerprint import tables
from benchmarks.fingerprint.corpus import PARTS, Recording, find_group, split_in_parts
from benchmarks.fingerprint.degrade import REPORT, TUNE, Degradation, Passage, Samples, keep, lay_over, measure
from benchmarks.fingerprint.engines import MAKERS, Answer, find_engines
from benchmarks.fingerprint.queries import Query, choose, make_outside, make_queries
from benchmarks.fingerprint.trial import Trial, grow

RATE_HZ = 44_100
SECONDS = 20


class Straight:
    """Finds where a query correlates fully with a recording; counts how often one was made. Works on every tenth sample: there is no sound above 1 kHz."""

    name = "straight"
    made = 0

    def __init__(self) -> None:
        type(self).made += 1
        self.known: dict[str, Samples] = {}

    def add(self, recording_id: str, samples: Samples, rate_hz: int) -> None:
        self.known[recording_id] = samples[::10]

    def finish(self) -> None:
        pass

    def query(self, samples: Samples, rate_hz: int) -> list[Answer]:
        wanted, found = samples[::10], []
        for name, known in self.known.items():
            size = len(known) + len(wanted)
            line = np.fft.irfft(np.fft.rfft(known, size) * np.conj(np.fft.rfft(wanted, size)), size)[: len(known)]
            place = int(np.argmax(line))
            likeness = line[place] / np.sqrt(np.sum(wanted**2) * np.sum(known[place : place + len(wanted)] ** 2) + 1e-9)
            if likeness > 0.2:
                found.append(Answer(name, place * 10 / rate_hz, float(likeness), 1e-6 if likeness > 0.9 else 0.5))
        return sorted(found, key=lambda answer: -answer.score)

    def measure_bytes(self) -> int:
        return sum(samples.nbytes for samples in self.known.values())


@pytest.fixture
def recordings(tmp_path: Path) -> list[Recording]:
    parts = ["report", "report", "report-negative", "generated", "report-backdrop", "report-speech", "tune", "tune-negative"]
    return [make_recording(tmp_path / f"{number}.flac", number, part) for number, part in enumerate(parts)]


def make_recording(path: Path, number: int, part: str) -> Recording:
    noise = np.random.default_rng(number).standard_normal((SECONDS * 200, 2))
    samples = np.repeat(noise, RATE_HZ // 200, axis=0)[: SECONDS * RATE_HZ] * 0.1
    soundfile.write(path, samples, RATE_HZ, subtype="PCM_16")
    return Recording(f"piece-{number}", path, len(samples) / RATE_HZ, f"group-{number}", part)


def drown(passage: Passage) -> Samples:
    return lay_over(passage.mono, passage.music(), -20.0)


def quiet(text: str) -> None:
    pass


def make_some(monkeypatch: pytest.MonkeyPatch, recordings: list[Recording], folder: Path) -> list[Query]:
    monkeypatch.setattr(
        making, "list_degradations", lambda half: [Degradation("clean", "clean", keep), Degradation("drowned", "music", drown)]
    )
    return make_queries(recordings, "report", folder, 3, 2, quiet)


def test_from_recordings_to_tables(
    monkeypatch: pytest.MonkeyPatch, recordings: list[Recording], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    queries = make_some(monkeypatch, recordings, tmp_path / "queries")
    asked = [(query, length_s) for length_s in (10, 3) for query in queries]
    catalogue = [recording for recording in recordings if recording.part == "report"]
    trial = Trial("chromaprint", Straight, catalogue, tmp_path / "answers", quiet)
    responses = trial.answer(asked)
    cells, negatives = tables.summarise(list(zip([query for query, _ in asked], responses, strict=True)))

    clean = next(cell for cell in cells if (cell.degradation, cell.length_s) == ("clean", 10))
    assert (str(clean.found), str(clean.sure), str(clean.offset_near)) == ("3/3", "3/3", "3/3")
    assert clean.offset_p95_ms is not None and clean.offset_p95_ms < 5
    drowned = next(cell for cell in cells if (cell.degradation, cell.length_s) == ("drowned", 10))
    assert drowned.sure.hits == 0
    assert [one.length_s for one in negatives] == [10, 3]
    assert negatives[0].answered.count == 4 and negatives[0].threshold < 0.9

    tables.print_cells({"straight": cells}, 10)
    tables.print_negatives({"straight": negatives})
    tables.print_costs({"straight": trial.cost()}, {"straight": tables.per_query_second(responses)})
    assert "3 / 3 of 3" in capsys.readouterr().out


def test_what_was_answered_is_kept_and_the_rest_is_asked(
    monkeypatch: pytest.MonkeyPatch, recordings: list[Recording], tmp_path: Path
) -> None:
    queries = make_some(monkeypatch, recordings, tmp_path / "queries")
    catalogue = [recording for recording in recordings if recording.part == "report"]
    start: Callable[[], Trial] = lambda: Trial("chromaprint", Straight, catalogue, tmp_path / "answers", quiet)  # noqa: E731
    first, made = start(), Straight.made
    whole = first.answer([(query, 10) for query in queries])
    kept = first.kept / "responses.jsonl"
    kept.write_text(kept.read_text()[:-30])  # stopped while writing

    again = start().answer([(query, 10) for query in queries])
    assert [response.answer for response in again] == [response.answer for response in whole]
    assert Straight.made == made + 2
    start().answer([(query, 10) for query in queries])
    assert Straight.made == made + 2, "nothing was missing"


def test_growth_adds_audio_and_asks_again(monkeypatch: pytest.MonkeyPatch, recordings: list[Recording], tmp_path: Path) -> None:
    queries = make_some(monkeypatch, recordings, tmp_path / "queries")
    monkeypatch.setattr("benchmarks.fingerprint.trial.COLLAGE_S", 20)
    monkeypatch.setattr("benchmarks.fingerprint.growth.COLLAGE_S", 20)
    trial = Trial("chromaprint", Straight, [one for one in recordings if one.part == "report"], tmp_path / "answers", quiet)
    one, two = grow([trial], [2], [query for query in queries if query.degradation == "clean"], recordings, quiet)["chromaprint"]
    assert (one.factor, two.factor) == (1, 2) and two.hours > one.hours
    assert str(one.found) == str(two.found) == "3/3"


def test_queries_come_from_the_part_they_say(monkeypatch: pytest.MonkeyPatch, recordings: list[Recording], tmp_path: Path) -> None:
    parts = {recording.recording_id: recording.part for recording in recordings}
    for query in make_some(monkeypatch, recordings, tmp_path):
        assert parts[query.source] in ({"report"} if query.recording_id else {"report-negative", "generated"})
        assert len(query.read(10)) == 10 * RATE_HZ and len(query.read(3)) == 3 * RATE_HZ
    outside = make_outside(recordings, tmp_path, 5, quiet)
    assert all(query.recording_id is None and parts[query.source] != "report" for query in outside)
    assert choose(recordings, {"report"}, 2) == choose(recordings, {"report"}, 3)[:2]


@pytest.mark.parametrize("name", list(MAKERS))
def test_every_engine_finds_a_clean_excerpt_and_its_place(name: str) -> None:
    engines, missing = find_engines([name])
    if missing:
        pytest.skip(missing[0])
    engine = engines[name]()
    pieces = {f"piece-{number}": play(number) for number in range(4)}
    for first, later in (("piece-0", "piece-1"), ("piece-2", "piece-3")):  # an index grows
        for recording_id in (first, later):
            engine.add(recording_id, pieces[recording_id], 22_050)
        engine.finish()
    for recording_id, samples in pieces.items():
        answer = engine.query(samples[22_050 * 7 : 22_050 * 17], 22_050)[0]
        assert answer.recording_id == recording_id and answer.offset_s == pytest.approx(7, abs=0.1)
    assert engine.measure_bytes() > 0
    assert not any(answer.recording_id not in pieces for answer in engine.query(np.zeros(22_050 * 3, np.float32), 22_050))


def play(number: int) -> Samples:
    """25 seconds of plucked notes at 22,050 Hz, drawn at random."""
    dice, seconds = np.random.default_rng(number), np.arange(22_050) / 22_050
    sound = np.zeros(26 * 22_050, dtype=np.float32)
    for start_s in np.cumsum(dice.uniform(0.05, 0.2, 200)):
        if start_s < 25:
            place, hertz = int(start_s * 22_050), 220 * 2 ** (dice.integers(0, 36) / 12)
            partials = sum(np.sin(2 * np.pi * hertz * part * seconds) / part for part in (1, 2, 3))
            sound[place : place + 22_050] += (0.1 * partials * np.exp(-4 * seconds)).astype(np.float32)
    return sound


def test_groups_stay_together() -> None:
    found = [(f"piece-{number}", Path("x"), 60.0 + number, f"group-{number // 3}") for number in range(120)]
    split = split_in_parts(found)
    parts = {recording.group: {one.part for one in split if one.group == recording.group} for recording in split}
    assert all(len(some) == 1 for some in parts.values())
    assert {recording.part for recording in split} == set(PARTS)
    assert find_group("ufoai-music", Path("PsymongR3.ogg")) == find_group("ufoai-music", Path("PsymongN1.ogg")) == "ufoai-music/Psymong"


def test_halves_differ_in_their_degradations() -> None:
    assert [one.kind for one in TUNE] == [one.kind for one in REPORT]
    same = {one.name for one in TUNE} & {one.name for one in REPORT}
    assert same == {"clean", "strong reverb", "harmonic part", "percussive part", "side signal"}, "and three of these in their parameters"


@pytest.mark.parametrize(("hits", "count", "low", "high"), [(50, 50, 0.9287, 1.0), (0, 1350, 0.0, 0.00284), (25, 50, 0.3664, 0.6336)])
def test_wilson_intervals(hits: int, count: int, low: float, high: float) -> None:
    assert tables.Share(hits, count).interval == pytest.approx((low, high), abs=5e-5)


def test_levels_are_what_they_say() -> None:
    dice = np.random.default_rng(1)
    under, over = (dice.standard_normal(RATE_HZ).astype(np.float32) * scale for scale in (0.01, 0.3))
    mixed = lay_over(under, over, -6.0)
    assert 20 * np.log10(measure(mixed - over) / measure(over)) == pytest.approx(-6.0, abs=0.01)
