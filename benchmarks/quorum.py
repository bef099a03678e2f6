"""Quorum of a whole catalogue: one pass over events and claims, against asking the database recording by recording.

`python3 dev.py bench quorum [--recordings 10000] [--claimants 5]`. Both answer the same questions in the same run; the naive side asks a sample
and is scaled up. Reported as a ratio of CPU seconds.
"""

import argparse
import random
import tempfile
import time
from datetime import date
from pathlib import Path

from ritornello import wiring
from ritornello.domain.catalogue import Asset, Claim, Party, Recording
from ritornello.domain.consent import ConsentEvent
from ritornello.service import consent, programmes
from ritornello.service.context import Context
from ritornello.store import catalogue, consents

TERMS = """format = "ritornello-programme-1"
programme_id = "p"
version = 1
title = "t"
licensor = "a"
licensee = "b"
purposes = ["ai_training"]
licence = "l"
valid_from = 2020-01-01
valid_to = 2099-12-31
notice_days = 30
tail_days = 30
quorum = ["master"]

[lanes]
master = 1_000_000

[[income]]
name = "fee"
amount = "1.00"
currency = "EUR"
divide_by = "exposure"
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recordings", type=int, default=10_000)
    parser.add_argument("--claimants", type=int, default=5)
    parser.add_argument("--sample", type=int, default=20, help="recordings that the naive side is asked about")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary) / "home"
        wiring.create_home(home, "bench", None)
        (Path(temporary) / "terms.toml").write_text(TERMS)
        with wiring.open_context(home, None, lambda _: None) as context:
            programmes.register(context, Path(temporary) / "terms.toml")
            _fill(context, options.recordings, options.claimants)
        with wiring.open_context(home, None, lambda _: None) as context:
            started = time.process_time()
            answers = consent.check(context, "p")
            whole = time.process_time() - started
            chosen = random.Random(1).sample([answer.recording_id for answer in answers], min(options.sample, len(answers)))
            started = time.process_time()
            single = [consent.check(context, "p", recording_id=recording_id)[0] for recording_id in chosen]
            naive = (time.process_time() - started) / len(chosen) * len(answers)
            by_recording = {answer.recording_id: answer for answer in answers}
            assert all(by_recording[answer.recording_id] == answer for answer in single)
    allowed = sum(answer.allowed for answer in answers)
    print(f"{len(answers):,} recordings × {options.claimants} claimants, {allowed:,} reach quorum")
    print(f"one pass {whole:.2f} CPU s; recording by recording {naive:,.0f} CPU s (from {len(chosen)}): {naive / whole:,.0f} × as much")


def _fill(context: Context, recordings: int, claimants: int) -> None:
    """Recordings with equal shares; one in seven lacks one claimant's grant."""
    parties = [Party(f"p{n}", f"P{n}", "person") for n in range(max(claimants, recordings // 10))]
    catalogue.write_parties(context.connection, parties, 0)
    catalogue.write_recordings(context.connection, [Recording(f"r{n}", "t", "a") for n in range(recordings)], 0)
    assets = [Asset(f"sha256:{n:064x}", f"r{n}", "recording", "", f"{n}.flac", 1, 1000) for n in range(recordings)]
    catalogue.add_assets(context.connection, [(asset, Path(asset.file)) for asset in assets])
    programme, _ = programmes.find(context, "p")
    source, claims, events = random.Random(7), list[Claim](), list[ConsentEvent]()
    for number, asset in enumerate(assets):
        owners = source.sample(range(len(parties)), claimants)
        for place, owner in enumerate(owners):
            share = 100_000_000 // claimants + (100_000_000 % claimants if place == 0 else 0)
            claims.append(
                Claim(f"c{number}-{place}", "recording", f"r{number}", "master", f"p{owner}", share, "WW", date(1900, 1, 1), None, 1)
            )
            if number % 7 or place:
                seq = len(events) + 1
                event = ConsentEvent(
                    seq, f"e{seq:09d}", "grant", f"p{owner}", f"p{owner}", None, asset.asset_id, f"r{number}", "ai_training", "p", programme.sha256,
                    "WW", date(2020, 1, 1), None, 1, "bench", "bench", None, consent.NO_EVENT,
                )  # fmt: skip
                events.append(event)
    catalogue.add_claims(context.connection, claims)
    consents.append_events(context.connection, events)


if __name__ == "__main__":
    main()
