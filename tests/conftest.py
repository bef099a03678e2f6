"""A small operator's world made on the spot: six recordings of a few seconds, five parties, one programme, two licensee's models."""

import contextlib
import io
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
from sqlalchemy import Engine

from ritornello.cli.main import main
from ritornello.store.database import open_engine, upgrade
from tests.postgres import QUICK, Cluster, find_programs, start_cluster

RATE_HZ = 22_050

PARTIES = """party_id,name,kind,payout_account
ana,Ana Example,person,acct-ana
ben,Ben Example,person,acct-ben
cleo,Cleo Example,person,
north,North Records Example,organisation,acct-north
songs,Songs Example,organisation,acct-songs
"""
RECORDINGS = """recording_id,file,kind,label,title,artist,work_id
r1,one.flac,recording,,First,Ana Example,w1
r2,two.flac,recording,,Second,Ana Example,w2
r3,three.flac,recording,,Third,Ben Example,w3
r4,four.flac,recording,,Fourth,Ben Example,w4
r5,five.flac,recording,,Fifth,Cleo Example,w5
r5,five-voice.flac,stem,voice,,,
r6,six.flac,recording,,Sixth,Cleo Example,w6
"""
CLAIMS = """subject;lane;party_id;share_percent
r1;master;ana;33,33
r1;master;ben;33,33
r1;master;north;33,33
w1;publishing;ana;100
r2;master;north;100
w2;publishing;ana;50
w2;publishing;songs;50
r3;master;ben;100
w3;publishing;ben;100
r4;master;ben;100
w4;publishing;ben;80
r5;master;cleo;60
r5;master;north;50
w5;publishing;cleo;100
r6;master;cleo;100
w6;publishing;songs;100
"""
PROGRAMME = """format = "ritornello-programme-1"
programme_id = "p"
version = 1
title = "Test terms"
licensor = "Licensor"
licensee = "Licensee"
purposes = ["ai_training"]
licence = "LicenseRef-test"
valid_from = 2020-01-01
valid_to = 2099-12-31
notice_days = 30
tail_days = 365
quorum = ["master", "publishing"]

[lanes]
master = 600_000
publishing = 400_000

[[income]]
name = "fee"
amount = "100.00"
currency = "EUR"
divide_by = "exposure"

[[income]]
name = "share"
rate = "0.30"
minimum = "50.00"
currency = "EUR"
divide_by = "attribution"
unattributed = "exposure"
max_error_ppm = 300_000
fallback = "exposure"

[payout]
thresholds = { EUR = "5.00" }
"""
PERIOD = "2026-10"


def tune(seed: int, seconds: float = 4.0) -> np.ndarray:
    """A little melody of plucked-like tones with noise attacks: no two seeds sound alike. Mono float32 at RATE_HZ."""
    random = np.random.default_rng(seed)
    notes, length = [], int(RATE_HZ * 0.2)
    time = np.arange(length) / RATE_HZ
    for _ in range(int(seconds / 0.2)):
        hertz = 110 * 2 ** (random.integers(0, 36) / 12)
        tone = sum(np.sin(2 * np.pi * hertz * k * time) / k**1.5 for k in range(1, 6)) * np.exp(-time * random.uniform(3, 12))
        notes.append(tone + 0.1 * random.standard_normal(length) * np.exp(-time * 60))
    return (np.concatenate(notes) * 0.15).astype(np.float32)


@pytest.fixture(scope="session")
def catalogue_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """parties.csv, recordings.csv, claims.csv and audio/ of the small world."""
    return write_catalogue(tmp_path_factory.mktemp("catalogue") / "small")


