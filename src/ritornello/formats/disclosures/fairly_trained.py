"""The evidence pack for Fairly Trained's Licensed Model certification: what its submission is about, each statement with the files that show it."""

from collections.abc import Mapping, Sequence
from datetime import date

from ritornello.formats.disclosures.document import (
    BOTH,
    PROVIDER,
    RECORDS,
    Disclosure,
    Enclosed,
    Grid,
    Item,
    Section,
    Source,
    count_of,
    hours,
    join,
    yes_no,
)
from ritornello.formats.disclosures.eu_template import QUESTIONS
from ritornello.formats.disclosures.material import Material, count
from ritornello.formats.disclosures.provider import Provider
from ritornello.formats.disclosures.provider_columns import OTHER_GROUNDS
from ritornello.formats.disclosures.snapshot_list import list_snapshots

KIND = "fairly-trained-pack"
SOURCE = Source(
    "Fairly Trained, Licensed Model certification",
    "training data, licences and consents, due diligence, records",
    "as described in public reports of 2024 and 2025; its own page of criteria could not be read, and the numbering is ours",
)
_GROUNDS: Mapping[str, str] = {
    "contract": "Provided under a contractual agreement with a party that has the rights to enter it",
    "open_licence": "Available under an open licence appropriate to the use",
    "public_domain": "In the public domain",
    "owned": "Fully owned by the model developer",
}


def build_pack(
    material: Material, provider: Provider, refused: Mapping[str, Mapping[str, int]], files: Sequence[Enclosed], today: date
) -> Disclosure:
    """The pack's index. `refused`: snapshot → reason → how many files stayed outside for it. `files`: what lies beside it."""
    totals = count(material)
    held = totals["all"]
    names = [str(provider.models[model.model_version]["name"]) for model in material.asked()]
    return Disclosure(
        KIND,
        "Evidence for Fairly Trained certification",
        SOURCE,
        today,
        tuple(model.model_version for model in material.asked()),
        f"{join(names)}: {count_of(held['recordings'], 'recording')}, {hours(held['duration_ms'])}, each with recorded consent. "
        "Each statement says whose word it is, and names the files that show it where they can be handed over.",
        (
            Section("1", "The model", _model(material, provider, files)),
            Section("2", "Training data: sources and ground", _data(material, provider, files)),
            Section("3", "Licences and consents", _consents(material, files)),
            Section("4", "Due diligence", _diligence(material, provider, refused, files)),
            Section("5", "Records", _records(material, provider, files)),
        ),
        totals,
        material.rests_on(),
        files=tuple(files),
        provider_sha256=provider.sha256,
    )


def _model(material: Material, provider: Provider, files: Sequence[Enclosed]) -> tuple[Item, ...]:
    runs = _paths(files, "runs")
    ancestors = material.ancestors()
    return (
        Item("1.a", "Applicant", f"{provider.name}; {provider.contact}", PROVIDER),
        Item(
            "1.b",
            "Model versions",
            tuple(
                f"{provider.models[model.model_version]['name']} (version {model.model_version}), training ended {model.run['trained_on']}"
                for model in material.asked()
            ),
            BOTH,
            files=runs,
        ),
        Item(
            "1.c",
            "Upstream models",
            tuple(f"{model.model_version}, training ended {model.run['trained_on']}: its snapshots are in this pack" for model in ancestors)
            or "None: no parent model is registered.",
            RECORDS,
            files=runs,
        ),
        Item("1.d", "Which elements of the product are covered, and which are not", str(provider.law["architecture"]), PROVIDER),
    )


def _data(material: Material, provider: Provider, files: Sequence[Enclosed]) -> tuple[Item, ...]:
    items = [
        Item(
            "2.a",
            f"{_GROUNDS['contract']}: the snapshots",
            list_snapshots(material),
            RECORDS,
            files=(*_paths(files, "terms"), *_paths(files, "manifests")),
        )
    ]
    used = provider.used()
    titles = [question.title for question in QUESTIONS if question.key in used]
    items.append(
        Item("2.b", "Data from other sources", tuple(titles), PROVIDER)
        if used
        else Item("2.b", "Data from other sources", reason="the provider states that it used nothing beside the snapshots")
    )
    for letter, ground in zip("cdef", OTHER_GROUNDS, strict=True):
        text, asked = provider.law.get(ground), f"{_GROUNDS[ground]}: other sources"
        reason = "the provider names no other source on this ground" if used else "the answer to 2.b is none"
        items.append(Item(f"2.{letter}", asked, text, PROVIDER) if text else Item(f"2.{letter}", asked, reason=reason))
    items.append(
        Item(
            "2.g",
            "Does any training data rely on fair use or another exception to copyright?",
            yes_no(provider.law["relies_on_exceptions"]),
            PROVIDER,
        )
    )
    return tuple(items)


