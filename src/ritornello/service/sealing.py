"""Bank data at rest: sealed with AES-256-GCM (NIST SP 800-38D) under the operator's key, and bound to the account it belongs to.

The key is RITORNELLO_DATA_KEY. Details of payout services, which mean nothing outside the operator's own account there, are kept
in clear while there is no key.
"""

import hashlib
import json
import re
from dataclasses import asdict

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ritornello.domain.errors import Refused
from ritornello.domain.payout_account import SECRET_KINDS, AccountDetails, PayoutAccount
from ritornello.formats.canonical import encode
from ritornello.service.context import Context

_NONCE, _SALT = 12, 16
HOW = "set RITORNELLO_DATA_KEY to 64 hexadecimal digits that only you know, such as `openssl rand -hex 32` prints"


def parse_keys(text: str | None) -> tuple[bytes, ...]:
    """Keys of 64 hexadecimal digits, separated by commas: the first seals, all of them open. Raises Refused."""
    if not text:
        return ()
    if not re.fullmatch(r"\s*[0-9a-fA-F]{64}\s*(,\s*[0-9a-fA-F]{64}\s*)*", text):
        raise Refused("bad_data_key", "RITORNELLO_DATA_KEY is not 64 hexadecimal digits (or several such keys with commas between)", HOW)
    return tuple(bytes.fromhex(key.strip()) for key in text.split(","))


def prepare(context: Context, details: AccountDetails) -> tuple[bytes, str]:
    """The details as bytes with a salt, and the hash that commits to them."""
    fields = {name: value for name, value in asdict(details).items() if value is not None}
    clear = encode({**fields, "salt": context.random_bytes(_SALT).hex()})
    return clear, hashlib.sha256(clear).hexdigest()


def seal(context: Context, account: PayoutAccount, clear: bytes) -> tuple[str | None, bytes]:
    """(key, sealed details). Raises Refused when bank data would have to lie in clear."""
    keys = context.read_data_keys()
    if not keys:
        if account.kind in SECRET_KINDS:
            raise Refused("no_data_key", "bank data is kept encrypted only, and there is no key", HOW)
        return None, clear
    nonce = context.random_bytes(_NONCE)
    return _name(keys[0]), nonce + AESGCM(keys[0]).encrypt(nonce, clear, _bound_to(account))


def unseal(context: Context, account: PayoutAccount, key_id: str | None, sealed: bytes) -> AccountDetails:
    """The details in clear. Raises Refused when the key isn't at hand; details that were changed are a broken promise."""
    fields = json.loads(unseal_bytes(context, account, key_id, sealed))
    return AccountDetails(**{name: value for name, value in fields.items() if name != "salt"})


def unseal_bytes(context: Context, account: PayoutAccount, key_id: str | None, sealed: bytes) -> bytes:
    """The bytes that `prepare` made."""
    clear = sealed
    if key_id is not None:
        keys = {_name(key): key for key in context.read_data_keys()}
        if key_id not in keys:
            what = f"the account of {account.party_id} is sealed with key {key_id}, which is not among those given"
            raise Refused("no_data_key", what, HOW if not keys else "name the old key too: RITORNELLO_DATA_KEY=NEW,OLD")
        try:
            clear = AESGCM(keys[key_id]).decrypt(sealed[:_NONCE], sealed[_NONCE:], _bound_to(account))
        except InvalidTag:
            raise AssertionError(f"the sealed payout account {account.account_id} of {account.party_id} was changed on disk") from None
    assert hashlib.sha256(clear).hexdigest() == account.commitment, (
        f"the payout account {account.account_id} of {account.party_id} is not what was recorded"
    )
    return clear


def _bound_to(account: PayoutAccount) -> bytes:
    """Sealed details can't be moved to another account or party."""
    return "\n".join((account.account_id, account.party_id, account.kind)).encode()


def _name(key: bytes) -> str:
    """Tells keys apart without telling them."""
    return hashlib.sha256(b"ritornello data key\n" + key).hexdigest()[:16]
