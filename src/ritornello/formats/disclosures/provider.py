"""The provider's file: what only the developer of a model can say, as TOML (docs/formats/disclosures.md). All problems at once."""

import hashlib
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from ritornello.domain.errors import Problem, raise_if_any
from ritornello.formats.disclosures.document import join
from ritornello.formats.disclosures.eu_template import LICENSED, MODALITIES, QUESTIONS, SIZES
from ritornello.formats.disclosures.material import Material
from ritornello.formats.disclosures.provider_columns import (
    COUNT,
    FLAG,
    KINDS,
    LAWS,
    LIST,
    MODEL,
    MODEL_OF,
    MONTH,
    MONTH_FORM,
    OTHER_GROUNDS,
    PROVIDER,
    PROVIDER_FORMAT,
    SIZE,
    TABLE,
    TEXT,
    TOP,
)

MAX_BYTES = 1 << 20
MAX_TEXT = 4_000


@dataclass(frozen=True, slots=True)
class Provider:
    """The developer's own statements. A source that wasn't used is None; `law` holds the table of the law asked for."""

    name: str
    contact: str
    models: Mapping[str, Mapping[str, Any]]  # model version → its table
    sources: Mapping[str, Mapping[str, Any] | None]
    law: Mapping[str, Any]
    sha256: str

    def used(self) -> tuple[str, ...]:
        """The sources beside the recorded snapshots."""
        return tuple(key for key, details in self.sources.items() if details is not None)

    def audio_hours(self) -> int:
        """Hours of audio from those sources."""
        return sum(details.get("audio_hours", 0) for details in self.sources.values() if details)

    def modalities(self) -> frozenset[str]:
        """What those sources cover."""
        return frozenset(word for details in self.sources.values() if details for word in details["modalities"])


def read_provider(name: str, data: bytes, law: str, material: Material) -> Provider:
    """The provider in a file's bytes, complete for one law and these models. Raises BadInput with every problem, contradictions with the records among them."""
    reader = _Reader(name)
    try:
        top = tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        reader.problem(None, f"is not valid TOML: {str(error)[:200]}", "correct the file")
        raise_if_any(reader.problems)
        raise AssertionError from error
    found = reader.read(top, {**TOP, **{f"{key}?": TABLE for key in LAWS}, law: TABLE}, "")
    if found.get("format", PROVIDER_FORMAT) != PROVIDER_FORMAT:
        reader.problem("format", f"is not {PROVIDER_FORMAT!r}", f'write format = "{PROVIDER_FORMAT}"')
    who = reader.read(found.get("provider", {}), PROVIDER, "provider.") if "provider" in found else {}
    models = _read_models(reader, found.get("model", []), law, material) if "model" in found else {}
    sources = _read_sources(reader, found.get("sources", {})) if "sources" in found else {}
    tables = {key: reader.read(found[key], columns, f"{key}.", needed=key == law) for key, columns in LAWS.items() if key in found}
    provider = Provider(who.get("name", ""), who.get("contact", ""), models, sources, tables.get(law, {}), hashlib.sha256(data).hexdigest())
    _compare(reader, provider, who.get("signs_as", []), material)
    {"eu": _check_eu, "california": _check_california, "clear": _check_clear, "fairly_trained": _check_grounds}[law](
        reader, provider, material
    )
    raise_if_any(reader.problems)
    return provider


