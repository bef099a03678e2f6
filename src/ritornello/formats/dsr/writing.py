"""A settlement as DSR flat files: royalties to each payee, and the use of recordings and outputs. The same settlement gives the same bytes.

Of a correction, royalties are signed differences, and use is told anew in whole. What DSR has no words for stands in our extension record after
each summary: docs/formats/dsr.md.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from ritornello.domain.money import digits_of, format_units
from ritornello.domain.programme import Income, Programme
from ritornello.domain.splits import format_share
from ritornello.formats.dsr.records import EXTENSION, MONEY_UNIT, MS_UNIT, NAMESPACE, USES_UNIT, WORLD, encode_record
from ritornello.formats.payee_lines import Row, Tables, find_lines, find_pools

_TRAINING = (  # the programme's purposes → what its training is
    ("ai_generative_training", "UseForTrainingGenerativeAI"),
    ("ai_training", "UseForTrainingNonGenerativeAI"),
    ("data_mining", "UseForDataMining"),
)
_OUTPUT = "UseOfGeneratedOutput"
_NO_RECORDING = "-"  # the block of what belongs to no recording, such as a reserve


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands in HEAD; the recipient is whom the file is for, or nobody."""

    settlement_id: str
    terms: Sequence[Programme]  # the settlement's own first
    first_day: date
    last_day: date
    created_us: int
    corrects: str = ""  # of a correction: the settlement whose amounts it changes
    recipient: str = ""

    @property
    def programme(self) -> Programme:
        return self.terms[0]

    def terms_of(self, pool: Row) -> Programme:
        """The terms that a pool's money was divided by."""
        return next(terms for terms in self.terms if terms.version == pool["terms_version"])


@dataclass(frozen=True, slots=True)
class Lookup:
    """A settlement's rows by their names, made once for all files."""

    pools: Mapping[str, Row]
    recordings: Mapping[str, Row]
    works: Mapping[str, Row]
    lengths_ms: Mapping[str, int]  # recording → of its main file in the snapshots
    names: Mapping[str, str]  # payee → name
    lines: Mapping[str, Sequence[Row]]  # payee → allocations, or what a correction changes of them


def look_up(tables: Tables, *, corrects: bool = False) -> Lookup:
    """Of a correction, the lines whose amount differs."""
    lines = find_lines(tables, corrects=corrects)
    if corrects:
        changed = {payee: [row for row in rows if row["amount_units"] != "0"] for payee, rows in lines.items()}
        lines = {payee: rows for payee, rows in changed.items() if rows}
    return Lookup(
        find_pools(tables),
        {row["recording_id"]: row for row in tables["recordings"]},
        {row["work_id"]: row for row in tables["works"]},
        {row["recording_id"]: row["duration_ms"] for row in tables["manifest"] if row["kind"] == "recording"},
        {f"party:{row['party_id']}": row["name"] for row in tables["parties"]},
        lines,
    )


def render_royalties(heading: Heading, lookup: Lookup, payee: str) -> bytes:
    """What one payee was allocated, or a correction changed of it: a summary for each pool, a block for each recording. RoyaltyReportingProfile 1.0.1."""
    totals: dict[str, int] = {}
    by_recording: dict[str, list[Row]] = {}
    for line in lookup.lines[payee]:
        totals[line["pool"]] = totals.get(line["pool"], 0) + int(line["amount_units"])
        by_recording.setdefault(line["recording_id"] or _NO_RECORDING, []).append(line)
    name = lookup.names.get(payee, payee)
    summaries = [record for pool in sorted(totals) for record in _royalty_summary(heading, lookup.pools[pool], totals[pool], payee, name)]
    blocks = [record for one in sorted(by_recording) for record in _royalty_block(one, by_recording[one], lookup, payee, name)]
    message_id = f"{heading.settlement_id}/royalties/{payee}"
    heading = replace(heading, recipient=lookup.names.get(payee, ""))
    return _message(heading, message_id, "RoyaltyReportingProfile", "1.0.1", summaries, blocks, len(totals), len(by_recording))


def render_usage(heading: Heading, tables: Tables, lookup: Lookup) -> bytes:
    """Revenue as reported, how often outputs were used, and what training read of each recording. Profile BasicAudioProfile 1.2."""
    models = sorted({row["model_version"] for row in tables["runs"]})
    summaries = [*_revenue_summaries(tables["revenue"]), *_use_summaries(heading, tables, models)]
    outputs, training = _output_blocks(tables), _training_blocks(tables, lookup)
    blocks = [record for block in (*outputs, *training) for record in block]
    count = sum(record.startswith("SY") for record in summaries)
    message_id = f"{heading.settlement_id}/usage"
    return _message(heading, message_id, "BasicAudioProfile", "1.2", summaries, blocks, count, len(outputs) + len(training))


