"""A home whose names are all unlike each other: five parties, six recordings, two snapshots, a model, and one made from it."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Run = Callable[..., str]
TODAY = datetime.now(UTC).date()

PARTIES = """party_id,name,kind
quillfeather,Ana Quillfeather,person
marrowgate,Ben Marrowgate,person
thistlewick,Cleo Thistlewick,person
ironbark,Ironbark Recordings,organisation
lanternhill,Lanternhill Songs,organisation
"""
RECORDINGS = """recording_id,file,kind,label,title,artist,isrc,work_id,work_title,iswc
amberfall,one.flac,recording,,Amberfall,Ana Quillfeather,DEZZ92600001,wk-amber,Amberfall Song,T0345246801
bracken,two.flac,recording,,Brackenlight,Ana Quillfeather,DEZZ92600002,wk-bracken,Brackenlight Song,
cinder,three.flac,recording,,Cinderwick,Ben Marrowgate,DEZZ92600003,wk-cinder,Cinderwick Song,
dapple,four.flac,recording,,Dapplemere,Ben Marrowgate,DEZZ92600004,wk-dapple,Dapplemere Song,
ember,five.flac,recording,,Emberlane,Cleo Thistlewick,DEZZ92600005,wk-ember,Emberlane Song,
ember,five-voice.flac,vocal_take,thistlewick lead,,,,,,
fallow,six.flac,recording,,Fallowtide,Cleo Thistlewick,,wk-fallow,Fallowtide Song,
"""
CLAIMS = """subject,lane,party_id,share_percent
amberfall,master,quillfeather,50
amberfall,master,ironbark,50
wk-amber,publishing,quillfeather,100
bracken,master,ironbark,100
wk-bracken,publishing,lanternhill,100
cinder,master,marrowgate,100
wk-cinder,publishing,marrowgate,100
dapple,master,marrowgate,100
wk-dapple,publishing,lanternhill,100
ember,master,thistlewick,100
wk-ember,publishing,thistlewick,100
fallow,master,thistlewick,100
wk-fallow,publishing,lanternhill,100
"""
FIRST = [
    ("quillfeather", "amberfall"),
    ("ironbark", "amberfall"),
    ("ironbark", "bracken"),
    ("lanternhill", "bracken"),
    ("marrowgate", "cinder"),
]
LATER = [("thistlewick", "ember"), ("marrowgate", "dapple"), ("lanternhill", "dapple")]
PROVIDER = f"""format = "ritornello-provider-1"

[provider]
name = "Licensee"
contact = "training-data@licensee.example"

[[model]]
version = "basis"
name = "Basis One"
union_market = {TODAY}
purpose = "They are what it learns to play from."
first_used = {TODAY}
commercial_use = {TODAY}

[[model]]
version = "tuned"
name = "Tuned One"
documentation = "https://licensee.example/tuned"
union_market = {TODAY}
purpose = "They are what it is tuned to."
first_used = {TODAY}
commercial_use = {TODAY}

[sources]
public_datasets = {{ used = false }}
licensed_elsewhere = {{ used = false }}
private_datasets = {{ used = false }}
crawled = {{ used = false }}
user_interactions = {{ used = false }}
user_services = {{ used = false }}
synthetic = {{ used = false }}
other = {{ used = false }}

[eu]
version = "1"
in_union = true
code_of_practice = false
audio_content = "Plucked tones"
languages = "None: instrumental"
continuous = false
illegal_content = "Every file was listened to."

[california]
trademarks_patents = "None known."
personal_information = false
personal_information_details = "No one can be told from what is heard."
aggregate_consumer_information = false
processing = "Resampled for training."
collection_ongoing = false

[clear]

[fairly_trained]
relies_on_exceptions = false
due_diligence = "Only verified snapshots are read."
keeps_records = "For ten years."
architecture = "One model, no other."
"""


def build_home(folder: Path, audio: Path, terms: Path, run: Run) -> Path:
    """`basis` was trained on p-s1, `tuned` was made from it with p-s2; afterwards a party withdraws from `cinder`."""
    home, sheets = folder / "home", folder / "sheets"
    sheets.mkdir()
    shutil.copytree(audio, sheets / "audio")
    for name, text in (("parties", PARTIES), ("recordings", RECORDINGS), ("claims", CLAIMS)):
        (sheets / f"{name}.csv").write_text(text)
    run("--home", home, "init", "--origin", "disclosing.example/log")
    run("--home", home, "catalogue", "import", "--folder", sheets)
    run("--home", home, "programme", "add", terms)
    _grant(folder, home, run, FIRST, "recording")
    run("--home", home, "snapshot", "freeze", "--programme", "p")
    _train(folder, home, run, "basis", "p-s1", [])
    _grant(folder, home, run, LATER, "recording")
    _grant(folder, home, run, [("thistlewick", "ember")], "vocal_take")
    run("--home", home, "snapshot", "freeze", "--programme", "p")
    _train(folder, home, run, "tuned", "p-s2", ["basis"])
    run("--home", home, "consent", "withdraw", "--programme", "p", "--party", "marrowgate", "--recording", "cinder")
    (folder / "provider.toml").write_text(PROVIDER)
    return home


def read_manifest(home: Path, snapshot_id: str) -> list[dict[str, Any]]:
    """The manifest as it lies in the home's file store, found by its recorded hash."""
    with sqlite3.connect(home / "ritornello.db") as connection:
        (sha256,) = connection.execute("SELECT manifest_sha256 FROM snapshot WHERE snapshot_id = ?", (snapshot_id,)).fetchone()
    connection.close()
    return [json.loads(line) for line in (home / "files" / sha256[:2] / sha256[2:]).read_text().splitlines()]


def _grant(folder: Path, home: Path, run: Run, grants: list[tuple[str, str]], kind: str) -> None:
    rows = "".join(f"{party},{recording},{kind},ai_training,grant\n" for party, recording in grants)
    (folder / "consents.csv").write_text("party_id,recording_id,kind,purpose,decision\n" + rows)
    command = ("--home", home, "--json", "consent", "import", folder / "consents.csv", "--programme", "p")
    run(*command, "--confirm", json.loads(run(*command))["token"])


def _train(folder: Path, home: Path, run: Run, model: str, snapshot: str, parents: list[str]) -> None:
    """Every asset is read for as many milliseconds as its place in the manifest says, in hundreds; the last one isn't read."""
    rows = read_manifest(home, snapshot)
    exposure = [{"asset_id": row["asset_id"], "exposure_ms": 100 * place} for place, row in enumerate(reversed(rows))]
    document = {
        "format": "ritornello-run-1",
        "run_id": f"run-{model}",
        "model_version": model,
        "parents": parents,
        "snapshot_ids": [snapshot],
        "code_sha256": "a" * 64,
        "weights_sha256": "b" * 64,
        "trained_on": TODAY.isoformat(),
        "exposure": exposure,
    }
    (folder / "run.json").write_text(json.dumps(document))
    run("--home", home, "run", "register", folder / "run.json")
