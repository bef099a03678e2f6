"""What happens to an excerpt before it is searched: codecs, noise, rooms, tempo, pitch and speed, other sound on top, parts taken out.

Two sets of one kind each, `tune` and `report`, differ in parameters and, where there are several tools (time stretching, codecs), in the tool as well.
"""

import os
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.ndimage
import scipy.signal
import soundfile
import soxr

from benchmarks.fingerprint.corpus import find_tool

RATE_HZ = 44_100
Samples = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Passage:
    """What a degradation works on: stereo sound of shape (n, 2), what fetches mono music or speech to lie over it (at least as long), and dice."""

    stereo: Samples
    music: Callable[[], Samples]
    speech: Callable[[], Samples]
    dice: np.random.Generator

    @property
    def mono(self) -> Samples:
        mixed: Samples = self.stereo.mean(axis=1, dtype=np.float32)
        return mixed


@dataclass(frozen=True, slots=True)
class Degradation:
    """`speed`: seconds of the recording in a second of the query; `semitones`: how much higher the query sounds."""

    name: str
    kind: str
    apply: Callable[[Passage], Samples]
    speed: float = 1.0
    semitones: float = 0.0


def list_degradations(half: str) -> list[Degradation]:
    """The degradations of `tune` or `report`, in the order of the table."""
    return TUNE if half == "tune" else REPORT


def keep(passage: Passage) -> Samples:
    return passage.mono


def encode(passage: Passage, codec: tuple[str, ...], form: str) -> Samples:
    """There and back through one of ffmpeg's encoders."""
    return recode(passage.mono, codec, form)


def recode(samples: Samples, codec: tuple[str, ...], form: str) -> Samples:
    raw = ("-f", "f32le", "-ar", str(RATE_HZ), "-ac", "1")
    with tempfile.TemporaryDirectory() as place:
        packed = Path(place) / f"packed.{form}"
        run_tool("ffmpeg", "-loglevel", "error", *raw, "-i", "pipe:", *codec, str(packed), given=samples.astype("<f4").tobytes())
        back = run_tool("ffmpeg", "-loglevel", "error", "-i", str(packed), *raw, "pipe:")
    return np.frombuffer(back, dtype="<f4").astype(np.float32)


def add_noise(passage: Passage, ratio_db: float, pink: bool) -> Samples:
    mono = passage.mono
    return lay_over(mono, make_noise(len(mono), passage.dice, pink), ratio_db)


def make_noise(length: int, dice: np.random.Generator, pink: bool) -> Samples:
    white = dice.standard_normal(length).astype(np.float32)
    if not pink:
        return white
    spectrum = np.fft.rfft(white)
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 1) * RATE_HZ / length / 20 + 1)  # -3 dB an octave from 20 Hz on
    return np.fft.irfft(spectrum, length).astype(np.float32)


def telephone(passage: Passage, low_hz: float, high_hz: float, law: str) -> Samples:
    """Band limits, then 8 kHz and 8 bits a sample by G.711."""
    narrow = limit_band(passage.mono, low_hz, high_hz)
    return recode(narrow, ("-ar", "8000", "-c:a", law), "wav")


def limit_band(samples: Samples, low_hz: float, high_hz: float) -> Samples:
    sections = scipy.signal.butter(4, [low_hz, high_hz], "bandpass", fs=RATE_HZ, output="sos")
    return scipy.signal.sosfilt(sections, samples).astype(np.float32)


def reverberate(passage: Passage, decay_s: float, direct_db: float) -> Samples:
    """A room's response drawn at random: noise that loses 60 dB in `decay_s`, highs sooner, the direct sound `direct_db` against all the rest."""
    return put_in_room(passage.mono, passage.dice, decay_s, direct_db)


