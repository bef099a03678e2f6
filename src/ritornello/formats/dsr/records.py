"""The records of DSR flat files that are read or written, cell by cell, and our extension record. Source: DDEX DSR, parts 1, 3, 6 and 8.

DSR has no words for training and generation. Its deal-specific records (`DE01`, part 8, 5.7.2) are meant for what the standard can't say: ours names
the model version and the use of the summary record before it (docs/formats/dsr.md).
"""

from collections.abc import Sequence

from ritornello.domain.errors import Problem

EXTENSION = "ritornello-dsr-1"
# The words of DDEX's other standards for uses by AI, and ours for what was made.
USES = ("UseForTrainingGenerativeAI", "UseForTrainingNonGenerativeAI", "UseForDataMining", "UseOfGeneratedOutput")
NAMESPACE = "ritornello"  # before a use in cells whose allowed values don't have it: `ritornello::UseForDataMining`
WORLD = "Worldwide"
ALL_MODELS = "*"  # a model version in our extension: money that belongs to none in particular

HEAD = (
    "RecordType", "MessageVersion", "Profile", "ProfileVersion", "MessageId", "MessageCreatedDateTime", "FileNumber", "NumberOfFiles", "UsageStartDate",
    "UsageEndDate", "SenderPartyId", "SenderName", "ServiceDescription", "RecipientPartyId", "RecipientName", "RepresentedRepertoire",
)  # fmt: skip
FOOT = (
    "RecordType",
    "NumberOfLinesInFile",
    "NumberOfLinesInReport",
    "NumberOfSummaryRecords",
    "NumberOfBlocksInFile",
    "NumberOfBlocksInReport",
)
# SY01 and SY02 have the same first twelve cells in every version; all of these are SY02.02.
SALES = (
    "RecordType", "SummaryRecordId", "DistributionChannel", "DistributionChannelDPID", "CommercialModel", "UseType", "Territory", "ServiceDescription",
    "TotalUsages", "Users", "Currency", "NetRevenue", "RightsController", "RightsControllerPartyId", "AllocatedUsages", "AllocatedRevenue",
    "AllocatedNetRevenue", "RightsType", "ContentCategory", "CurrencyOfTransaction", "ExchangeRate", "RightsTypePercentage",
)  # fmt: skip
ROYALTIES = (
    "RecordType", "SummaryRecordId", "DistributionChannel", "DistributionChannelDPID", "CommercialModel", "UseType", "Territory", "RightsType",
    "ServiceDescription", "TotalUsages", "Users", "Currency", "NetRevenue", "RightsController", "RightsControllerPartyId", "AllocatedUsages",
    "AllocatedAmount", "AllocatedNetRevenue",
)  # fmt: skip
CONTEXT = ("RecordType", "Extension", "SummaryRecordId", "ModelVersion", "Use", "Unit", "Lane", "Basis", "Income", "Corrects")
RESOURCE = (  # AS01.01
    "RecordType", "BlockId", "ResourceReference", "DspResourceId", "ISRC", "Title", "SubTitle", "DisplayArtistName", "DisplayArtistPartyId", "Duration",
    "ResourceType", "IsMasterRecording",
)  # fmt: skip
RESOURCE_OF_WORK = (  # AS02.01
    *RESOURCE[:11], "ISWC", "ComposerAuthor", "ComposerAuthorPartyId", "Arranger", "ArrangerPartyId", "MusicPublisher", "MusicPublisherPartyId",
    "WorkContributor", "WorkContributorPartyId", "ProprietaryWorkId",
)  # fmt: skip
DOWNLOADS = (
    "RecordType", "BlockId", "SummaryRecordId", "SalesTransactionId", "TransactedRelease", "TransactedResource", "IsRoyaltyBearing", "SalesUpgrade",
    "Usages", "Returns",
)  # fmt: skip
STREAMS = (
    "RecordType", "BlockId", "SummaryRecordId", "SalesTransactionId", "TransactedRelease", "TransactedResource", "IsRoyaltyBearing", "Usages",
    "PriceConsumerPaidExcSalesTax", "PromotionalActivity",
)  # fmt: skip
AMOUNTS = (
    "RecordType", "BlockId", "SalesTransactionId", "SummaryRecordId", "DspResourceId", "Usages", "NetRevenue", "ValidityPeriodStart", "ValidityPeriodEnd",
)  # fmt: skip
LICENSOR = (
    "RecordType", "BlockId", "SummaryRecordId", "RightsController", "RightsControllerPartyId", "RightsControllerWorkId", "RightSharePercentage", "RightsType",
    "AllocatedNetRevenue", "AllocatedAmount",
)  # fmt: skip
LAYOUTS: dict[str, Sequence[str]] = {
    "HEAD": HEAD, "FOOT": FOOT, "SY01": SALES[:12], "SY02": SALES, "SY07": ROYALTIES, "DE01": CONTEXT, "AS01": RESOURCE, "AS02": RESOURCE_OF_WORK,
    "SU01": DOWNLOADS, "SU02": STREAMS, "SU03": AMOUNTS, "LI01": LICENSOR,
}  # fmt: skip
USES_UNIT, MS_UNIT, MONEY_UNIT = (
    "uses",
    "milliseconds",
    "money",
)  # what the usages of a context count: uses of outputs, what training read, nothing
# Records of blocks that describe what else was used: counted, but they change nothing here.
DESCRIPTIVE = ("RE01", "RE02", "RE03", "MW01", "RU01", "RU02", "CU01", "CD01", "ST01", "LC01")
MAX_PROBLEMS = 1_000


class Problems:
    """Problems of a file of any length: the first thousand, and how many more."""

    def __init__(self, file: str) -> None:
        self.file, self.kept, self.more = file, list[Problem](), 0

    def add(self, row: int | None, column: str | None, what: str, todo: str) -> None:
        if len(self.kept) < MAX_PROBLEMS:
            self.kept.append(Problem(self.file, row, column, what, todo))
        else:
            self.more += 1

    def all(self) -> list[Problem]:
        rest = [Problem(self.file, None, None, f"has {self.more} more problems like these", "correct these first")] if self.more else []
        return [*self.kept, *rest]


def encode_record(kind: str, **values: str) -> str:
    """One record as a line without its end: every cell of its layout, in order. Texts may not hold delimiters: they become spaces."""
    layout = LAYOUTS[kind[:4]]
    unknown = set(values) - set(layout)
    assert not unknown, f"{kind} has no cells {unknown}"
    return "\t".join([kind, *(clean_text(values.get(name, "")) for name in layout[1:])])


def clean_text(text: str) -> str:
    """Without tabs, line ends and other control characters, and without the mark between several values of one cell."""
    return " ".join("".join(" " if ord(one) < 32 or one in "\x7f|\x85\u2028\u2029" else one for one in text).split())