def write_catalogue(folder: Path) -> Path:
    (folder / "audio").mkdir(parents=True)
    for seed, name in enumerate(("one", "two", "three", "four", "five", "five-voice", "six"), 1):
        soundfile.write(folder / "audio" / f"{name}.flac", tune(seed), RATE_HZ, subtype="PCM_16")
    for name, text in (("parties", PARTIES), ("recordings", RECORDINGS), ("claims", CLAIMS)):
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    (folder / "programme.toml").write_text(PROGRAMME, encoding="utf-8")
    return folder


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a command as a user would; returns standard output (and error, after a failure). Checks the exit code."""

    def call(*arguments: object, expect: int = 0) -> str:
        capsys.readouterr()
        try:
            main([str(argument) for argument in arguments])
            code = 0
        except SystemExit as error:
            code = int(error.code or 0)
        captured = capsys.readouterr()
        assert code == expect, captured.out + captured.err
        return captured.out if code == 0 else captured.out + captured.err

    return call


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Whatever keeps rows runs on both databases, unless it looks into the database file."""
    rooms = {"store", "service", "test_loop.py"}
    if "database" in metafunc.fixturenames and rooms & set(Path(metafunc.definition.path).parts):
        marks = [pytest.mark.slow, pytest.mark.postgres]
        both = [pytest.param("sqlite", id="sqlite"), pytest.param("postgresql", marks=marks, id="postgresql")]
        metafunc.parametrize("database", both[: 1 if metafunc.definition.get_closest_marker("sqlite") else 2], indirect=True)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server of our own for the whole session. Skips where its programs are not installed."""
    if find_programs() is None:
        pytest.skip("PostgreSQL's server programs are not installed (Debian: postgresql)")
    with start_cluster(QUICK) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def template(cluster: Cluster) -> str:
    """The name of a database that has the schema, to copy."""
    url = cluster.create()
    engine = open_engine(url)
    upgrade(engine)
    engine.dispose()
    return str(engine.url.database)


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of an empty database that homes use: PostgreSQL where asked for, else SQLite in the home."""
    if getattr(request, "param", "sqlite") == "sqlite":
        monkeypatch.delenv("RITORNELLO_DATABASE", raising=False)
        return f"sqlite:///{tmp_path / 'home' / 'ritornello.db'}"
    cluster = request.getfixturevalue("cluster")
    url = cluster.create(request.getfixturevalue("template"), "")
    monkeypatch.setenv("RITORNELLO_DATABASE", url)
    return str(url)


@pytest.fixture
def engine(database: str, tmp_path: Path) -> Iterator[Engine]:
    """The database alone, with its schema."""
    (tmp_path / "home").mkdir(exist_ok=True)
    engine = open_engine(database)
    upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def home(database: str, tmp_path: Path, catalogue_folder: Path, worlds: "Worlds", run: Callable[..., str]) -> Path:
    """A home with the small catalogue and programme, and grants by everyone for r1, r2 and r3 but nobody else."""
    return worlds.bring("home", tmp_path) if "sqlite" in database else make_home(tmp_path, catalogue_folder, run)


@pytest.fixture
def trained(request: pytest.FixtureRequest, database: str, tmp_path: Path, worlds: "Worlds", run: Callable[..., str]) -> Path:
    """The home after a snapshot, a run, and four outputs that splice known pieces of r1, r2 and r3."""
    return worlds.bring("trained", tmp_path) if "sqlite" in database else train(request.getfixturevalue("home"), tmp_path, run)


@pytest.fixture
def settled(request: pytest.FixtureRequest, database: str, tmp_path: Path, worlds: "Worlds", run: Callable[..., str]) -> Path:
    """The home after a period was reported and settled."""
    return worlds.bring("settled", tmp_path) if "sqlite" in database else settle(request.getfixturevalue("trained"), tmp_path, run)


@dataclass
class Worlds:
    """The small world at each stage of its life, on SQLite: made once by the commands, then copied to every test that begins there."""

    folder: Path
    catalogue: Path

    def bring(self, stage: str, place: Path) -> Path:
        """Copy a stage with all files beside its home; the path of the home."""
        shutil.copytree(self._make(stage), place, dirs_exist_ok=True)
        return place / "home"

    def _make(self, stage: str) -> Path:
        made = self.folder / stage
        if not made.exists():
            making = self.folder / f"making-{stage}"
            making.mkdir()
            if stage == "home":
                make_home(making, self.catalogue, run_alone)
            elif stage == "trained":
                train(self.bring("home", making), making, run_alone)
            else:
                settle(self.bring("trained", making), making, run_alone)
            making.rename(made)
        return made


@pytest.fixture(scope="session")
def worlds(tmp_path_factory: pytest.TempPathFactory, catalogue_folder: Path) -> Worlds:
    return Worlds(tmp_path_factory.mktemp("worlds"), catalogue_folder)


def run_alone(*arguments: object) -> str:
    """Run a command outside of any test; returns standard output."""
    with contextlib.redirect_stdout(io.StringIO()) as output, pytest.MonkeyPatch.context() as patch:
        patch.delenv("RITORNELLO_DATABASE", raising=False)
        main([str(argument) for argument in arguments])
    return output.getvalue()