def find_use(programme: Programme, income: str) -> str:
    """What a pool's money is for: a part of revenue or a unit rate pays for generated outputs, a fixed amount for training."""
    found = next((one for one in programme.incomes if one.name == income), None)
    return _OUTPUT if found and _is_of_outputs(found) else _training_use(programme)


def _is_of_outputs(income: Income) -> bool:
    return income.rate_ppm is not None or income.unit_rate_units is not None


def _training_use(programme: Programme) -> str:
    return next((use for purpose, use in _TRAINING if purpose in programme.purposes), _TRAINING[1][1])


def _royalty_summary(heading: Heading, pool: Row, units: int, payee: str, name: str) -> Iterator[str]:
    currency, use = pool["currency"], find_use(heading.terms_of(pool), pool["income"])
    amount = format_units(units, digits_of(currency))
    yield encode_record(
        "SY07",
        SummaryRecordId=pool["pool"],
        CommercialModel="AsPerContract",
        UseType=f"{NAMESPACE}::{use}",
        Territory=_place(pool["territory"]),
        RightsType=f"{NAMESPACE}::{pool['lane']}",
        ServiceDescription=pool["income"],
        TotalUsages="0",
        Currency=currency,
        NetRevenue=amount,
        RightsController=name,
        RightsControllerPartyId=f"{NAMESPACE}::{payee}",
        AllocatedAmount=amount,
        AllocatedNetRevenue=amount,
    )
    context = {"Lane": pool["lane"], "Basis": pool["basis"], "Income": pool["income"], "Corrects": heading.corrects}
    yield _context(pool["pool"], pool["model_version"], use, MONEY_UNIT, **context)


def _royalty_block(recording_id: str, lines: Sequence[Row], lookup: Lookup, payee: str, name: str) -> Iterator[str]:
    recording = lookup.recordings.get(recording_id, {})
    work = lookup.works.get(recording.get("work_id") or "", {})
    yield encode_record(
        "AS02.01",
        BlockId=recording_id,
        ResourceReference="1",
        DspResourceId=recording_id,
        ISRC=recording.get("isrc") or "",
        Title=recording.get("title") or "belongs to no recording",
        DisplayArtistName=recording.get("artist") or "",
        Duration=_duration(lookup.lengths_ms.get(recording_id, 0)),
        ResourceType="SoundRecording",
        ISWC=work.get("iswc") or "",
        ProprietaryWorkId=f"{NAMESPACE}::{work['work_id']}" if work else "",
    )
    for line in sorted(lines, key=lambda line: str(line["pool"])):
        pool = lookup.pools[line["pool"]]
        amount = format_units(int(line["amount_units"]), digits_of(pool["currency"]))
        yield encode_record(
            "SU03.01",
            BlockId=recording_id,
            SalesTransactionId=line["line_id"],
            SummaryRecordId=line["pool"],
            DspResourceId=recording_id,
            NetRevenue=amount,
        )
        yield encode_record(
            "LI01",
            BlockId=recording_id,
            SummaryRecordId=line["pool"],
            RightsController=name,
            RightsControllerPartyId=f"{NAMESPACE}::{payee}",
            RightSharePercentage=format_share(line["share_e8"]),
            RightsType=f"{NAMESPACE}::{pool['lane']}",
            AllocatedNetRevenue=amount,
            AllocatedAmount=amount,
        )


def _revenue_summaries(revenue: Sequence[Row]) -> Iterator[str]:
    """One context of sale for each product of a model version, territory and currency."""
    totals: dict[tuple[str, str, str, str], int] = {}
    for row in revenue:
        key = (row["model_version"], row["territory"], row["currency"], row["product"])
        totals[key] = totals.get(key, 0) + int(row["net_units"])
    for number, ((model, territory, currency, product), units) in enumerate(sorted(totals.items()), 1):
        yield _sales(f"revenue/{number}", territory, product, "0", currency, format_units(units, digits_of(currency)), _OUTPUT)
        yield _context(f"revenue/{number}", model, _OUTPUT, MONEY_UNIT)


def _use_summaries(heading: Heading, tables: Tables, models: Iterable[str]) -> Iterator[str]:
    """Use of outputs by model version and territory; what training read by model version. No money stands there: any currency will do."""
    currency = next((row["currency"] for row in tables["pools"]), "EUR")
    model_of = {row["output_id"]: row["model_version"] for row in tables["outputs"]}
    uses: dict[tuple[str, str], int] = {}
    for row in tables["usage"]:
        key = (model_of[row["output_id"]], row["territory"])
        uses[key] = uses.get(key, 0) + row["uses"]
    for (model, territory), total in sorted(uses.items()):
        name = _outputs_of(model, territory)
        yield _sales(name, territory, model, str(total), currency, "0", _OUTPUT)
        yield _context(name, model, _OUTPUT, USES_UNIT)
    use = _training_use(heading.programme)
    for model in models:
        read = sum(row["exposure_ms"] for row in tables["exposure"] if row["model_version"] == model)
        yield _sales(f"training/{model}", heading.programme.territory, model, str(read), currency, "0", use)
        yield _context(f"training/{model}", model, use, MS_UNIT)


