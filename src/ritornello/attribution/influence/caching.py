"""`cache()`: vectors of every training segment at every checkpoint of a recording, once; then outputs are attributed without the training data."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from ritornello.attribution.influence import weights
from ritornello.attribution.influence.curvature import Curvature, LayerCurvature, Loss, measure_curvature
from ritornello.attribution.influence.features import Describer, Settings
from ritornello.attribution.influence.layers import Layer, find_layers
from ritornello.attribution.influence.recorder import write_whole
from ritornello.attribution.influence.recording import Checkpoint, Recording, encode_document, read_document
from ritornello.attribution.influence.rows import Rows
from ritornello.attribution.influence.segments import AGAIN
from ritornello.domain.errors import BadInput, Problem, Refused

FORMAT = "ritornello-influence-cache-1"
DOCUMENT = "cache.json"
Batches = Iterable[tuple[Sequence[str], Any]]
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True, eq=False)
class Cache:
    """Vectors of a recording's segments. `steps` are the checkpoints that it covers."""

    folder: Path
    recording: Recording
    settings: Settings
    layers: tuple[Layer, ...]
    steps: tuple[int, ...]
    segment_ids: tuple[str, ...]

    def checkpoints(self) -> Iterator[Checkpoint]:
        return (checkpoint for checkpoint in self.recording.checkpoints if checkpoint.step in self.steps)

    def describer(self, step: int) -> Describer:
        """What made the vectors of a checkpoint. Raises BadInput where its factors were changed."""
        return Describer(self.layers, self.settings, _load_curvature(self.folder / _name(step), self.layers, self.settings), step)

    def rows(self, step: int, dimensions: int) -> Rows:
        return Rows.open(self.folder / _name(step), len(self.segment_ids), dimensions)


def cache(
    recording: Recording,
    model: nn.Module,
    loss: Loss,
    batches: Batches,
    folder: Path,
    settings: Settings | None = None,
    *,
    steps: Iterable[int] | None = None,
    fisher: Loss | None = None,
    progress: Progress = lambda done, of, what: None,
) -> Cache:
    """Make vectors of all segments at every checkpoint (or those of `steps`) in `folder`; what lies there already is kept, so that a run that was
    killed goes on.

    `batches` are pairs of segment ids and a batch, and are gone through once, then up to three times for each checkpoint: a list or a DataLoader, in the same
    order each time. `loss(model, batch)` returns each sample's loss, shape (n,), summed over its tokens. `fisher`, if given, is the loss that
    curvature is measured with (labels drawn from the model); otherwise `loss`. Memory: one batch's gradients of all layers, the factors of one
    checkpoint. Raises BadInput for segments that the recording doesn't name or a cache of something else; The model is given back as it was.
    """
    settings = settings or Settings()
    if iter(batches) is batches:
        raise ValueError("batches are gone through several times: give a list or a DataLoader, not a generator")
    layers = find_layers(model, settings.layers)
    chosen = [each for each in recording.checkpoints if steps is None or each.step in set(steps)]
    if not chosen:
        raise ValueError("the recording has no checkpoint after these steps")
    if settings.kind == "embedding":
        chosen = chosen[-1:]
    segment_ids = _check_segments(recording, batches)
    document = {
        "dimensions": Describer(layers, settings, None).dimensions,
        "format": FORMAT,
        "layers": [asdict(layer) for layer in layers],
        "recording_sha256": recording.sha256,
        "segment_ids": segment_ids,
        "settings": _write_settings(settings),
        "steps": [each.step for each in chosen],
    }
    _begin(folder, document)
    again = _Ordered(batches, segment_ids)
    with weights.borrowed(model):
        for number, checkpoint in enumerate(chosen):
            progress(number, len(chosen), f"step {checkpoint.step}")
            _cache_checkpoint(recording, checkpoint, model, loss, again, folder / _name(checkpoint.step), layers, settings, fisher or loss)
        progress(len(chosen), len(chosen), "done")
    return open_cache(folder, recording)


def open_cache(folder: Path, recording: Recording) -> Cache:
    """Open what `cache` made of a recording. Raises BadInput where it is of another recording, or isn't whole."""
    value, _ = read_document(folder / DOCUMENT)
    try:
        if value["format"] != FORMAT:
            raise ValueError(f"the format is not {FORMAT}")
        settings = _read_settings(value["settings"])
        layers = tuple(Layer(str(row["name"]), int(row["inputs"]), int(row["outputs"])) for row in value["layers"])
        steps, segment_ids = tuple(int(step) for step in value["steps"]), tuple(str(name) for name in value["segment_ids"])
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput([Problem(DOCUMENT, None, None, f"is no description of a cache ({error})", AGAIN)]) from None
    if value["recording_sha256"] != recording.sha256:
        raise BadInput([Problem(DOCUMENT, None, "recording_sha256", "is of another recording", "give the recording that it was made from")])
    missing = [step for step in steps if not (folder / _name(step) / "done.json").exists()]
    if missing:
        raise BadInput(
            [Problem(str(folder), None, None, f"has no vectors yet of step {missing[0]}", "run cache() again: it goes on where it stopped")]
        )
    return Cache(folder, recording, settings, layers, steps, segment_ids)


