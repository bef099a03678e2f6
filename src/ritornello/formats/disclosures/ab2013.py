"""California's AB 2013: the twelve items of the high-level summary of training datasets (Civil Code section 3111(a)(1)–(12))."""

from collections.abc import Mapping
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
    yes_no,
)
from ritornello.formats.disclosures.eu_template import QUESTIONS
from ritornello.formats.disclosures.material import Material, Trained, count
from ritornello.formats.disclosures.provider import Provider
from ritornello.formats.disclosures.snapshot_list import list_snapshots

KIND = "california-ab2013"
SOURCE = Source(
    "California Civil Code, title 15.2 (Assembly Bill 2013, chapter 817 of the Statutes of 2024)",
    "section 3111(a)(1) to (12)",
    "as enacted on 28 September 2024; documentation is due from 1 January 2026",
)


def build_ab2013(material: Material, provider: Provider, today: date) -> Disclosure:
    """The documentation of the model versions asked about; datasets that reached them through parents are in it."""
    totals = count(material)
    models = material.asked()
    return Disclosure(
        KIND,
        "Training data documentation",
        SOURCE,
        today,
        tuple(model.model_version for model in models),
        f"A high-level summary of the datasets used in the development of {join(str(provider.models[model.model_version]['name']) for model in models)}.",
        (
            Section(
                "3111(a)",
                "High-level summary of the datasets",
                (
                    _owners(material, provider),
                    Item(
                        "(2)",
                        "How the datasets further the intended purpose of the system or service",
                        _purposes(models, provider),
                        PROVIDER,
                    ),
                    _data_points(totals["all"], provider),
                    _types(totals["all"], provider),
                    _protected(material, provider),
                    _licensed(material, provider),
                    _personal(totals["all"], provider),
                    Item(
                        "(8)",
                        "Whether the datasets include aggregate consumer information (section 1798.140(b))",
                        yes_no(provider.law["aggregate_consumer_information"]),
                        PROVIDER,
                    ),
                    _processing(provider),
                    _collected(material, provider),
                    _first_used(material, provider),
                    _synthetic(provider),
                ),
            ),
        ),
        totals,
        material.rests_on(),
        provider_sha256=provider.sha256,
    )


def _owners(material: Material, provider: Provider) -> Item:
    """The snapshots in a grid, and in words the sources that only the provider knows."""
    used = [question.title for question in QUESTIONS if question.key in provider.used()]
    if not used:
        return Item("(1)", "The sources or owners of the datasets", list_snapshots(material), BOTH)
    snapshots = [f"{row[0]}, licensed by {row[2]} under {row[3]}, read by {row[1]}" for row in list_snapshots(material).rows]
    return Item("(1)", "The sources or owners of the datasets", (*snapshots, f"other sources: {join(used)}"), BOTH)


def _purposes(models: tuple[Trained, ...], provider: Provider) -> tuple[str, ...]:
    return tuple(f"{model.model_version}: {provider.models[model.model_version]['purpose']}" for model in models)


def _data_points(held: Mapping[str, Any], provider: Provider) -> Item:
    lines = [f"{count_of(held['assets'], 'audio file')} of {count_of(held['recordings'], 'recording')}, {hours(held['duration_ms'])}"]
    other = provider.law.get("other_data_points")
    lines += [f"from other sources: {other}"] if other else []
    return Item("(3)", "The number of data points included in the datasets", tuple(lines), BOTH if other else RECORDS)


def _types(held: Mapping[str, Any], provider: Provider) -> Item:
    labels = provider.law.get("labels")
    parts = [("recording_assets", "whole recording"), ("stem_assets", "stem"), ("vocal_take_assets", "vocal take")]
    general = f"audio files: {join(count_of(held[key], noun) for key, noun in parts if held[key])}"
    labelled = f"types of labels used: {labels}" if labels else "the datasets are not labelled; their general characteristics are given"
    return Item("(4)", "The types of data points within the datasets", (general, labelled), BOTH)


