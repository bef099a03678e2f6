"""Classes of licensees (licensee-class.md): the documents, what they demand of a programme, and whether one falls under them (period-folder.md)."""

import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from typing import Any

from ritornello_verify.bundle import Bundle
from ritornello_verify.currency import MINOR_DIGITS, read_amount, read_decimal
from ritornello_verify.forms import MILLION, is_count, is_text, is_texts
from ritornello_verify.incomes import HEARD
from ritornello_verify.programme import Programme, is_rule, read_quorum, refuse_float
from ritornello_verify.reading import identify
from ritornello_verify.report import Step, show
from ritornello_verify.tables import TABLES

CLASSES = "period/classes.jsonl"
ADMISSIONS = "period/admissions.jsonl"
SCOPE = "class:"
WORLD = "WW"
MICROSECONDS_A_DAY = 86_400_000_000
Columns = dict[str, Any]
Check = Callable[[Any], bool]


def is_day(value: object) -> bool:
    return type(value) is date


def is_table(value: object) -> bool:
    return type(value) is dict


def is_names(value: object) -> bool:
    return is_texts(value) and bool(value)


def is_share(value: object) -> bool:
    return type(value) is int and 0 < value <= MILLION


DEMANDS: dict[str, Check] = {
    "format": lambda value: value == "ritornello-class-1",
    "class_id": lambda value: type(value) is str and re.fullmatch("[A-Za-z0-9][A-Za-z0-9._-]{0,47}", value) is not None,
    "version": is_count,
    "title": is_text,
    "summary": is_text,
    "licensors": is_names,
    "licensees": is_names,
    "purposes": is_names,
    "territory": lambda value: type(value) is str and re.fullmatch("[A-Z]{2}", value) is not None,
    "valid_from": is_day,
    "valid_to": is_day,
    "licences": is_names,
    "objection_days": is_count,
    "notice_days": is_count,
    "tail_days": is_count,
    "quorum": lambda value: is_texts(value) or (is_table(value) and all(map(is_rule, value.values()))),
    "lanes": lambda value: is_table(value) and all(map(is_share, value.values())),
    "income": is_table,
    "attribution": is_table,
}
OPTIONAL_DEMANDS = {"licensees", "territory", "licences", "lanes", "income", "attribution"}
INCOME: dict[str, Check] = {"rate": is_text, "amounts": is_table}
ATTRIBUTION: dict[str, Check] = {
    "max_error_ppm": lambda value: is_count(value) and value <= MILLION,
    "unattributed": is_names,
}


@dataclass(frozen=True, slots=True)
class Document:
    """A class document; `demands` as TOML has it, `amounts` in units by currency."""

    class_id: str
    demands: Columns
    rate_ppm: int
    amounts: dict[str, int]


@dataclass(frozen=True, slots=True)
class Classes:
    """Rows of classes.jsonl by hash, rows of admissions.jsonl, and the hashes of all documents, readable or not."""

    documents: dict[str, Document]
    admissions: list[Columns]
    hashes: frozenset[str]

    def find_wrong(self, sha256: str, class_id: str) -> str | None:
        """What is wrong with the document that an event about a class names; those that cannot be read are wrong already."""
        if sha256 not in self.hashes:
            return f"its class document is not in classes.jsonl: {sha256}"
        found = self.documents.get(sha256)
        return None if found is None or found.class_id == class_id else f"its class document is of class {show(found.class_id)}"


def load_classes(bundle: Bundle, step: Step) -> Classes:
    """All documents that are what their rows say; the others are problems, and no programme falls under them."""
    documents: dict[str, Document] = {}
    hashes: set[str] = set()
    for row in bundle.read_rows(CLASSES):
        step.count("class documents read")
        hashes.add(row.values["class_sha256"])
        try:
            documents[row.values["class_sha256"]] = open_document(row.values)
        except ValueError as error:
            step.fail(CLASSES, str(error), row.number, identify(row.values, TABLES[CLASSES]))
    return Classes(documents, [row.values for row in bundle.read_rows(ADMISSIONS)], frozenset(hashes))


def open_document(values: Columns) -> Document:
    data = values["text"].encode("utf-8")
    found = sha256(data).hexdigest()
    if found != values["class_sha256"]:
        raise ValueError(f"the text's SHA-256 is {found}")
    document = read_document(data)
    if document.class_id != values["class_id"]:
        raise ValueError(f"the document's class_id is {show(document.class_id)}")
    return document


def read_document(data: bytes) -> Document:
    try:
        demands = tomllib.loads(data.decode("utf-8"), parse_float=refuse_float)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the document cannot be read as TOML: {error}") from None
    check_demands(demands, DEMANDS, "", DEMANDS.keys() - OPTIONAL_DEMANDS)
    if demands["valid_to"] < demands["valid_from"]:
        raise ValueError("valid_to is before valid_from")
    income = demands.get("income", {})
    check_demands(income, INCOME, "income.", set())
    check_demands(demands.get("attribution", {}), ATTRIBUTION, "attribution.", set())
    rate_ppm = read_decimal(income["rate"], 6) if "rate" in income else 0
    if rate_ppm > MILLION:
        raise ValueError("income.rate is more than 1")
    amounts: dict[str, int] = {}
    for currency, amount in income.get("amounts", {}).items():
        if currency not in MINOR_DIGITS or type(amount) is not str:
            raise ValueError(f"income.amounts.{show(currency)} is no ISO 4217 currency, or its amount is no text")
        amounts[currency] = read_amount(amount, currency)
    return Document(demands["class_id"], demands, rate_ppm, amounts)