def _consents(material: Material, files: Sequence[Enclosed]) -> tuple[Item, ...]:
    relied = {event for part in material.parts.values() for row in part.rows for event in row["consent_events"]}
    ended = count(material)["all"]
    rules = [
        (
            name,
            join(part.snapshot["purposes"]),
            join(f"{lane} {share // 10_000} %" for lane, share in sorted(part.snapshot["quorum"].items())),
            f"{part.programme.title}, version {part.programme.version}",
        )
        for name, part in material.parts.items()
    ]
    since = (
        f"{count_of(ended['ended_recordings'], 'recording')} ({count_of(ended['ended_assets'], 'file')}): withdrawn, expired or on hold since"
        if ended["ended_assets"]
        else "none"
    )
    return (
        Item(
            "3.a",
            "Whose consent each file needs: the share of each right that must have agreed",
            Grid(("Snapshot", "Purposes", "Must agree", "Terms"), tuple(rules)),
            RECORDS,
            files=_paths(files, "terms"),
        ),
        Item(
            "3.b",
            "The consents relied on",
            f"{count_of(len(relied), 'grant')}, each in the log; without names. Pick any, and ask its owner's representative or the licensor for the signed receipt.",
            RECORDS,
            files=(*_paths(files, "consents"), *_paths(files, "manifests")),
        ),
        Item("3.c", "Consents that ended since", since, RECORDS, files=_paths(files, "consents")),
    )


def _diligence(
    material: Material, provider: Provider, refused: Mapping[str, Mapping[str, int]], files: Sequence[Enclosed]
) -> tuple[Item, ...]:
    rows = [
        (name, reason.replace("_", " "), f"{number:,}") for name, reasons in refused.items() for reason, number in sorted(reasons.items())
    ]
    asked = "Files that stayed outside because a right was not clear, by reason (whose they are stays with the licensor)"
    return (
        Item(
            "4.a",
            "How rights are checked before a file is used",
            (
                (
                    "A file is in a snapshot only when, in every right that the terms name, the claims total exactly 100 % and the parties that must "
                    "agree have granted every purpose; no answer counts as no."
                ),
                "Claims that overlap or leave a gap, holds, and representatives without a mandate keep a file out.",
            ),
            RECORDS,
            files=(*_paths(files, "terms"), *_paths(files, "manifests")),
        ),
        Item("4.b", asked, Grid(("Snapshot", "Reason", "Files"), tuple(rows)), RECORDS)
        if rows
        else Item("4.b", asked, reason="every file of the catalogue reached its quorum"),
        Item("4.c", "The applicant's own due diligence", str(provider.law["due_diligence"]), PROVIDER),
    )


def _records(material: Material, provider: Provider, files: Sequence[Enclosed]) -> tuple[Item, ...]:
    read = [
        (model.model_version, f"{sum(ms > 0 for ms in model.exposure.values()):,}", hours(sum(model.exposure.values())))
        for model in material.models
    ]
    return (
        Item(
            "5.a",
            "What each training read",
            Grid(("Model version", "Files read", "Read over all passes"), tuple(read)),
            RECORDS,
            files=_paths(files, "runs"),
        ),
        Item(
            "5.b",
            "That these records were not made up afterwards",
            "Terms, manifests, consents and trainings are entries of an append-only log; each has its proof, and the log's checkpoint is signed.",
            RECORDS,
            files=_paths(files, "log"),
        ),
        Item("5.c", "How the applicant keeps records of training data", str(provider.law["keeps_records"]), PROVIDER),
    )


def _paths(files: Sequence[Enclosed], place: str) -> tuple[str, ...]:
    """The enclosed files in a folder, or of that name."""
    return tuple(file.path for file in files if file.path.startswith((f"{place}/", f"{place}.")))
