"""A notice work by work, as the CLEAR Act (S. 3813 of the 119th Congress, a bill) would have it submitted to the Register of Copyrights."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from ritornello.domain.catalogue import Recording
from ritornello.formats.disclosures.document import (
    BOTH,
    PROVIDER,
    RECORDS,
    Disclosure,
    Item,
    Section,
    Source,
    count_of,
    join,
    seconds,
)
from ritornello.formats.disclosures.material import Ended, Material, count
from ritornello.formats.disclosures.provider import Provider

KIND = "work-notice"
SOURCE = Source(
    "Copyright Labeling and Ethical AI Reporting Act (CLEAR Act), S. 3813, 119th Congress: a bill, not law",
    "section 2(b)",
    "as introduced in the Senate on 10 February 2026; the Register's regulations on form and content (section 2(b)(3)) do not exist yet",
)
NOTICE_DAYS = 30  # section 2(b)(2)(A)
_NO_NUMBER = "not stated: the catalogue keeps no numbers of the Copyright Office"


def build_work_notice(material: Material, provider: Provider, today: date) -> Disclosure:
    """The notice of the model versions asked about. Every recording is a work of its own, and so is every composition that one of them fixes."""
    totals, works = count(material), _list_works(material, provider.law.get("registrations", {}))
    models = material.asked()
    sound = sum(work["type"] == "sound recording" for work in works)
    return Disclosure(
        KIND,
        "Notice of copyrighted works in a training dataset",
        SOURCE,
        today,
        tuple(model.model_version for model in models),
        f"{count_of(sound, 'sound recording')} and {count_of(len(works) - sound, 'musical work')} are in the datasets "
        f"behind {join(model.model_version for model in models)}.",
        (
            Section(
                "1",
                "The notice (section 2(b)(1))",
                (
                    Item("1.a", "The person that uses the training dataset", f"{provider.name}; {provider.contact}", PROVIDER),
                    Item("1.b", "The generative AI model", tuple(_name(provider, m.model_version) for m in material.models), BOTH),
                    Item(
                        "1.c",
                        "(A) A sufficiently detailed summary of each copyrighted work in the training dataset",
                        _summarise(works),
                        RECORDS,
                    ),
                    _complete(provider),
                    _address(provider),
                ),
            ),
            Section("2", "When it would be due (section 2(b)(2))", (_due(material, provider),)),
            Section("3", "Which works the bill means (section 2(a)(2))", (_registered(works),)),
        ),
        totals,
        material.rests_on(),
        works,
        provider_sha256=provider.sha256,
    )


def _name(provider: Provider, model_version: str) -> str:
    name = provider.models.get(model_version, {}).get("name")
    return f"{name} (version {model_version})" if name else f"version {model_version}, a parent"


def _summarise(works: tuple[Mapping[str, Any], ...]) -> str:
    return f"{count_of(len(works), 'work')}, each with its own entry under “Works”."


def _complete(provider: Provider) -> Item:
    asked = "Are these all works in the training dataset?"
    if provider.used():
        return Item("1.d", asked, f"No: the provider also used {join(provider.used())}, whose works these records don't know.", BOTH)
    return Item("1.d", asked, "Yes, as far as the provider states: it used nothing beside the recorded snapshots.", BOTH)


def _address(provider: Provider) -> Item:
    asked = "(B) The Uniform Resource Locator of the training dataset, if it is publicly available on the internet"
    address = provider.law.get("dataset_url")
    if address:
        return Item("1.e", asked, str(address), PROVIDER)
    return Item("1.e", asked, reason="the provider states no address: the snapshots are licensed and not publicly available")


def _due(material: Material, provider: Provider) -> Item:
    lines = []
    for model in material.asked():
        used: date = provider.models[model.model_version]["commercial_use"]
        due = used - timedelta(days=NOTICE_DAYS)
        lines.append(f"{model.model_version}: used commercially or released from {used}; were the bill law, notice would be due by {due}")
    return Item("2.a", "(A) Not later than 30 days before commercial use or release", tuple(lines), BOTH)


def _registered(works: tuple[Mapping[str, Any], ...]) -> Item:
    known = sum(work["registration"] is not None for work in works)
    return Item(
        "3.a",
        "(B) Registered under section 408, or scheduled pursuant to section 1401, of title 17",
        f"The bill means registered works only. A registration is stated for {known:,} of {count_of(len(works), 'work')}; the others are listed all the same.",
        BOTH,
    )


def _list_works(material: Material, registrations: Mapping[str, str]) -> tuple[Mapping[str, Any], ...]:
    """Recordings first, then the compositions in them; ascending by identifier."""
    held: dict[str, list[Mapping[str, Any]]] = {}
    for part in material.parts.values():
        for row in part.rows:
            held.setdefault(row["recording_id"], []).append(row)
    entries = {name: _recording(material, material.recordings[name], held[name], registrations) for name in sorted(held)}
    fixed: dict[str, list[str]] = {}
    for name in entries:
        if work_id := material.recordings[name].work_id:
            fixed.setdefault(work_id, []).append(name)
    return (
        *entries.values(),
        *(_composition(material, name, [entries[each] for each in of], registrations) for name, of in sorted(fixed.items())),
    )


def _recording(
    material: Material, recording: Recording, rows: list[Mapping[str, Any]], registrations: Mapping[str, str]
) -> Mapping[str, Any]:
    """One entry that can be read by itself: what the work is, which files of it were there, who read how much, and what ended since."""
    assets = {row["asset_id"]: row for row in rows}
    over: dict[str, Ended] = {}
    for part in material.parts.values():
        over |= {asset: ended for asset, ended in part.ended.items() if asset in assets}
    return {
        "type": "sound recording",
        "id": recording.recording_id,
        "title": recording.title,
        "credited_to": recording.artist,
        "isrc": recording.isrc,
        "iswc": None,
        "registration": registrations.get(recording.recording_id),
        "files": [
            {
                "asset_id": asset,
                "kind": row["kind"],
                "duration_ms": row["duration_ms"],
                "ended": str(over[asset]) if asset in over else None,
            }
            for asset, row in sorted(assets.items())
        ],
        "snapshots": sorted({row["snapshot_id"] for row in rows}),
        "licences": sorted({str(material.parts[row["snapshot_id"]].snapshot["licence"]) for row in rows}),
        "read_by": _readers(material, frozenset(assets)),
        "recordings": [],
    }


def _composition(material: Material, work_id: str, entries: list[Mapping[str, Any]], registrations: Mapping[str, str]) -> Mapping[str, Any]:
    work = material.works[work_id]
    assets = frozenset(file["asset_id"] for entry in entries for file in entry["files"])
    return {
        "type": "musical work",
        "id": work_id,
        "title": work.title,
        "credited_to": None,
        "isrc": None,
        "iswc": work.iswc,
        "registration": registrations.get(work_id),
        "files": [],
        "snapshots": sorted({name for entry in entries for name in entry["snapshots"]}),
        "licences": sorted({name for entry in entries for name in entry["licences"]}),
        "read_by": _readers(material, assets),
        "recordings": [entry["id"] for entry in entries],
    }


def _readers(material: Material, assets: frozenset[str]) -> list[dict[str, Any]]:
    return [
        {
            "model_version": model.model_version,
            "inherited": model.inherited,
            "exposure_ms": sum(ms for asset, ms in model.exposure.items() if asset in assets),
        }
        for model in material.models
        if assets & set(model.exposure)
    ]


def describe_work(work: Mapping[str, Any]) -> dict[str, str]:
    """A work's entry for people: label → text."""
    ended = sorted({file["ended"] for file in work["files"] if file["ended"]})
    files = [f"{file['kind'].replace('_', ' ')} {seconds(file['duration_ms'])} s, {file['asset_id']}" for file in work["files"]]
    readers = [
        f"{one['model_version']}{' (a parent)' if one['inherited'] else ''}: {seconds(one['exposure_ms'])} s" for one in work["read_by"]
    ]
    named = {
        "Type": work["type"],
        "Credited to": work["credited_to"],
        "ISRC": work["isrc"],
        "ISWC": work["iswc"],
        "Copyright registration": work["registration"] or _NO_NUMBER,
        "Recordings": join(work["recordings"]),
        "Files": "; ".join(files),
        "Snapshots": join(work["snapshots"]),
        "Licence": join(work["licences"]),
        "Read in training": "; ".join(readers) or "in no training so far",
        "Since then": "; ".join(ended),
    }
    return {label: text for label, text in named.items() if text}
