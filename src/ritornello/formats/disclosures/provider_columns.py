"""The columns of the provider's file: which keys each of its tables has, of which kind; the name of one that may be left out ends in `?`."""

import re
from collections.abc import Mapping
from datetime import date

PROVIDER_FORMAT = "ritornello-provider-1"
TEXT, FLAG, DAY, COUNT, LIST, MONTH, TABLE, TABLES = "text", "flag", "day", "count", "list of texts", "month", "table", "tables"
KINDS: Mapping[str, tuple[type, str]] = {
    TEXT: (str, 'text in quotes: "…"'),
    FLAG: (bool, "true or false"),
    DAY: (date, "a day: 2026-01-31"),
    COUNT: (int, "a whole number"),
    LIST: (list, '["…", "…"]'),
    MONTH: (str, 'a month: "01/2026"'),
    TABLE: (dict, "a table"),
    TABLES: (list, "[[model]]"),
}
MONTH_FORM = re.compile(r"(0[1-9]|1[0-2])/[0-9]{4}")

TOP = {"format": TEXT, "provider": TABLE, "model": TABLES, "sources": TABLE}
PROVIDER = {"name": TEXT, "contact": TEXT, "signs_as?": LIST}
MODEL = {"version": TEXT, "name": TEXT, "documentation?": TEXT, "summary?": TEXT}
SIZE = {"size": TEXT, "content": TEXT}
MODEL_OF = {"eu": {"union_market": DAY}, "california": {"purpose": TEXT, "first_used": DAY}, "clear": {"commercial_use": DAY}}
LAWS: Mapping[str, Mapping[str, str]] = {
    "eu": {
        "version": TEXT,
        "previous?": LIST,
        "in_union": FLAG,
        "representative?": TEXT,
        "code_of_practice": FLAG,
        "audio_content": TEXT,
        "languages": TEXT,
        "characteristics?": TEXT,
        "comments?": TEXT,
        "continuous": FLAG,
        "reservations?": TEXT,
        "reservations_comments?": TEXT,
        "illegal_content": TEXT,
        "processing?": TEXT,
        "sizes?": TABLE,
    },
    "california": {
        "labels?": TEXT,
        "other_data_points?": TEXT,
        "trademarks_patents": TEXT,
        "personal_information": FLAG,
        "personal_information_details": TEXT,
        "aggregate_consumer_information": FLAG,
        "processing": TEXT,
        "collection_ongoing": FLAG,
        "synthetic_purpose?": TEXT,
    },
    "clear": {"dataset_url?": TEXT, "registrations?": TABLE},
    "fairly_trained": {
        "relies_on_exceptions": FLAG,
        "due_diligence": TEXT,
        "keeps_records": TEXT,
        "architecture": TEXT,
        "contract?": TEXT,
        "open_licence?": TEXT,
        "public_domain?": TEXT,
        "owned?": TEXT,
    },
}
OTHER_GROUNDS = ("contract", "open_licence", "public_domain", "owned")