def _check_segments(recording: Recording, batches: Batches) -> list[str]:
    known, seen, problems = {segment.segment_id for segment in recording.segments}, list[str](), []
    for ids, _ in batches:
        seen += ids
    for name in dict.fromkeys(seen):
        if name not in known:
            problems.append(Problem("batches", None, name, "is no segment of the recording", "give the segments that were trained on"))
    if len(seen) != len(set(seen)):
        problems.append(Problem("batches", None, None, "hold a segment twice", "give each segment once"))
    if problems:
        raise BadInput(problems)
    if not seen:
        raise ValueError("there is no segment")
    return seen


def _begin(folder: Path, document: dict[str, Any]) -> None:
    data = encode_document(document)
    if (folder / DOCUMENT).exists():
        if (folder / DOCUMENT).read_bytes() != data:
            raise Refused("out_exists", f"{folder} holds a cache of another recording or with other settings", "choose a new folder")
    elif folder.exists() and any(folder.iterdir()):
        raise Refused("out_exists", f"{folder} exists already", "choose a new folder")
    else:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / DOCUMENT, data)


def _cache_checkpoint(
    recording: Recording,
    checkpoint: Checkpoint,
    model: nn.Module,
    loss: Loss,
    batches: "_Ordered",
    folder: Path,
    layers: tuple[Layer, ...],
    settings: Settings,
    fisher: Loss,
) -> None:
    if (folder / "done.json").exists():
        return
    folder.mkdir(exist_ok=True)
    weights.load_into(model, recording.folder / checkpoint.file, checkpoint.sha256)
    if settings.kind == "ek-fac" and not (folder / "factors.json").exists():
        _save_curvature(folder, measure_curvature(model, layers, batches, fisher))
    describer = Describer(layers, settings, _load_curvature(folder, layers, settings), checkpoint.step)
    rows = Rows.create(folder, len(batches.segment_ids), describer.dimensions)
    row = 0
    for vectors in describer.describe(model, batches(), loss):
        rows.put(row, vectors.numpy())
        row += len(vectors)
    if row != len(batches.segment_ids):
        raise ValueError(f"the loss function returned {row} losses for {len(batches.segment_ids)} segments")
    rows.flush()
    write_whole(folder / "done.json", encode_document({"checkpoint_sha256": checkpoint.sha256}))


@dataclass(frozen=True, slots=True)
class _Ordered:
    """Batches that have to come in the same order each time: rows are told apart by their places alone."""

    batches: Batches
    segment_ids: list[str]

    def __call__(self) -> Iterator[Any]:
        row = 0
        for ids, batch in self.batches:
            if list(ids) != self.segment_ids[row : row + len(ids)]:
                raise ValueError("batches came in another order than before: don't shuffle them")
            yield batch
            row += len(ids)


def _save_curvature(folder: Path, curvature: Curvature) -> None:
    tensors: dict[str, Tensor] = {}
    for name, layer in curvature.items():
        tensors |= {
            f"{name}|inputs": layer.input_vectors,
            f"{name}|outputs": layer.output_vectors,
            f"{name}|eigenvalues": layer.eigenvalues,
        }
    sha256 = weights.save(folder / "factors.safetensors", tensors)
    write_whole(folder / "factors.json", encode_document({"sha256": sha256}))


def _load_curvature(folder: Path, layers: tuple[Layer, ...], settings: Settings) -> Curvature | None:
    if settings.kind != "ek-fac":
        return None
    value, _ = read_document(folder / "factors.json")
    tensors = weights.load(folder / "factors.safetensors", str(value.get("sha256")))
    curvature = {}
    for layer in layers:
        shapes = {
            "inputs": (layer.inputs, layer.inputs),
            "outputs": (layer.outputs, layer.outputs),
            "eigenvalues": (layer.outputs, layer.inputs),
        }
        for part, shape in shapes.items():
            if f"{layer.name}|{part}" not in tensors or tuple(tensors[f"{layer.name}|{part}"].shape) != shape:
                raise BadInput(
                    [Problem("factors.safetensors", None, f"{layer.name}|{part}", f"is missing or not of the shape {shape}", AGAIN)]
                )
        curvature[layer.name] = LayerCurvature(*(tensors[f"{layer.name}|{part}"] for part in ("inputs", "outputs", "eigenvalues")))
    return curvature


def _name(step: int) -> str:
    return f"step-{step:09d}"


def _write_settings(settings: Settings) -> dict[str, Any]:
    """Damping as text: documents hold no floats."""
    return {**asdict(settings), "damping": repr(settings.damping), "layers": list(settings.layers) if settings.layers else None}


def _read_settings(value: dict[str, Any]) -> Settings:
    layers = tuple(map(str, value["layers"])) if value["layers"] is not None else None
    return Settings(str(value["kind"]), float(value["damping"]), int(value["dimensions"]), layers, int(value["seed"]))