@dataclass(slots=True)
class _Reader:
    file: str
    problems: list[Problem] = field(default_factory=list)

    def problem(self, place: str | None, what: str, todo: str) -> None:
        self.problems.append(Problem(self.file, None, place, what, todo))

    def read(self, table: Mapping[str, Any], columns: Mapping[str, str], place: str, *, needed: bool = True) -> dict[str, Any]:
        """The sound values of a table; a problem for each unknown key, missing key and wrong value."""
        kinds = {column.removesuffix("?"): kind for column, kind in columns.items()}
        for key in sorted(set(table) - set(kinds)):
            self.problem(
                place + key, "is not a key of this format", f"remove it or correct its spelling; known are {', '.join(sorted(kinds))}"
            )
        for column in columns if needed else ():
            if column not in table and not column.endswith("?"):
                self.problem(place + column, "is missing", f"add it: {KINDS[columns[column]][1]}")
        values = {key: self._value(table[key], kind, place + key) for key, kind in kinds.items() if key in table}
        return {key: value for key, value in values.items() if value is not None}

    def _value(self, value: Any, kind: str, place: str) -> Any:
        example = KINDS[kind][1]
        if not _fits(value, kind):
            self.problem(place, f"{str(value)[:80]!r} is of the wrong type", f"write {example}")
            return None
        if kind == TEXT:
            return self._text(value, place)
        if kind == MONTH and not MONTH_FORM.fullmatch(value):
            self.problem(place, f"{value[:80]!r} is not a month", f"write {example}")
            return None
        if kind == COUNT and not 0 <= value < 10**9:
            self.problem(place, f"{value} is not between 0 and 999,999,999", "correct the number")
            return None
        if kind == LIST:
            if not value or not all(isinstance(item, str) for item in value):
                self.problem(place, "is empty or holds something else than texts", f"write {example}")
                return None
            return [self._text(item, place) or "" for item in value]
        return value

    def _text(self, value: str, place: str) -> str | None:
        """White space folded; what could hide or reorder what is read is refused."""
        text = " ".join(value.split())
        if not text:
            self.problem(place, "is empty", "write something, or leave the key out where it is optional")
        elif len(text) > MAX_TEXT:
            self.problem(place, f"is longer than {MAX_TEXT:,} characters", "shorten it, and link to the rest")
        elif not text.isprintable():
            self.problem(place, "holds a character that can't be seen", "remove control and direction characters")
        else:
            return text
        return None


def _fits(value: Any, kind: str) -> bool:
    """TOML's booleans are whole numbers to Python, and its moments are days: neither passes for the other here."""
    return isinstance(value, KINDS[kind][0]) and not isinstance(value, datetime) and (kind == FLAG or not isinstance(value, bool))


def _read_models(reader: _Reader, tables: Sequence[Any], law: str, material: Material) -> dict[str, dict[str, Any]]:
    days = {key: kind for own in MODEL_OF.values() for key, kind in own.items()}
    asked = {model.model_version for model in material.asked()}
    known = {model.model_version for model in material.models}
    found: dict[str, dict[str, Any]] = {}
    for number, table in enumerate(tables, 1):
        place = f"model[{number}]."
        if not isinstance(table, dict):
            reader.problem(place[:-1], "is not a table", "write [[model]] before each")
            continue
        version = table.get("version")
        own = MODEL_OF.get(law, {}) if version in asked else {}
        values = reader.read(table, {**MODEL, **{f"{key}?": kind for key, kind in days.items() if key not in own}, **own}, place)
        if values.get("version") in found:
            reader.problem(f"{place}version", f"{version!r} is listed twice", "leave one")
        found[str(values.get("version"))] = values
    for version in sorted(asked - set(found)):
        reader.problem("model", f"there is no [[model]] for {version}", f'add one with version = "{version}"')
    return {version: values for version, values in found.items() if version in known}


def _read_sources(reader: _Reader, table: Mapping[str, Any]) -> dict[str, dict[str, Any] | None]:
    """Every source must be answered: what nobody has asked the developer about is not "no"."""
    asked = reader.read(table, {question.key: TABLE for question in QUESTIONS}, "sources.")
    found: dict[str, dict[str, Any] | None] = {}
    for question in QUESTIONS:
        if question.key not in asked:
            continue
        place, given = f"sources.{question.key}.", asked[question.key]
        details = {detail.key: detail.kind for detail in question.details}
        if given.get("used") is not True:
            reader.read(given, {"used": FLAG}, place)
            found[question.key] = None
            continue
        values = reader.read(given, {"used": FLAG, **details, "audio_hours?": COUNT}, place)
        values.setdefault("modalities", [])
        for word in values["modalities"]:
            if word not in MODALITIES:
                reader.problem(f"{place}modalities", f"{word!r} is not known", f"use any of: {', '.join(MODALITIES)}")
        if ("audio" in values["modalities"]) != ("audio_hours" in values):
            reader.problem(f"{place}audio_hours", "goes with the modality audio, and only with it", "say how many hours of audio it held")
        found[question.key] = values
    return found


