"""The public summary of training content that Article 53(1)(d) of the EU AI Act asks for, field by field as the AI Office's template has it."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from ritornello.formats.disclosures.document import (
    BOTH,
    PROVIDER,
    RECORDS,
    Disclosure,
    Item,
    Section,
    Source,
    count_of,
    hours,
    join,
    optional,
    yes_no,
)
from ritornello.formats.disclosures.eu_template import QUESTIONS, Question, hours_range
from ritornello.formats.disclosures.material import Material, count
from ritornello.formats.disclosures.provider import Provider
from ritornello.formats.disclosures.snapshot_list import list_snapshots

KIND = "eu-training-summary"
SOURCE = Source(
    "Regulation (EU) 2024/1689 (AI Act)",
    "Article 53(1)(d)",
    "template of the AI Office, annex to C(2025) 8311 final of 5 December 2025, first published 24 July 2025",
)
_HOUR_MS = 3_600_000
_OTHER_MODALITIES = (("a", "text"), ("b", "image"), ("d", "video"), ("e", "other"))


def build_eu_summary(material: Material, provider: Provider, today: date) -> Disclosure:
    """The summary of the model versions asked about. Snapshots of their ancestors are in it, and marked as such."""
    totals = count(material)
    names = [str(provider.models[model.model_version]["name"]) for model in material.asked()]
    return Disclosure(
        KIND,
        "Public summary of training content for general-purpose AI models",
        SOURCE,
        today,
        tuple(model.model_version for model in material.asked()),
        _summarise(names, totals, material),
        (
            Section("0", "About this summary", _about(provider, today)),
            Section("1.1", "Provider identification", _identify(provider)),
            Section("1.2", "Model identification", _models(material, provider)),
            Section(
                "1.3", "Modalities, overall training data size and other characteristics", _characteristics(material, provider, totals)
            ),
            *_sources(material, provider),
            Section("3.1", "Respect of reservation of rights from text and data mining exception or limitation", _reservations(provider)),
            Section(
                "3.2", "Removal of illegal content", (_own("3.2.a", "General description of measures taken", provider, "illegal_content"),)
            ),
            Section("3.3", "Other information (optional)", _other(material, provider)),
        ),
        totals,
        material.rests_on(),
        provider_sha256=provider.sha256,
    )


def _summarise(names: Iterable[str], totals: Mapping[str, Any], material: Material) -> str:
    held = totals["all"]
    text = (
        f"{join(names)}: trained on {count_of(held['recordings'], 'recording')} ({count_of(held['assets'], 'file')}, {hours(held['duration_ms'])}) "
        f"in {count_of(len(material.parts), 'licensed snapshot')}, each with the consent that its terms ask for."
    )
    if material.ancestors():
        text += f" This includes what reached it through its parents: {join(model.model_version for model in material.ancestors())}."
    if held["ended_recordings"]:
        text += f" Consent to {count_of(held['ended_recordings'], 'recording')} has been withdrawn or ended since; the models still hold what they learned."
    return text


def _about(provider: Provider, today: date) -> tuple[Item, ...]:
    previous = provider.law.get("previous")
    return (
        Item("0.a", "Version of the summary", str(provider.law["version"]), PROVIDER),
        Item("0.b", "Links to previous versions", tuple(previous), PROVIDER)
        if previous
        else Item("0.b", "Links to previous versions", reason="the provider names no previous version"),
        Item("0.c", "Last update", f"{today:%d/%m/%Y}", RECORDS),
    )


def _identify(provider: Provider) -> tuple[Item, ...]:
    asked = "Authorised representative name and contact details"
    return (
        Item("1.1.a", "Provider name and contact details", f"{provider.name}; {provider.contact}", PROVIDER),
        Item("1.1.b", asked, reason="the provider states that it is established in the Union; Article 54 asks others for a representative")
        if provider.law["in_union"]
        else Item("1.1.b", asked, str(provider.law["representative"]), PROVIDER),
    )


def _models(material: Material, provider: Provider) -> tuple[Item, ...]:
    asked = material.asked()
    parents = [_parent(material, provider, model.model_version) for model in material.ancestors()]
    return (
        Item("1.2.a", "Versioned model name(s)", tuple(_name(provider, model.model_version) for model in asked), BOTH),
        Item("1.2.b", "Model dependencies", tuple(parents) or "None: no parent model is registered.", BOTH if parents else RECORDS),
        Item(
            "1.2.c",
            "Date of placement of the model on the Union market",
            tuple(f"{model.model_version}: {provider.models[model.model_version]['union_market']:%d/%m/%Y}" for model in asked),
            PROVIDER,
        ),
    )


def _name(provider: Provider, model_version: str) -> str:
    stated = provider.models.get(model_version, {})
    named = f"{stated['name']} (version {model_version})" if "name" in stated else f"version {model_version}"
    return f"{named}, {stated['documentation']}" if "documentation" in stated else named


def _parent(material: Material, provider: Provider, model_version: str) -> str:
    children = [model.model_version for model in material.models if model_version in model.run["parents"]]
    summary = provider.models.get(model_version, {}).get("summary")
    return f"{_name(provider, model_version)}: parent of {join(children)}; " + (
        f"its summary: {summary}" if summary else "no public summary of it is stated; its snapshots are disclosed here"
    )


def _characteristics(material: Material, provider: Provider, totals: Mapping[str, Any]) -> tuple[Item, ...]:
    items = [_modality(letter, word, provider) for letter, word in _OTHER_MODALITIES]
    days = [date.fromisoformat(part.snapshot["day"]) for part in material.parts.values()]
    months = [(int(month[3:]), int(month[:2])) for details in provider.sources.values() if details and (month := details.get("last_month"))]
    year, month = max([(day.year, day.month) for day in days] + months)
    return (
        *items[:2],
        _audio(provider, totals),
        *items[2:],
        Item("1.3.f", "Latest date of data acquisition/collection for model training", f"{month:02d}/{year}", BOTH if months else RECORDS),
        Item(
            "1.3.g",
            "Is the model continuously trained on new/dynamic data after this date?",
            yes_no(provider.law["continuous"]),
            PROVIDER,
        ),
        _own("1.3.h", "Description of the linguistic characteristics of the overall training data", provider, "languages"),
        optional("1.3.i", "Other relevant characteristics of the overall training data", provider.law.get("characteristics")),
        optional("1.3.j", "Additional comments (optional)", provider.law.get("comments")),
    )


def _modality(letter: str, word: str, provider: Provider) -> Item:
    given = provider.law.get("sizes", {}).get(word)
    asked = f"{word.capitalize()}: training data size and types of content"
    if given is None:
        what = "anything else" if word == "other" else word
        return Item(f"1.3.{letter}", asked, reason=f"the snapshots hold audio only, and the provider states no source that holds {what}")
    return Item(f"1.3.{letter}", asked, (f"Training data size: {given['size']}", f"Types of content: {given['content']}"), PROVIDER)


def _audio(provider: Provider, totals: Mapping[str, Any]) -> Item:
    """The range counts what the snapshots hold, though training may have read less of it."""
    held, more = totals["all"], provider.audio_hours()
    size = (
        f"{count_of(held['assets'], 'file')} of {count_of(held['recordings'], 'recording')}, {hours(held['duration_ms'])} in the snapshots"
    )
    lines = [
        f"Training data size: {hours_range(held['duration_ms'] // _HOUR_MS + more)} ({size}{f', and {more:,} h from other sources' if more else ''})"
    ]
    lines += [
        f"{row['model_version']}{', a parent,' if row['inherited'] else ''} read {count_of(row['assets_read'], 'file')}, {hours(row['exposure_ms'])} over all passes"
        for row in totals["models"]
    ]
    lines.append(f"Types of content: {provider.law['audio_content']}")
    return Item("1.3.c", "Audio: training data size and types of content", tuple(lines), BOTH)


def _sources(material: Material, provider: Provider) -> tuple[Section, ...]:
    return tuple(
        _licensed(question, material, provider) if question.key == "licensed_elsewhere" else _source(question, provider)
        for question in QUESTIONS
    )


def _source(question: Question, provider: Provider) -> Section:
    details = provider.sources[question.key]
    items = [Item(f"{question.number}.a", question.asked, yes_no(details is not None), PROVIDER)]
    for place, detail in enumerate(question.details, 1):
        number, key = f"{question.number}.{chr(ord('a') + place)}", detail.key.removesuffix("?")
        if details is None:
            items.append(Item(number, detail.asked, reason=f"the answer to {question.number}.a is no"))
            continue
        value = details.get(key)
        answer = tuple(value) if isinstance(value, list) else value
        items.append(
            Item(number, detail.asked, answer, PROVIDER) if answer else Item(number, detail.asked, reason="the provider names none")
        )
    return Section(question.number, question.title, tuple(items))


def _licensed(question: Question, material: Material, provider: Provider) -> Section:
    """The snapshots are licensed by rightsholders through the licensor: the records answer yes; the provider may add licences of its own."""
    elsewhere = provider.sources[question.key]
    modalities = sorted({"audio", *(elsewhere["modalities"] if elsewhere else [])})
    basis = BOTH if elsewhere else RECORDS
    return Section(
        question.number,
        question.title,
        (
            Item("2.2.1.a", question.asked, "Yes", RECORDS),
            Item("2.2.1.b", "If yes, specify the modality(ies) of the content covered by the datasets concerned", tuple(modalities), basis),
            Item("2.2.1.c", "Additional information (voluntary): the licensed snapshots", list_snapshots(material), RECORDS),
        ),
    )


def _reservations(provider: Provider) -> tuple[Item, ...]:
    recorded = (
        "The snapshots hold only what was licensed: every file has the consent that its terms ask for, and no answer counts as no. "
        "So nothing in them rests on the text and data mining exception."
    )
    own = provider.law.get("reservations")
    return (
        Item(
            "3.1.a",
            "Are you a signatory to the Code of Practice for general-purpose AI models that includes commitments to respect reservations of rights?",
            yes_no(provider.law["code_of_practice"]),
            PROVIDER,
        ),
        Item(
            "3.1.b",
            "Measures implemented before model training to respect reservations of rights from the TDM exception or limitation",
            (recorded, own) if own else recorded,
            BOTH if own else RECORDS,
        ),
        optional("3.1.c", "Additional comments (optional)", provider.law.get("reservations_comments")),
    )


def _other(material: Material, provider: Provider) -> tuple[Item, ...]:
    ended = count(material)["all"]
    since = (
        f"Consent to {count_of(ended['ended_recordings'], 'recording')} ({count_of(ended['ended_assets'], 'file')}) was withdrawn, expired or put on hold "
        "after a snapshot was frozen. New snapshots leave them out on the day named to their owners; the models trained before still hold what they learned."
        if ended["ended_assets"]
        else "No consent to what is in the snapshots has been withdrawn, has expired or is on hold."
    )
    return (
        optional("3.3.a", "Other relevant information about data processing (optional)", provider.law.get("processing")),
        Item("3.3.b", "Consent that ended since (voluntary)", since, RECORDS),
    )


def _own(number: str, asked: str, provider: Provider, key: str) -> Item:
    return Item(number, asked, str(provider.law[key]), PROVIDER)
