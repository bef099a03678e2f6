"""A model's state as safetensors: written whole or not at all, and loaded only where hash, names, types and shapes agree. Never a pickle."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ritornello.attribution.influence.segments import AGAIN
from ritornello.domain.errors import BadInput, Problem


def save(path: Path, tensors: Mapping[str, Tensor]) -> str:
    """Write tensors; returns the file's SHA-256. Tensors that share memory are each written in full."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.writing")
    save_file({name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in tensors.items()}, temporary)
    digest = hash_file(temporary)
    with temporary.open("rb") as stream:
        os.fsync(stream.fileno())
    temporary.replace(path)
    return digest


def load(path: Path, sha256: str) -> dict[str, Tensor]:
    """The tensors of a file. Raises BadInput where it is missing, changed or no safetensors file."""
    try:
        if hash_file(path) != sha256:
            raise BadInput([Problem(path.name, None, None, "was changed since it was written: its SHA-256 is another", AGAIN)])
        return dict(load_file(path))
    except OSError:
        raise BadInput([Problem(path.name, None, None, f"is not in {path.parent}", AGAIN)]) from None
    except SafetensorError as error:
        raise BadInput([Problem(path.name, None, None, f"is no safetensors file ({error})", AGAIN)]) from None


def load_into(model: nn.Module, path: Path, sha256: str) -> None:
    """Give a model the state of a checkpoint. Raises BadInput where the model has other tensors."""
    tensors, own = load(path, sha256), model.state_dict()
    problems = []
    for name in sorted(own.keys() | tensors.keys()):
        if name not in own or name not in tensors:
            problems.append(
                Problem(
                    path.name, None, name, "is only in the " + ("file" if name in tensors else "model"), "give the model that was trained"
                )
            )
        elif own[name].shape != tensors[name].shape:
            what = f"has the shape {tuple(tensors[name].shape)} and in the model {tuple(own[name].shape)}"
            problems.append(Problem(path.name, None, name, what, "give the model that was trained"))
    if problems:
        raise BadInput(problems)
    with torch.no_grad():
        model.load_state_dict(tensors)


@contextmanager
def borrowed(model: nn.Module) -> Iterator[None]:
    """While open, the model may be given other weights; then it is as it was."""
    before, training = {name: value.clone() for name, value in model.state_dict().items()}, model.training
    try:
        model.eval()
        yield
    finally:
        model.load_state_dict(before)
        model.train(training)


def hash_file(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