def put_in_room(samples: Samples, dice: np.random.Generator, decay_s: float, direct_db: float) -> Samples:
    length = int(decay_s * RATE_HZ)
    seconds = np.arange(length) / RATE_HZ
    low = scipy.signal.lfilter([0.15], [1, -0.85], dice.standard_normal(length))
    response = low * 10 ** (-3 * seconds / decay_s) + 0.3 * dice.standard_normal(length) * 10 ** (-6 * seconds / decay_s)
    response[: int(0.004 * RATE_HZ)] = 0
    response /= np.sqrt(np.sum(response**2))
    response[0] = 10 ** (direct_db / 20)
    return scipy.signal.fftconvolve(samples, response)[: len(samples)].astype(np.float32)


def stretch(passage: Passage, tool: str, tempo: float, semitones: float) -> Samples:
    return stretch_mono(passage.mono, tool, tempo, semitones)


def stretch_mono(samples: Samples, tool: str, tempo: float, semitones: float) -> Samples:
    """Tempo and pitch apart from one another, by rubberband (phase vocoder) or sox (overlapping segments)."""
    with tempfile.TemporaryDirectory() as place:
        before, after = str(Path(place) / "before.wav"), str(Path(place) / "after.wav")
        soundfile.write(before, samples, RATE_HZ, subtype="FLOAT")
        if tool == "rubberband":
            run_tool("rubberband", "--quiet", "--tempo", str(tempo), "--pitch", str(semitones), before, after)
        else:
            change = ["tempo", "-m", str(tempo)] if tempo != 1 else ["pitch", str(semitones * 100)]
            run_tool("sox", "-G", before, "-b", "32", "-e", "floating-point", after, *change)
        return soundfile.read(after, dtype="float32")[0]


def change_speed(passage: Passage, speed: float) -> Samples:
    """Tempo and pitch together, as a tape does."""
    return resample(passage.mono, speed)


def resample(samples: Samples, speed: float) -> Samples:
    return soxr.resample(samples, RATE_HZ * speed, RATE_HZ).astype(np.float32)


def under_music(passage: Passage, ratio_db: float) -> Samples:
    return lay_over(passage.mono, passage.music(), ratio_db)


def under_speech(passage: Passage, ratio_db: float) -> Samples:
    return lay_over(passage.mono, passage.speech(), ratio_db)


def lay_over(samples: Samples, other: Samples, ratio_db: float) -> Samples:
    """The sum, where the samples' power is `ratio_db` against the other sound's."""
    other = other[: len(samples)]
    gain = 10 ** (ratio_db / 20) * measure(other) / max(measure(samples), 1e-9)
    return (samples * gain + other).astype(np.float32)


def measure(samples: Samples) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


def separate(passage: Passage, part: str, reach: int) -> Samples:
    """The harmonic or the percussive part (Fitzgerald 2010: medians along time against medians along frequency, power masks)."""
    _, _, spectrum = scipy.signal.stft(passage.mono, RATE_HZ, nperseg=2048, noverlap=1536)
    size = np.abs(spectrum).astype(np.float32)
    along, across = filter_rows(size, reach), filter_rows(size.T, reach).T
    wanted = along if part == "harmonic" else across
    mask = wanted**2 / (along**2 + across**2 + 1e-12)
    return scipy.signal.istft(spectrum * mask, RATE_HZ, nperseg=2048, noverlap=1536)[1].astype(np.float32)