def _protected(material: Material, provider: Provider) -> Item:
    held, lanes = count(material)["all"], sorted({lane for part in material.parts.values() for lane in part.snapshot["quorum"]})
    licensed = (
        f"Copyright: yes. All {count_of(held['recordings'], 'recording')} of the snapshots are licensed by parties who claim rights in them "
        f"({join(lanes)}); they are treated as protected, and the datasets as not entirely in the public domain."
    )
    return Item(
        "(5)",
        "Whether the datasets include any data protected by copyright, trademark, or patent, or are entirely in the public domain",
        (licensed, f"Trademarks and patents: {provider.law['trademarks_patents']}"),
        BOTH,
    )


def _licensed(material: Material, provider: Provider) -> Item:
    """Whether a source that only the provider knows was bought is not in the records; whether somebody licensed it is one of its answers."""
    others = [question.title.lower() for question in QUESTIONS if question.key in set(provider.used()) - {"licensed_elsewhere"}]
    more = "; further datasets were licensed otherwise" if "licensed_elsewhere" in provider.used() else ""
    licences = join(sorted({f"{part.programme.title} ({part.snapshot['licence']})" for part in material.parts.values()}))
    text = f"Licensed: every snapshot, under {licences}{more}."
    return Item(
        "(6)",
        "Whether the datasets were purchased or licensed by the developer",
        (text, f"Not licensed by rightsholders: {join(others)}") if others else text,
        BOTH,
    )


def _personal(held: Mapping[str, Any], provider: Provider) -> Item:
    facts = (
        f"The manifests hold identifiers, no names and no contact data. The audio is as its owners gave it: tags in a file may name people, and voices may "
        f"be heard; {count_of(held['vocal_take_assets'], 'file')} registered as vocal takes."
    )
    return Item(
        "(7)",
        "Whether the datasets include personal information (section 1798.140(v))",
        (yes_no(provider.law["personal_information"]), str(provider.law["personal_information_details"]), facts),
        BOTH,
    )


def _processing(provider: Provider) -> Item:
    return Item(
        "(9)",
        "Whether there was any cleaning, processing, or other modification to the datasets by the developer, and its intended purpose",
        (
            "The snapshots were handed over byte for byte as their owners gave them, each file named by its hash.",
            str(provider.law["processing"]),
        ),
        BOTH,
    )


def _collected(material: Material, provider: Provider) -> Item:
    days = sorted(part.snapshot["day"] for part in material.parts.values())
    when = f"frozen on {days[0]}" if days[0] == days[-1] else f"frozen from {days[0]} to {days[-1]}"
    months = [
        f"{details['first_month']} to {details['last_month']}"
        for details in provider.sources.values()
        if details and "first_month" in details
    ]
    ongoing = "Data collection is ongoing." if provider.law["collection_ongoing"] else "Data collection is not ongoing."
    lines = (
        f"The snapshots were {when}, from what their owners had licensed by then.",
        *(f"Crawled from {each}." for each in months),
        ongoing,
    )
    return Item(
        "(10)", "The time period during which the data in the datasets were collected, and whether collection is ongoing", lines, BOTH
    )


def _first_used(material: Material, provider: Provider) -> Item:
    lines = []
    for model in material.models:
        stated = provider.models.get(model.model_version, {}).get("first_used")
        whose = f"{model.model_version}{' (a parent)' if model.inherited else ''}"
        lines.append(
            f"{whose}: {join(model.run['snapshot_ids'])} first used on {stated}"
            if stated
            else f"{whose}: {join(model.run['snapshot_ids'])} used by {model.run['trained_on']}, when its training ended; the first day is not stated"
        )
    return Item("(11)", "The dates the datasets were first used during the development", tuple(lines), BOTH)


def _synthetic(provider: Provider) -> Item:
    """The law allows a description of the functional need for it, and does not ask for one."""
    used = provider.sources["synthetic"] is not None
    purpose = provider.law.get("synthetic_purpose")
    answer: tuple[str, ...] = (yes_no(used), *((f"Functional need: {purpose}",) if used and purpose else ()))
    return Item(
        "(12)", "Whether the system or service used or continuously uses synthetic data generation in its development", answer, PROVIDER
    )
