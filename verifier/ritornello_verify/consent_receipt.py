"""The receipt of one decision (receipt.md): an event, its entry in the log, the way to a signed checkpoint."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

from ritornello_verify.canonical import DOCUMENT_LIMIT, write
from ritornello_verify.carried import CHECKPOINT, VKEY, check_checkpoint, choose_key
from ritornello_verify.decisions import CONSENTS
from ritornello_verify.kinds import ASSET, DAY, IDENTIFIER, OBJECT, TEXT, Kind, allow_null
from ritornello_verify.log import PROOF_COLUMNS, find_wrong_entry, find_wrong_path
from ritornello_verify.note import Checkpoint, Key
from ritornello_verify.reading import Values, find_wrong_column, parse_document
from ritornello_verify.report import Malformed, Report, Step, show
from ritornello_verify.tables import TABLES

RECEIPT, EVENT, TERMS, EFFECT, PROOF = "receipt", "event", "terms", "effect", "proof"
LIST = Kind("a list", lambda value: type(value) is list)
COLUMNS = {"format": TEXT, EVENT: OBJECT, TERMS: TEXT, EFFECT: allow_null(OBJECT), PROOF: OBJECT, CHECKPOINT: TEXT, VKEY: TEXT}
EVENT_COLUMNS = TABLES[CONSENTS].columns
EFFECT_COLUMNS = {
    "asset_id": ASSET,
    "recording_id": IDENTIFIER,
    "excluded_from": DAY,
    "snapshots_holding": LIST,
    "models_holding": LIST,
    "tail_until": allow_null(DAY),
}
DEEDS = {"grant": "agreed to", "withdraw": "withdrew its consent to", "hold": "put a hold on", "release": "released its hold on"}


def verify_receipt(data: bytes, given: Key | None) -> Report:
    """All checks of receipt.md; `given` is the log's key where the caller has it from elsewhere."""
    report = Report()
    step = report.begin("Receipt: all fields are there and can be read")
    try:
        values = read_receipt(data)
    except Malformed as error:
        step.add(error.problem)
        return report
    check_effect(values, step, report)
    step = report.begin("Log: the checkpoint is signed, and the event's entry is in the tree it names")
    key = choose_key(values[VKEY], given, RECEIPT, step, report)
    checkpoint = check_checkpoint(values[CHECKPOINT].encode(), CHECKPOINT, key, step)
    check_event(values, checkpoint, step)
    check_terms(values, report.begin("Terms: those that the event names"))
    if checkpoint is not None:
        report.conclusion = describe(values, checkpoint)
    return report


def read_receipt(data: bytes) -> Values:
    if len(data) > DOCUMENT_LIMIT:
        raise Malformed(RECEIPT, f"is longer than {DOCUMENT_LIMIT:,} bytes")
    values = parse_document(data, RECEIPT, COLUMNS)
    if values["format"] != "ritornello-receipt-1":
        raise Malformed(RECEIPT, f"format is {show(values['format'])}, not ritornello-receipt-1")
    for name, columns in ((EVENT, EVENT_COLUMNS), (PROOF, PROOF_COLUMNS)):
        wrong = find_wrong_column(values[name], columns)
        if wrong:
            raise Malformed(name, wrong)
    return values


def check_effect(values: Values, step: Step, report: Report) -> None:
    """Nothing proves the effect; it must only be about the event."""
    event, effect = values[EVENT], values[EFFECT]
    if effect is None:
        return
    report.notes.append("effect says what the operator knew when the receipt was written; it is not part of the proof")
    wrong = find_wrong_column(effect, EFFECT_COLUMNS)
    if event["decision"] != "withdraw":
        wrong = f"only a withdrawal has one, the event is a {event['decision']}"
    elif not wrong:
        names = [name for name in ("asset_id", "recording_id") if effect[name] != event[name]]
        wrong = f"{names[0]} is {show(effect[names[0]])}, the event has {show(event[names[0]])}" if names else None
    if wrong:
        step.fail(EFFECT, wrong)


def check_event(values: Values, checkpoint: Checkpoint | None, step: Step) -> None:
    """The entry is the event's, and its proof leads to the checkpoint's root."""
    event, proof = values[EVENT], values[PROOF]
    expected = {"kind": "consent", "id": event["event_id"], "hash": sha256(write(event)).hexdigest()}
    problem = find_wrong_entry(proof["entry"], expected) or find_wrong_path(proof, checkpoint)
    if problem:
        step.fail(EVENT, problem)
    else:
        step.count("inclusion proofs followed")


def check_terms(values: Values, step: Step) -> None:
    """The event names the terms that were shown by their hash; the receipt holds them."""
    found, expected = sha256(values[TERMS].encode()).hexdigest(), values[EVENT]["terms_sha256"]
    if found != expected:
        step.fail(TERMS, f"SHA-256 is {found}, the event has {expected}")
    else:
        step.count("documents hashed")


def describe(values: Values, checkpoint: Checkpoint) -> str:
    """The decision in plain words."""
    event = values[EVENT]
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=event["recorded_at_us"])
    actor = "by the party itself" if event["actor_id"] == event["party_id"] else f"for it by {event['actor_id']}"
    if event["mandate_id"] is not None:
        actor += f" under mandate {show(event['mandate_id'])}"
    elif event["actor_id"] != event["party_id"]:
        actor += " without a mandate"
    end = "with no end" if event["effective_to"] is None else f"up to {event['effective_to']}"
    return (
        f"party {event['party_id']} {DEEDS[event['decision']]} {show(event['purpose'])} "
        f"with recording {event['recording_id']} (asset {event['asset_id']}) in programme {show(event['programme_id'])}, "
        f"territory {event['territory']}, from {event['effective_from']} {end}, shown the terms {event['terms_sha256']} that are in the receipt; "
        f"decided {actor}, recorded {moment:%Y-%m-%d %H:%M:%S} UTC as event {show(event['event_id'])} (number {event['seq']}), "
        f"and in the log {show(checkpoint.origin)} as entry {values[PROOF]['index'] + 1} of {checkpoint.size}"
    )
