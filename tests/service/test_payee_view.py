"""Which recordings a payee sees: those in which they hold a claim, on both databases."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from ritornello.domain.errors import Refused
from ritornello.service import overview
from ritornello.service.context import Context
from ritornello.settings import read_settings
from ritornello.store.catalogue import add_claims, read_claims, retract_claims
from ritornello.wiring import open_context


def _seen(context: Context, party_id: str | None) -> list[str]:
    return [row["recording_id"] for row in overview.page_recordings(context, limit=500, reader=party_id)]


def test_a_claim_opens_a_recording_until_it_ends_or_is_retracted(home: Path) -> None:
    with open_context(home, read_settings().database, lambda _: None) as context:
        assert _seen(context, "cleo") == ["r5", "r6"] and _seen(context, "songs") == ["r2", "r6"]
        assert _seen(context, "nobody") == [] and _seen(context, None) == [f"r{number}" for number in range(1, 7)]
        (of_r6,) = [claim for claim in read_claims(context.connection, ["r6"]) if claim.party_id == "cleo"]
        retract_claims(context.connection, [of_r6.claim_id], context.now_us())
        assert _seen(context, "cleo") == ["r5"]
        with pytest.raises(Refused, match="there is no recording 'r6'"):
            overview.describe_recording_to(context, "r6", "cleo")
        today = context.today()
        for claim_id, last_day, seen in (("ended", today - timedelta(days=1), ["r5"]), ("last-day", today, ["r5", "r6"])):
            add_claims(context.connection, [replace(of_r6, claim_id=claim_id, valid_to=last_day)])
            assert _seen(context, "cleo") == seen


def test_pages_begin_behind_what_was_shown(home: Path) -> None:
    with open_context(home, read_settings().database, lambda _: None) as context:
        page = overview.page_recordings(context, after="r2", limit=2)
        assert [row["recording_id"] for row in page] == ["r3", "r4"]
        assert page == [row for row in overview.list_recordings(context) if row["recording_id"] in {"r3", "r4"}]


def test_of_a_split_set_a_payee_sees_their_own_part(home: Path) -> None:
    with open_context(home, read_settings().database, lambda _: None) as context:
        whole, own = (overview.describe_recording_to(context, "r1", reader) for reader in (None, "ana"))
        assert len(whole["splits"]["master"]["shares"]) == 3 and whole["splits"]["master"]["total_e8"] == 99_990_000
        assert own["splits"]["master"] == {"status": "completed", "shares": [whole["splits"]["master"]["shares"][0]]}
        assert [set(every) - set(seen) for every, seen in zip(whole["assets"], own["assets"], strict=True)] == [{"file"}]
        withheld = {"splits", "assets"}
        assert {name: own[name] for name in own if name not in withheld} == {name: whole[name] for name in whole if name not in withheld}