def filter_rows(size: Samples, reach: int) -> Samples:
    """Medians of `reach` neighbours in each row; laid end to end, because SciPy is many times faster in one dimension."""
    padded = np.pad(size, ((0, 0), (reach // 2, reach // 2)), mode="symmetric")
    filtered = scipy.ndimage.median_filter(padded.ravel(), reach).reshape(padded.shape)
    return np.asarray(filtered[:, reach // 2 : -(reach // 2)])


def take_side(passage: Passage) -> Samples:
    """What differs between left and right: singers and drums in the middle are gone."""
    return ((passage.stereo[:, 0] - passage.stereo[:, 1]) / 2).astype(np.float32)


def broadcast(passage: Passage, speed: float, tilt_db: float, codec: tuple[str, ...], form: str) -> Samples:
    """Played a little fast, tilted towards high or low, squeezed, and sent through a lossy codec."""
    fast = resample(passage.mono, speed)
    spectrum = np.fft.rfft(fast)
    octaves = np.log2(np.maximum(np.fft.rfftfreq(len(fast), 1 / RATE_HZ), 20) / 1000)
    tilted = np.fft.irfft(spectrum * 10 ** (np.clip(octaves, -4, 4) * tilt_db / 20), len(fast))
    tilted /= np.abs(tilted).max() + 1e-9
    squeezed = np.tanh(4 * tilted) / np.tanh(4)
    return recode((squeezed * 0.8).astype(np.float32), codec, form)


def heard_by_phone(passage: Passage, decay_s: float, ratio_db: float, codec: tuple[str, ...], form: str) -> Samples:
    """Across a room with background noise, through a telephone's microphone and speech codec."""
    room = put_in_room(passage.mono, passage.dice, decay_s, 0.0)
    noisy = lay_over(room, make_noise(len(room), passage.dice, pink=True), ratio_db)
    return recode(limit_band(noisy, 250, 3600), codec, form)


def sampled(passage: Passage, speed: float, ratio_db: float) -> Samples:
    """A sample in a new recording: at another speed, under other music."""
    return lay_over(resample(passage.mono, speed), passage.music(), ratio_db)


def muffle(passage: Passage, high_hz: float, gain_db: float) -> Samples:
    """Behind a wall: no highs, and so quiet that 16 bits hardly hold it."""
    sections = scipy.signal.butter(6, high_hz, "lowpass", fs=RATE_HZ, output="sos")
    return (scipy.signal.sosfilt(sections, passage.mono) * 10 ** (gain_db / 20)).astype(np.float32)


def run_tool(tool: str, *words: str, given: bytes = b"") -> bytes:
    return subprocess.run(
        [find_tool(tool), *words], input=given, check=True, capture_output=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    ).stdout


def tempo(change: float, tool: str) -> Degradation:
    return Degradation(f"tempo {percent(change)}", "tempo", partial(stretch, tool=tool, tempo=change, semitones=0.0), speed=change)


def pitch(semitones: float, tool: str) -> Degradation:
    return Degradation(f"pitch {semitones:+g}", "pitch", partial(stretch, tool=tool, tempo=1.0, semitones=semitones), semitones=semitones)


def speed(change: float) -> Degradation:
    named, higher = f"speed {percent(change)}", 12 * float(np.log2(change))
    return Degradation(named, "speed", partial(change_speed, speed=change), speed=change, semitones=higher)


def sample(change: float, ratio_db: float) -> Degradation:
    named, higher = f"speed {percent(change)}, {ratio_db:+.0f} dB to music", 12 * float(np.log2(change))
    return Degradation(named, "sample", partial(sampled, speed=change, ratio_db=ratio_db), speed=change, semitones=higher)


def percent(change: float) -> str:
    return f"{round(100 * (change - 1), 2):+g} %"


def mp3(rate: str) -> partial[Samples]:
    return partial(encode, codec=("-c:a", "libmp3lame", "-b:a", rate), form="mp3")


def opus(rate: str) -> partial[Samples]:
    return partial(encode, codec=("-c:a", "libopus", "-b:a", rate), form="opus")


AAC = (("-c:a", "aac", "-b:a", "48k"), "m4a")
OPUS_SPEECH = (("-ar", "8000", "-c:a", "libopus", "-b:a", "12k", "-application", "voip"), "opus")
VORBIS = (("-c:a", "libvorbis", "-q:a", "0"), "ogg")
GSM = (("-ar", "8000", "-c:a", "libgsm_ms"), "wav")

REPORT = [
    Degradation("clean", "clean", keep),
    Degradation("MP3 64k", "codec", mp3("64k")),
    Degradation("Opus 24k", "codec", opus("24k")),
    Degradation("white noise 0 dB", "white", partial(add_noise, ratio_db=0.0, pink=False)),
    Degradation("pink noise 5 dB", "pink", partial(add_noise, ratio_db=5.0, pink=True)),
    Degradation("telephone, mu-law", "telephone", partial(telephone, low_hz=300, high_hz=3400, law="pcm_mulaw")),
    Degradation("strong reverb", "reverb", partial(reverberate, decay_s=2.5, direct_db=-6.0)),
    tempo(1.05, "rubberband"),
    tempo(0.95, "rubberband"),
    tempo(1.10, "rubberband"),
    pitch(1, "rubberband"),
    pitch(-1, "rubberband"),
    pitch(2, "rubberband"),
    pitch(-2, "rubberband"),
    speed(1.04),
    speed(1.05),
    speed(0.95),
    Degradation("6 dB under music", "music", partial(under_music, ratio_db=-6.0)),
    Degradation("0 dB with music", "music", partial(under_music, ratio_db=0.0)),
    Degradation("6 dB under speech", "speech", partial(under_speech, ratio_db=-6.0)),
    Degradation("harmonic part", "harmonic", partial(separate, part="harmonic", reach=17)),
    Degradation("percussive part", "percussive", partial(separate, part="percussive", reach=17)),
    Degradation("side signal", "side", take_side),
    Degradation(
        "broadcast +2 %, AAC 48k", "broadcast", partial(broadcast, speed=1.02, tilt_db=2.0, codec=AAC[0], form=AAC[1]), 1.02, 0.343
    ),
    Degradation(
        "room, noise, phone", "phone", partial(heard_by_phone, decay_s=0.8, ratio_db=10.0, codec=OPUS_SPEECH[0], form=OPUS_SPEECH[1])
    ),
    sample(1.05, 0.0),
    Degradation("muffled, -40 dB", "muffled", partial(muffle, high_hz=2000, gain_db=-40.0)),
]

TUNE = [
    Degradation("clean", "clean", keep),
    Degradation("MP3 48k", "codec", mp3("48k")),
    Degradation("Opus 20k", "codec", opus("20k")),
    Degradation("white noise 2 dB", "white", partial(add_noise, ratio_db=2.0, pink=False)),
    Degradation("pink noise 3 dB", "pink", partial(add_noise, ratio_db=3.0, pink=True)),
    Degradation("telephone, A-law", "telephone", partial(telephone, low_hz=350, high_hz=3200, law="pcm_alaw")),
    Degradation("strong reverb", "reverb", partial(reverberate, decay_s=3.2, direct_db=-5.0)),
    tempo(1.06, "sox"),
    tempo(0.94, "sox"),
    tempo(1.09, "sox"),
    pitch(1.2, "sox"),
    pitch(-0.8, "sox"),
    pitch(1.8, "sox"),
    pitch(-1.9, "sox"),
    speed(1.03),
    speed(1.055),
    speed(0.955),
    Degradation("5 dB under music", "music", partial(under_music, ratio_db=-5.0)),
    Degradation("1 dB over music", "music", partial(under_music, ratio_db=1.0)),
    Degradation("5 dB under speech", "speech", partial(under_speech, ratio_db=-5.0)),
    Degradation("harmonic part", "harmonic", partial(separate, part="harmonic", reach=31)),
    Degradation("percussive part", "percussive", partial(separate, part="percussive", reach=31)),
    Degradation("side signal", "side", take_side),
    Degradation(
        "broadcast -1.5 %, Vorbis",
        "broadcast",
        partial(broadcast, speed=0.985, tilt_db=-1.5, codec=VORBIS[0], form=VORBIS[1]),
        0.985,
        -0.262,
    ),
    Degradation("room, noise, GSM", "phone", partial(heard_by_phone, decay_s=0.6, ratio_db=8.0, codec=GSM[0], form=GSM[1])),
    sample(0.96, 1.0),
    Degradation("muffled, -35 dB", "muffled", partial(muffle, high_hz=2500, gain_db=-35.0)),
]
