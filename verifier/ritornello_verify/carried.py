"""Documents that carry their own checkpoint and the log's key along: receipts and proofs of membership."""

from ritornello_verify.note import BadNote, Checkpoint, Key, check_signature, read_checkpoint, read_key
from ritornello_verify.report import Report, Step

CHECKPOINT, VKEY = "checkpoint", "vkey"


def choose_key(carried: str, given: Key | None, what: str, step: Step, report: Report) -> Key | None:
    """The caller's key, or the document's own, which says little about who signed. `what` is the document in a word."""
    try:
        own = read_key(carried)
    except BadNote as error:
        own = None
        if given is None:
            step.fail(VKEY, f"{error}, so no signature was checked")
    if given is None:
        report.notes.append(
            f"no --key was given: the key came from the {what} itself. The signature shows that {what} and checkpoint belong together, "
            f"not who signed them; whoever forges a {what} can put a key of their own into it"
        )
        return own
    if own != given:
        report.notes.append(f"vkey of the {what} is not the key given; the key given was used")
    return given


def check_checkpoint(data: bytes, name: str, key: Key | None, step: Step) -> Checkpoint | None:
    """Read a checkpoint and check its signature; None when it cannot be read. `name` says where it came from."""
    try:
        checkpoint = read_checkpoint(data)
    except BadNote as error:
        step.fail(name, str(error))
        return None
    if key is not None:
        try:
            check_signature(checkpoint, key)
            step.count("signatures checked")
        except BadNote as error:
            step.fail(name, str(error))
    return checkpoint