def _output_blocks(tables: Tables) -> list[list[str]]:
    uses: dict[str, list[Row]] = {}
    for row in tables["usage"]:
        uses.setdefault(row["output_id"], []).append(row)
    blocks = []
    for output in tables["outputs"]:
        output_id, model = output["output_id"], output["model_version"]
        found = uses.get(output_id, [])
        if found:
            block = [_resource(f"output/{output_id}", output_id, output_id, model, output["duration_ms"])]
            block += [_use(f"output/{output_id}", _outputs_of(model, row["territory"]), row["usage_id"], row["uses"]) for row in found]
            blocks.append(block)
    return blocks


def _training_blocks(tables: Tables, lookup: Lookup) -> list[list[str]]:
    read: dict[str, dict[str, int]] = {}
    for row in tables["exposure"]:
        by_model = read.setdefault(row["recording_id"], {})
        by_model[row["model_version"]] = by_model.get(row["model_version"], 0) + row["exposure_ms"]
    blocks = []
    for recording_id, by_model in sorted(read.items()):
        recording, length = lookup.recordings[recording_id], lookup.lengths_ms.get(recording_id, 0)
        name = f"recording/{recording_id}"
        block = [_resource(name, recording_id, recording["title"], recording["artist"], length, recording["isrc"] or "")]
        for model, milliseconds in sorted(by_model.items()):
            block.append(_use(name, f"training/{model}", f"{model}/{recording_id}", milliseconds))
        blocks.append(block)
    return blocks


def _sales(name: str, territory: str, service: str, usages: str, currency: str, net: str, use: str) -> str:
    return encode_record(
        "SY02.02",
        SummaryRecordId=name,
        CommercialModel="AsPerContract",
        UseType=f"{NAMESPACE}::{use}",
        Territory=_place(territory),
        ServiceDescription=service,
        TotalUsages=usages,
        Currency=currency,
        NetRevenue=net,
        ContentCategory="Music",
    )


def _resource(block: str, resource: str, title: str, artist: str, duration_ms: int, isrc: str = "") -> str:
    return encode_record(
        "AS01.01",
        BlockId=block,
        ResourceReference="1",
        DspResourceId=resource,
        ISRC=isrc,
        Title=title,
        DisplayArtistName=artist,
        Duration=_duration(duration_ms),
        ResourceType="SoundRecording",
    )


def _use(block: str, summary: str, name: str, usages: int) -> str:
    return encode_record(
        "SU02", BlockId=block, SummaryRecordId=summary, SalesTransactionId=name, TransactedResource="1", IsRoyaltyBearing="true", Usages=str(usages)
    )  # fmt: skip


def _context(summary: str, model: str, use: str, unit: str, **more: str) -> str:
    return encode_record("DE01", Extension=EXTENSION, SummaryRecordId=summary, ModelVersion=model, Use=use, Unit=unit, **more)


def _outputs_of(model: str, territory: str) -> str:
    return f"outputs/{model}/{territory}"


def _place(territory: str) -> str:
    return WORLD if territory == "WW" else territory


def _duration(milliseconds: int) -> str:
    """ISO 8601, in seconds: PT187.25S."""
    seconds = f"{milliseconds // 1000}.{milliseconds % 1000:03d}".rstrip("0").rstrip(".")
    return f"PT{seconds}S"


def _message(
    heading: Heading,
    message_id: str,
    profile: str,
    version: str,
    summaries: Sequence[str],
    blocks: Sequence[str],
    contexts: int,
    count: int,
) -> bytes:
    programme = heading.programme
    created = datetime.fromtimestamp(heading.created_us // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    head = encode_record(
        "HEAD",
        MessageVersion="dsrf/30",
        Profile=profile,
        ProfileVersion=version,
        MessageId=message_id,
        MessageCreatedDateTime=created,
        FileNumber="1",
        NumberOfFiles="1",
        UsageStartDate=str(heading.first_day),
        UsageEndDate=str(heading.last_day),
        SenderName=programme.licensor,
        ServiceDescription=programme.programme_id,
        RecipientName=heading.recipient,
    )
    total = str(len(summaries) + len(blocks) + 2)
    foot = encode_record(
        "FOOT",
        NumberOfLinesInFile=total,
        NumberOfLinesInReport=total,
        NumberOfSummaryRecords=str(contexts),
        NumberOfBlocksInFile=str(count),
        NumberOfBlocksInReport=str(count),
    )
    return "\n".join([head, *summaries, *blocks, foot, ""]).encode()
