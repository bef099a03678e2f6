"""The AI Office's template for the public summary of training content, section 2, as data: its questions, and what each "yes" asks next.

Annex to C(2025) 8311 final of 5 December 2025 (first published as C(2025) 5235 final on 24 July 2025), required by Article 53(1)(d) of Regulation (EU) 2024/1689.
"""

from collections.abc import Mapping
from dataclasses import dataclass

MODALITIES = ("text", "image", "audio", "video", "other")
_HOURS = ("Less than 10 000 hours", "10 000 to 1 million hours", "More than 1 million hours")
SIZES: Mapping[str, tuple[str, ...]] = {
    "text": ("Less than 1 billion tokens", "1 billion to 10 trillion tokens", "More than 10 trillion tokens"),
    "image": ("Less than 1 million images", "1 million to 1 billion images", "More than 1 billion images"),
    "audio": _HOURS,
    "video": _HOURS,
    "other": (),
}
TEXT, LIST, MONTH = "text", "list of texts", "month"
_COVERED = "Modality(ies) of the content covered"


@dataclass(frozen=True, slots=True)
class Detail:
    """What a "yes" asks next. The key of one that may be left out ends in `?`."""

    key: str
    asked: str
    kind: str = TEXT


@dataclass(frozen=True, slots=True)
class Question:
    """One yes-or-no question about a source of data; `key` names its table in the provider's file."""

    key: str
    number: str
    title: str
    asked: str
    details: tuple[Detail, ...]


_COMMENTS = Detail("comments?", "Additional comments (optional)")
_MODALITIES = Detail("modalities", _COVERED, LIST)
QUESTIONS: tuple[Question, ...] = (
    Question(
        "public_datasets",
        "2.1",
        "Publicly available datasets",
        "Have you used publicly available datasets to train the model?",
        (
            _MODALITIES,
            Detail("large?", "List of large publicly available datasets", LIST),
            Detail("others", "General description of other publicly available datasets not listed above"),
            _COMMENTS,
        ),
    ),
    Question(
        "licensed_elsewhere",
        "2.2.1",
        "Datasets commercially licensed by rightsholders or their representatives",
        "Have you concluded transactional commercial licensing agreement(s) with rightsholder(s) or with their representatives?",
        (_MODALITIES,),
    ),
    Question(
        "private_datasets",
        "2.2.2",
        "Private datasets obtained from other third parties",
        "Have you obtained private datasets from third parties that are not licensed as described in Section 2.2.1?",
        (
            _MODALITIES,
            Detail("known?", "If publicly known, list private datasets obtained from other third parties", LIST),
            Detail("description", "General description of non-publicly known private datasets obtained from third parties"),
            _COMMENTS,
        ),
    ),
    Question(
        "crawled",
        "2.3",
        "Data crawled and scraped from online sources",
        "Were crawlers used by the provider or on behalf of the provider?",
        (
            Detail("names", "Crawler name(s)/identifier(s)", LIST),
            Detail("purposes", "Purposes of the crawler(s)"),
            Detail("behaviour", "General description of crawler behaviour"),
            Detail("first_month", "Period of data collection: from", MONTH),
            Detail("last_month", "Period of data collection: to", MONTH),
            Detail("content", "Comprehensive description of the type of content and online sources crawled"),
            _MODALITIES,
            Detail("domains", "Summary of the most relevant domain names crawled"),
            _COMMENTS,
        ),
    ),
    Question(
        "user_interactions",
        "2.4.1",
        "User data: interactions with the model",
        "Was data from user interactions with the AI model (e.g. user input and prompts) used to train the model?",
        (_MODALITIES, _COMMENTS),
    ),
    Question(
        "user_services",
        "2.4.2",
        "User data: other services or products",
        "Was data collected from user interactions with the provider's other services or products used to train the model?",
        (
            Detail("services", "General description of the provider's services or products that were used to collect the user data"),
            _MODALITIES,
            _COMMENTS,
        ),
    ),
    Question(
        "synthetic",
        "2.5",
        "Synthetic data",
        "Was synthetic AI-generated data created by the provider or on their behalf to train the model?",
        (
            _MODALITIES,
            Detail("market_models?", "General-purpose AI model(s) used to generate the synthetic data, if available on the market", LIST),
            Detail("other_models?", "Information about other AI models used to generate synthetic data to train the model"),
            _COMMENTS,
        ),
    ),
    Question(
        "other",
        "2.6",
        "Other sources of data",
        "Have data sources other than those described in Sections 2.1 to 2.5 been used to train the model?",
        (Detail("description", "Narrative description of these data sources and the data"), _MODALITIES, _COMMENTS),
    ),
)
LICENSED = ("licensed_elsewhere",)  # sources that somebody licensed: no reservation of rights is passed over


def hours_range(hours: int) -> str:
    """The template's range for a number of hours of audio or video, counted without what is left of an hour."""
    return SIZES["audio"][0 if hours < 10_000 else 1 if hours < 1_000_000 else 2]
