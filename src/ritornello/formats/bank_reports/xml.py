"""ISO 20022 messages read without trusting them: no document types, no entities, nothing fetched, limits on size and depth."""

import re
from collections.abc import Iterator
from typing import TypeAlias

from lxml import etree

from ritornello.domain.money import digits_of, is_known, parse_decimal
from ritornello.formats.bank_reports.report import Amount, BankReport

MAX_BYTES = 256 * 1024 * 1024
_NAMESPACE = re.compile(r"urn:iso:std:iso:20022:tech:xsd:([a-z]{4}\.[0-9]{3}\.[0-9]{3}\.[0-9]{2})")
Element: TypeAlias = etree._Element


def read_message(report: BankReport, data: bytes) -> Element | None:
    """The message inside `Document`; sets the report's kind. None, with a problem noted, when it is no ISO 20022 message or a dangerous one."""
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        report.problem(line, None, f"is not well-formed XML, or too deep: {str(error)[:120]}", "ask the bank for the file again")
        return None
    information = root.getroottree().docinfo
    if information.doctype or information.internalDTD is not None:
        report.problem(None, None, "has a document type, with which a file can grow without end or reach for other files", "remove it")
        return None
    tag = etree.QName(root)
    found = _NAMESPACE.fullmatch(tag.namespace or "")
    if tag.localname != "Document" or found is None or len(root) != 1:
        report.problem(None, None, "is not an ISO 20022 message (a Document in its namespace, with one message in it)", "check the file")
        return None
    report.kind = found[1]
    return root[0]


def children(element: Element, path: str) -> Iterator[Element]:
    """The elements at a path of local names, in any namespace."""
    yield from element.iterfind("/".join(f"{{*}}{name}" for name in path.split("/")))


def child(element: Element | None, path: str) -> Element | None:
    return next(children(element, path), None) if element is not None else None


def text(element: Element | None, *paths: str) -> str | None:
    """The text at the first of the paths that has any."""
    for path in paths:
        found = child(element, path)
        if found is not None and found.text and found.text.strip():
            return str(found.text.strip())
    return None


def amount(report: BankReport, element: Element | None, *paths: str) -> Amount | None:
    """The amount at the first of the paths that is there; one that can't be is a problem."""
    for path in paths:
        found = child(element, path)
        if found is None:
            continue
        currency, value = found.get("Ccy", ""), (found.text or "").strip()
        try:
            if not is_known(currency):
                raise ValueError(f"{currency!r} is not a currency")
            digits = digits_of(currency)
            minor = parse_decimal(value.rstrip("0").rstrip(".") if "." in value else value, digits)
            if minor < 0:
                raise ValueError(f"{value!r} is negative")
        except ValueError as error:
            report.problem(found.sourceline, path, str(error), "ask the bank for the file again")
            return None
        return Amount(minor, currency)
    return None


def place(element: Element, name: str) -> str:
    return f"line {element.sourceline}, {name}"