def check_demands(values: Columns, checks: dict[str, Check], where: str, needed: set[str]) -> None:
    for name in sorted(needed - values.keys()):
        raise ValueError(f"{where}{name} is missing")
    for name, value in values.items():
        if name not in checks:
            raise ValueError(f"{where}{show(name)} is not known")
        if not checks[name](value):
            raise ValueError(f"{where}{name} is {show(value)}, which it may not be")


def find_obstacle(classes: Classes, programme: Programme, programme_sha256: str, class_id: str, day: str, known_at_us: int) -> str | None:
    """Why a programme does not fall under a class that it names; None when it does."""
    named = programme.licensing.classes[class_id]
    document = classes.documents.get(named)
    if document is None or document.class_id != class_id:
        return f"classes.jsonl has no document of it with the hash {named}"
    first, last = document.demands["valid_from"].isoformat(), document.demands["valid_to"].isoformat()
    if not first <= day <= last:
        return f"it holds from {first} to {last}"
    shortfall = next(find_shortfalls(document, programme), None)
    if shortfall is not None:
        return f"the programme does not meet it: {shortfall}"
    wanted = (class_id, named, programme.programme_id, programme_sha256)
    for row in classes.admissions:
        if (row["class_id"], row["class_sha256"], row["programme_id"], row["programme_sha256"]) == wanted and counts(
            row, document.demands["objection_days"], day, known_at_us
        ):
            return None
    return "no admission of the programme to it counts on that day"


def counts(row: Columns, objection_days: int, day: str, known_at_us: int) -> bool:
    """An admission known and in force, that left enough days to object."""
    ended = (
        row["ended_from"] is not None and row["ended_at_us"] is not None and row["ended_at_us"] <= known_at_us and row["ended_from"] <= day
    )
    return (
        row["recorded_at_us"] <= known_at_us
        and row["valid_from"] <= day
        and (row["valid_to"] is None or row["valid_to"] >= day)
        and not ended
        and row["valid_from"] >= add_days(row["recorded_at_us"], objection_days)
    )


def add_days(moment_us: int, days: int) -> str:
    """So many days after the UTC day of a moment; beyond the calendar: never."""
    try:
        return (date(1970, 1, 1) + timedelta(days=moment_us // MICROSECONDS_A_DAY + days)).isoformat()
    except OverflowError:
        return "9999-99-99"


def find_shortfalls(document: Document, programme: Programme) -> Iterator[str]:
    """The table of licensee-class.md, row by row."""
    demands, licensing = document.demands, programme.licensing
    if licensing.licensor not in demands["licensors"]:
        yield f"licensor is {show(licensing.licensor)}"
    if "licensees" in demands and licensing.licensee not in demands["licensees"]:
        yield f"licensee is {show(licensing.licensee)}"
    for purpose in programme.purposes:
        if purpose not in demands["purposes"]:
            yield f"it is for {show(purpose)}"
    if demands.get("territory", WORLD) not in (WORLD, programme.territory):
        yield f"territory is {programme.territory}"
    if programme.valid_from < demands["valid_from"].isoformat() or programme.valid_to > demands["valid_to"].isoformat():
        yield f"its term is {programme.valid_from} to {programme.valid_to}"
    if "licences" in demands and programme.licence not in demands["licences"]:
        yield f"licence is {show(programme.licence)}"
    if licensing.notice_days > demands["notice_days"]:
        yield f"notice_days is {licensing.notice_days}"
    if licensing.tail_days < demands["tail_days"]:
        yield f"tail_days is {licensing.tail_days}"
    for lane, share in read_quorum(demands["quorum"]).items():
        asked = (MILLION if programme.quorum[lane] is None else programme.quorum[lane]) if lane in programme.quorum else 0
        if (asked or 0) < (MILLION if share is None else share):
            yield f"its quorum asks {asked} ppm of {lane}"
    for income in programme.incomes:
        for lane, ppm in demands.get("lanes", {}).items():
            if income.lanes.get(lane, 0) < ppm:
                yield f"lane {lane} of {income.name} gets {income.lanes.get(lane, 0)} ppm"
    yield from find_money_shortfalls(document, programme)


def find_money_shortfalls(document: Document, programme: Programme) -> Iterator[str]:
    total = sum(income.rate_ppm or 0 for income in programme.incomes if income.products is None and income.model_versions is None)
    if total < document.rate_ppm:
        yield f"its rates total {total} ppm"
    for currency, units in document.amounts.items():
        own = [income for income in programme.incomes if income.currency == currency]
        found = sum((income.amount_units or 0 if income.period_id is None else 0) + (income.minimum_units or 0) for income in own)
        if found < units:
            yield f"its amounts in {currency} total {found} units"
    attribution = document.demands.get("attribution", {})
    for income in programme.incomes:
        if income.divide_by in HEARD and income.max_error_ppm > attribution.get("max_error_ppm", MILLION):
            yield f"max_error_ppm of {income.name} is {income.max_error_ppm}"
        if income.divide_by in HEARD and "unattributed" in attribution and income.unattributed not in attribution["unattributed"]:
            yield f"unattributed of {income.name} is {income.unattributed}"
