"""Croissant 1.1 metadata of an exported dataset (MLCommons, Croissant Format Specification 1.1): which files, which records, which terms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ritornello.formats.odrl_terms import NAMESPACES

CONFORMS_TO = "http://mlcommons.org/croissant/1.1"
SPLITS = {"train": "cr:TrainingSplit", "validation": "cr:ValidationSplit", "test": "cr:TestSplit"}
ENCODINGS = {
    ".flac": "audio/flac",
    ".json": "application/json",
    ".jsonl": "application/jsonlines",
    ".mp3": "audio/mpeg",
    ".oga": "audio/ogg",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".parquet": "application/x-parquet",
    ".tar": "application/x-tar",
    ".txt": "text/plain",
    ".wav": "audio/wav",
}
FIELDS = (
    ("asset_id", "sc:Text", "The asset: sha256: and the hash of its file."),
    ("recording_id", "sc:Text", "The recording that the asset is, or is a part of."),
    ("kind", "sc:Text", "recording, stem or vocal_take."),
    ("file", "sc:Text", "The file within the dataset, or the member of its shard."),
    ("bytes", "sc:Integer", "The length of the file in bytes."),
    ("duration_ms", "sc:Integer", "The length of the sound in milliseconds."),
)
SHARD_FIELDS = (
    ("shard", "sc:Text", "The shard that holds the file."),
    ("offset", "sc:Integer", "The byte of the shard at which the file starts."),
)
# The context that the specification's appendix 1 recommends, and three terms more without which mlcroissant 1.1.1 calls it not standard.
_PREFIXED = (
    "annotation arrayShape citeAs column containedIn equivalentProperty excludes extract field fileProperty fileObject fileSet "
    "format includes isArray isLiveDataset jsonPath key md5 parentField path recordSet references regex "
    "readLines repeated replace samplingRate sdVersion separator source subField transform unArchive value"
)


@dataclass(frozen=True, slots=True)
class File:
    """A file of the dataset: its path there, its length, its SHA-256 in hex."""

    file: str
    bytes: int
    sha256: str


def describe_dataset(
    snapshot: Mapping[str, Any],
    files: Sequence[File],
    *,
    licensor: str,
    terms: Mapping[str, Any],
    index: str,
    splits: Sequence[str],
    extensions: Sequence[str] = (),
) -> dict[str, Any]:
    """The content of croissant.json. `snapshot` is its row of snapshots.jsonl, `index` the file that holds one row an asset, `terms` the ODRL offer,
    `extensions` those of the members of its shards, if it has any.

    The version is 1.0.0 with the manifest's root as build metadata (Semantic Versioning 2.0.0, item 10), since another root is another snapshot.
    """
    shards = [file.file for file in files if file.file.endswith(".tar")]
    return {
        "@context": _context(),
        "@type": "sc:Dataset",
        "@id": f"urn:sha256:{snapshot['manifest_root']}",
        "name": snapshot["snapshot_id"],
        "description": (
            f"{snapshot['assets']} assets, {snapshot['duration_ms']} ms, frozen on {snapshot['day']} for {', '.join(snapshot['purposes'])}: "
            f"each with the consent that programme {snapshot['programme_id']} asks for. LICENCE.txt holds the terms."
        ),
        "conformsTo": CONFORMS_TO,
        "identifier": f"urn:sha256:{snapshot['manifest_root']}",
        "version": f"1.0.0+{snapshot['manifest_root']}",
        "license": {"@type": "sc:CreativeWork", "name": snapshot["licence"], "url": "LICENCE.txt"},
        "url": f"urn:sha256:{snapshot['manifest_root']}",
        "creator": {"@type": "sc:Organization", "name": licensor},
        "datePublished": snapshot["day"],
        "citeAs": f"Snapshot {snapshot['snapshot_id']}, manifest root {snapshot['manifest_root']}",
        "isLiveDataset": False,
        "usageInfo": terms,
        "distribution": [*(_describe_file(file) for file in files), *([_describe_members(shards, extensions)] if shards else [])],
        "recordSet": [_describe_splits(splits), _describe_assets(index, sharded=bool(shards)), *([_describe_sounds()] if shards else [])],
    }


def _context() -> dict[str, Any]:
    return {
        "@language": "en",
        "@vocab": "https://schema.org/",
        "sc": "https://schema.org/",
        "cr": "http://mlcommons.org/croissant/",
        "rai": "http://mlcommons.org/croissant/RAI/",
        "dct": "http://purl.org/dc/terms/",
        "conformsTo": "dct:conformsTo",
        "data": {"@id": "cr:data", "@type": "@json"},
        "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
        "examples": {"@id": "cr:examples", "@type": "@json"},
        **{name: f"cr:{name}" for name in _PREFIXED.split()},
        **NAMESPACES,
    }


def _describe_file(file: File) -> dict[str, Any]:
    suffix = "." + file.file.rpartition(".")[2]
    return {
        "@type": "cr:FileObject",
        "@id": file.file,
        "name": file.file,
        "contentUrl": file.file,
        "contentSize": f"{file.bytes} B",
        "encodingFormat": ENCODINGS.get(suffix, "application/octet-stream"),
        "sha256": file.sha256,
    }


def _describe_splits(splits: Sequence[str]) -> dict[str, Any]:
    known = [name for name in splits if name in SPLITS]
    return {
        "@type": "cr:RecordSet",
        "@id": "splits",
        "name": "splits",
        "dataType": "cr:Split",
        "key": {"@id": "splits/name"},
        "field": [
            {"@type": "cr:Field", "@id": "splits/name", "name": "splits/name", "dataType": "sc:Text"},
            {"@type": "cr:Field", "@id": "splits/url", "name": "splits/url", "dataType": "sc:URL"},
        ],
        "data": [{"splits/name": name, "splits/url": SPLITS[name]} for name in known],
    }


def _describe_assets(index: str, *, sharded: bool) -> dict[str, Any]:
    split = _describe_field(index, "dataset_split", "sc:Text", "train, validation or test.")
    return {
        "@type": "cr:RecordSet",
        "@id": "assets",
        "name": "assets",
        "key": {"@id": "assets/asset_id"},
        "field": [
            *(_describe_field(index, *field) for field in (*FIELDS, *(SHARD_FIELDS if sharded else ()))),
            {**split, "references": {"field": {"@id": "splits/name"}}},
        ],
    }


def _describe_members(shards: Sequence[str], extensions: Sequence[str]) -> dict[str, Any]:
    """The audio members of all shards: everything but the samples' texts."""
    return {
        "@type": "cr:FileSet",
        "@id": "members",
        "name": "members",
        "containedIn": [{"@id": shard} for shard in shards],
        "encodingFormat": "application/octet-stream",
        "includes": [f"*.{extension}" for extension in extensions],
    }


def _describe_sounds() -> dict[str, Any]:
    """Records of the audio itself, as bytes, which only a tar member can be: mlcroissant 1.1.1 reads a loose audio file when it is an MP3, and no other."""
    source = {"fileSet": {"@id": "members"}}
    field = {"@type": "cr:Field"}
    return {
        "@type": "cr:RecordSet",
        "@id": "sounds",
        "name": "sounds",
        "field": [
            {
                **field,
                "@id": "sounds/asset_sha256",
                "name": "sounds/asset_sha256",
                "dataType": "sc:Text",
                "source": {**source, "extract": {"fileProperty": "filename"}, "transform": {"regex": "^([0-9a-f]{64})\\..*$"}},
            },
            {
                **field,
                "@id": "sounds/audio",
                "name": "sounds/audio",
                "dataType": "sc:AudioObject",
                "source": {**source, "extract": {"fileProperty": "content"}},
            },
        ],
    }


def _describe_field(index: str, name: str, data_type: str, description: str) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"assets/{name}",
        "name": f"assets/{name}",
        "description": description,
        "dataType": data_type,
        "source": {"fileObject": {"@id": index}, "extract": {"column": name}},
    }