def _compare(reader: _Reader, provider: Provider, signs_as: Iterable[str], material: Material) -> None:
    """The statements must fit the records: who licensed, and when training ended."""
    licensees = {part.programme.licensee for part in material.parts_of(material.asked())}
    if provider.name and licensees and not licensees & {provider.name, *signs_as}:
        what = f"{provider.name!r} is not the licensee of these models: that is {join(sorted(licensees))}"
        reader.problem("provider.name", what, "check that it is the right file, or add signs_as with the name in the programme")
    for model in material.asked():
        values, trained_on = provider.models.get(model.model_version, {}), date.fromisoformat(model.run["trained_on"])
        for key in ("union_market", "commercial_use"):
            if key in values and values[key] < trained_on:
                what = f"{model.model_version}: {values[key]} is before its training ended ({trained_on})"
                reader.problem(f"model.{key}", what, "correct the day, or name the version that was on the market then")
        frozen = min(part.snapshot["day"] for part in material.parts_of([model]))
        if "first_used" in values and not frozen <= values["first_used"].isoformat() <= trained_on.isoformat():
            what = f"{model.model_version}: {values['first_used']} is not between the snapshot's day ({frozen}) and the end of training ({trained_on})"
            reader.problem("model.first_used", what, "correct the day")


def _check_eu(reader: _Reader, provider: Provider, material: Material) -> None:
    law = provider.law
    if law.get("in_union") is False and "representative" not in law:
        reader.problem("eu.representative", "is missing", "a provider established outside the Union names its representative (Article 54)")
    if law.get("in_union") is True and "representative" in law:
        reader.problem("eu.representative", "belongs to in_union = false", "remove it or correct in_union")
    if set(provider.used()) - set(LICENSED) and "reservations" not in law:
        what = f"is missing, and there are sources that nobody licensed: {join(sorted(set(provider.used()) - set(LICENSED)))}"
        reader.problem("eu.reservations", what, "describe how reservations of rights were respected there")
    sizes = reader.read(law.get("sizes", {}), {f"{word}?": TABLE for word in MODALITIES if word != "audio"}, "eu.sizes.")
    for word, given in sizes.items():
        values = reader.read(given, SIZE, f"eu.sizes.{word}.")
        size = values.get("size", "about")
        if size not in SIZES[word] and not size.startswith("about"):
            todo = f"use one of: {'; '.join(SIZES[word])}; or begin with 'about' to give another unit"
            reader.problem(f"eu.sizes.{word}.size", f"{size!r} is no range of the template", todo)
    for word in sorted(provider.modalities() - {"audio"} - set(sizes)):
        reader.problem(f"eu.sizes.{word}", f"is missing, and a source covers {word}", "add its size and content")
    for word in sorted(set(sizes) - provider.modalities()):
        reader.problem(f"eu.sizes.{word}", f"stands there, and no source covers {word}", "remove it or correct the sources")


def _check_california(reader: _Reader, provider: Provider, material: Material) -> None:
    if provider.used() and "other_data_points" not in provider.law:
        what = f"is missing, and there are sources beside the snapshots: {join(sorted(provider.used()))}"
        reader.problem("california.other_data_points", what, "say how many data points they hold; a range will do")


def _check_clear(reader: _Reader, provider: Provider, material: Material) -> None:
    numbers = provider.law.get("registrations", {})
    known = {row["recording_id"] for part in material.parts.values() for row in part.rows}
    known |= {work for name in known if (work := material.recordings[name].work_id)}
    reader.read(
        {key: value for key, value in numbers.items() if key in known}, dict.fromkeys(known & set(numbers), TEXT), "clear.registrations."
    )
    for key in sorted(set(numbers) - known):
        reader.problem(f"clear.registrations.{key}", "is no recording or work of these snapshots", "remove it or correct its spelling")


def _check_grounds(reader: _Reader, provider: Provider, material: Material) -> None:
    if provider.used() and not set(OTHER_GROUNDS) & set(provider.law):
        what = f"says nothing of the sources beside the snapshots: {join(sorted(provider.used()))}"
        reader.problem("fairly_trained", what, f"add the ground on which they were used: {', '.join(OTHER_GROUNDS)}")
    if not provider.used():
        for key in sorted(set(OTHER_GROUNDS) & set(provider.law)):
            reader.problem(
                f"fairly_trained.{key}", "stands there, and no source beside the snapshots was used", "remove it or correct the sources"
            )