def make_home(tmp_path: Path, catalogue_folder: Path, run: Callable[..., str], programme: Path | None = None) -> Path:
    """A home as the fixture `home`, or under other terms."""
    home = tmp_path / "home"
    run("--home", home, "init")
    run("--home", home, "catalogue", "import", "--folder", catalogue_folder)
    run("--home", home, "programme", "add", programme or catalogue_folder / "programme.toml")
    grants = [
        ("ana", "r1"),
        ("ben", "r1"),
        ("north", "r1"),
        ("north", "r2"),
        ("ana", "r2"),
        ("songs", "r2"),
        ("ben", "r3"),
        ("ben", "r4"),
        ("cleo", "r6"),
    ]
    rows = "".join(f"{party},{recording},recording,ai_training,grant\n" for party, recording in grants)
    (tmp_path / "consents.csv").write_text("party_id,recording_id,kind,purpose,decision\n" + rows)
    preview = json.loads(run("--home", home, "--json", "consent", "import", tmp_path / "consents.csv", "--programme", "p"))
    run("--home", home, "consent", "import", tmp_path / "consents.csv", "--programme", "p", "--confirm", preview["token"])
    return home


def train(home: Path, tmp_path: Path, run: Callable[..., str]) -> Path:
    run("--home", home, "snapshot", "freeze", "--programme", "p")
    (frozen,) = json.loads(run("--home", home, "--json", "snapshot", "list"))
    run("--home", home, "snapshot", "export", "p-s1", tmp_path / "dataset")
    manifest = [json.loads(line) for line in (tmp_path / "dataset" / "manifest.jsonl").read_text().splitlines()]
    assert [row["recording_id"] for row in sorted(manifest, key=lambda row: row["recording_id"])] == ["r1", "r2", "r3"]
    exposure = [{"asset_id": row["asset_id"], "exposure_ms": 1000 * int(row["recording_id"][1])} for row in manifest]
    document = {
        "format": "ritornello-run-1",
        "run_id": "run-m",
        "model_version": "m",
        "parents": [],
        "snapshot_ids": ["p-s1"],
        "code_sha256": "a" * 64,
        "weights_sha256": "b" * 64,
        "trained_on": frozen["day"],  # the snapshot's day, also when midnight comes between
        "exposure": exposure,
    }
    (tmp_path / "run.json").write_text(json.dumps(document))
    run("--home", home, "run", "register", tmp_path / "run.json")
    outputs, truth = "output_id,file,model_version,made_on\n", "output_id,recording_id,weight_ppm\n"
    for number, (first, second) in enumerate([(1, 2), (2, 3), (3, 1), (1, 1)], 1):
        samples = np.concatenate([tune(first)[: 2 * RATE_HZ], tune(second)[RATE_HZ : 3 * RATE_HZ]])
        soundfile.write(tmp_path / f"o{number}.wav", samples, RATE_HZ, subtype="PCM_16")
        outputs += f"o{number},o{number}.wav,m,2026-10-02\n"
        truth += f"o{number},r{first},{1_000_000 if first == second else 500_000}\n" + (
            f"o{number},r{second},500000\n" if first != second else ""
        )
    (tmp_path / "outputs.csv").write_text(outputs)
    (tmp_path / "truth.csv").write_text(truth)
    run("--home", home, "output", "add", tmp_path / "outputs.csv")
    run("--home", home, "attribute", "m", "--control", "r6", "--truth", tmp_path / "truth.csv")
    return home


def settle(trained: Path, tmp_path: Path, run: Callable[..., str]) -> Path:
    (tmp_path / "usage.csv").write_text("usage_id,output_id,territory,uses\nu1,o1,DE,10\nu2,o2,DE,5\nu3,o3,SE,7\nu4,o4,DE,1\n")
    (tmp_path / "revenue.csv").write_text(
        "\ufeffline_id;product;model_version;territory;currency;net_amount\nl1;App;m;DE;EUR;1000,50\nl2;App;m;SE;SEK;333\nl3;Refund;m;DE;EUR;-0,5\n",
        encoding="utf-8",
    )
    run("--home", trained, "usage", "import", tmp_path / "usage.csv", "--programme", "p", "--period", PERIOD)
    run("--home", trained, "revenue", "import", tmp_path / "revenue.csv", "--programme", "p", "--period", PERIOD)
    run("--home", trained, "settle", "--programme", "p", "--period", PERIOD)
    return trained
