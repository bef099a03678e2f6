"""What others write: read no wider than it is meant, every problem named at once, and hostile files refused."""

from datetime import date
from random import Random

import pytest
from tests.formats.preferences.random_preferences import some_preference

from ritornello.domain.consent import PURPOSES
from ritornello.domain.errors import BadInput
from ritornello.domain.preference import NO, NOTHING, UNKNOWN, YES, Constraint, Preference, Subject, constrain
from ritornello.formats.preferences.convert import FORMATS, read, write
from ritornello.formats.preferences.ddex_flags import AiFlags, read_flags, write_flags
from ritornello.formats.preferences.structured_fields import read_dictionary

BOMB = '<!DOCTYPE rsl [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE rsl [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
ERN = "http://ddex.net/xml/ern/43"


def said(form: str, text: str, subject: Subject | None = None) -> dict[str, object]:
    """The statements of the only record, without the silent ones."""
    (one,), _ = read(form, text.encode(), "file", subject)
    return {purpose: one.says(purpose) for purpose in PURPOSES if one.says(purpose) != NOTHING}


def problems(form: str, text: str | bytes) -> list[str]:
    with pytest.raises(BadInput) as caught:
        read(form, text if isinstance(text, bytes) else text.encode(), "file")
    assert all(problem.what and problem.todo and problem.file == "file" for problem in caught.value.problems)
    return [str(problem) for problem in caught.value.problems]


def licence(*parts: str, content: str = 'url="/"') -> str:
    return f'<rsl xmlns="https://rslstandard.org/rsl"><content {content}><license>{"".join(parts)}</license></content></rsl>'


def deal(*parts: str, header: str = "") -> str:
    resource = (
        "<SoundRecording><ResourceReference>A1</ResourceReference><ResourceId><ISRC>DEABC2600001</ISRC></ResourceId></SoundRecording>"
    )
    release = "<Release><ReleaseReference>R0</ReleaseReference><ReleaseResourceReference>A1</ReleaseResourceReference></Release>"
    terms = (
        f"<ReleaseDeal><DealReleaseReference>R0</DealReleaseReference><Deal><DealTerms>{''.join(parts)}</DealTerms></Deal></ReleaseDeal>"
    )
    return f'<e:NewReleaseMessage xmlns:e="{ERN}">{header}{resource}{release}{terms}</e:NewReleaseMessage>'


PERMIT, GENERATIVE = '<permits type="usage">ai-train</permits>', "<UseType>UseForTrainingGenerativeAI</UseType>"
TRAINED = ("ai_training", "ai_generative_training", "fine_tuning")


def test_preferences_in_a_header() -> None:
    assert said("aipref-header", "Content-Usage: train-ai=y, search=n") == {"ai_generative_training": YES}
    denied = dict.fromkeys(("ai_generative_training", "fine_tuning", "voice_model"), NO)
    assert said("aipref-header", "content-usage: train-ai=n;why=3, ai-use=maybe") == denied
    assert said("aipref-header", 'Content-Usage: train-ai="y", ai-use') == {}
    assert said("aipref-header", "Content-Usage: train-ai=y, train-ai=n") == denied
    assert said("aipref-header", "Content-Usage: genai=n, tdm=y") == denied  # a retired no stays a no, a retired yes is none
    assert "keys have small letters" in problems("aipref-header", "Content-Usage: Train-AI=n")[0]
    assert problems("aipref-header", "Content-Usage: train-ai=n,")


def test_dictionaries_of_structured_fields() -> None:
    assert read_dictionary('a=(x "y)" 1;p=2);q, b=tok;x="(", c=?1, d=:aGk=:, e=-1.5, f=@17') == dict.fromkeys("acdef") | {"b": "tok"}
    for wrong in ("a=", "a b", "a=(x", "a;=1", "=y", 'a="', "a=é"):
        with pytest.raises(ValueError, match=r"\w"):
            read_dictionary(wrong)


def test_a_yes_in_robots_must_hold_for_every_crawler() -> None:
    text = "User-Agent: *\nAllow: /\nDisallow: /never/\nContent-Usage: / train-ai=n\nContent-Usage: /ok/ train-ai=y, ai-use=y\n"
    found, losses = read("aipref-robots", text.encode(), "robots.txt")
    assert {one.subject.location: one.says("ai_generative_training") for one in found} == {"/ok/": NO, "/": NO}
    assert found[0].says("ai_inference") == YES
    assert any("wider path" in loss.sentence for loss in losses)
    everyone = "User-Agent: *\nContent-Usage: /a train-ai=y\n"
    assert said("aipref-robots", everyone) == {"ai_generative_training": YES}
    assert said("aipref-robots", everyone + "User-Agent: Other\nAllow: /\n") == {"ai_generative_training": NO}
    assert said("aipref-robots", "User-Agent: *\nDisallow: /\nContent-Usage: train-ai=y\n") == {"ai_generative_training": NO}
    assert "before any User-Agent" in problems("aipref-robots", "Content-Usage: / train-ai=y")[0]


def test_reservations() -> None:
    everything = dict.fromkeys(PURPOSES, NO)
    mined = constrain(Constraint(terms_url="https://p.example/policy"))
    assert said("tdmrep-headers", "HTTP/1.1 200 OK\r\nTDM-Reservation: 1\r\nDate: x") == everything
    assert said("tdmrep-headers", "tdm-reservation: 0") == {"data_mining": YES}
    assert said("tdmrep-headers", "tdm-reservation: 0\ntdm-reservation: 1") == everything
    page = '<html><head><META content="1" name="TDM-Reservation"><meta name=tdm-policy content="https://p.example/policy"/></head><p>&#0;'
    assert said("tdmrep-html", page) == everything | {"data_mining": mined}
    assert said("tdmrep-json", '[{"location": "music/*", "tdm-reservation": 0}]') == {"data_mining": YES}
    wrong = '[{"location": "/", "tdm-reservation": 2}, 5, {"location": "no space", "tdm-reservation": true}]'
    assert len(problems("tdmrep-json", wrong)) == 4
    assert problems("tdmrep-headers", "tdm-policy: https://p.example/") and problems("tdmrep-json", "{}")


def test_licences() -> None:
    assert said("rsl", licence(PERMIT)) == dict.fromkeys(PURPOSES, NO) | dict.fromkeys(TRAINED, YES)
    assert said("rsl", licence(PERMIT, '<prohibits type="usage">all</prohibits>')) == dict.fromkeys(PURPOSES, NO)
    assert said("rsl", licence('<prohibits type="usage">ai-input</prohibits>')) == dict.fromkeys(
        ("ai_inference", "reference_conditioning"), NO
    )
    paid = '<payment type="training"><custom>https://pay.example/</custom></payment>'
    limited = constrain(Constraint(None, ("education",), ("DE", "SE"), terms_url="https://pay.example/"))
    asked = ('<permits type="user">education</permits>', '<permits type="geo">SE DE EU</permits>', paid)
    assert said("rsl", licence(PERMIT, *asked))["ai_training"] == limited
    assert "DE" not in said("rsl", licence(PERMIT, '<prohibits type="geo">DE</prohibits>'))["ai_training"].constraint.territories  # type: ignore[attr-defined]
    for unknown in (
        licence(PERMIT, '<payment type="crawl"/>'),
        licence(PERMIT, '<reporting type="audit" profile="x"/>'),
        licence(PERMIT, content='url="/" server="https://s.example"'),
        licence(PERMIT, '<permits type="geo">EU</permits>'),
        licence(PERMIT, '<permits type="user">robots</permits>'),
        licence(PERMIT, '<prohibits type="user">commercial</prohibits>'),
    ):
        assert said("rsl", unknown)["ai_training"] == UNKNOWN, unknown
    assert said("rsl", licence(PERMIT, content='url=""'), Subject(isrc="DEABC2600001"))


def test_deals() -> None:
    start = "<TerritoryCode>Worldwide</TerritoryCode><ValidityPeriod><StartDate>2026-01-01</StartDate></ValidityPeriod>"
    plain = constrain(Constraint(valid_from=date(2026, 1, 1)))
    assert said("ddex", deal(start, GENERATIVE)) == {"ai_generative_training": plain}
    header = "<MessageHeader><MessageRecipient><PartyId>PADPIDA2014120301U</PartyId></MessageRecipient></MessageHeader>"
    named = constrain(Constraint("PADPIDA2014120301U", valid_from=date(2026, 1, 1)))
    assert said("ddex", deal(start, GENERATIVE, header=header)) == {"ai_generative_training": named}
    for more in (
        "<DistributionChannel/>",
        "<CommercialModelType>SubscriptionModel</CommercialModelType>",
        "<TerritoryCode>2130</TerritoryCode>",
    ):
        assert said("ddex", deal(start, GENERATIVE, more)) == {"ai_generative_training": UNKNOWN}
    excluded = "<ExcludedTerritoryCode>DE</ExcludedTerritoryCode>"
    limits = said("ddex", deal(excluded, GENERATIVE))["ai_generative_training"].constraint  # type: ignore[attr-defined]
    assert "DE" not in limits.territories and "SE" in limits.territories
    for begin, end, first, last in (  # moments count for the UTC days that lie wholly between them
        ("2026-01-01T00:00:00Z", "2026-12-31T23:59:59Z", date(2026, 1, 1), date(2026, 12, 31)),
        ("2026-01-01T00:00:00+01:00", "2027-01-01T00:00:00+01:00", date(2026, 1, 1), date(2026, 12, 30)),
        ("2026-01-01T08:00:00-08:00", "2026-12-31T12:00:00-08:00", date(2026, 1, 2), date(2026, 12, 30)),
        ("2026-01-01T00:00:00", "2026-12-31T23:59:59", date(2026, 1, 2), date(2026, 12, 30)),  # in whatever zone
    ):
        period = f"<ValidityPeriod><StartDateTime>{begin}</StartDateTime><EndDateTime>{end}</EndDateTime></ValidityPeriod>"
        exact = constrain(Constraint(valid_from=first, valid_to=last))
        assert said("ddex", deal("<TerritoryCode>Worldwide</TerritoryCode>" + period, GENERATIVE)) == {"ai_generative_training": exact}
    assert read("ddex", deal(start, "<UseType>OnDemandStream</UseType>").encode(), "file")[0] == []
    assert problems("ddex", "<NewReleaseMessage/>") and problems("ddex", deal(start.replace("2026", "26"), GENERATIVE))


def test_assertions() -> None:
    entries = '{"cawg.ai_training": {"use": "constrained", "constraints_info": "ask my label"}, "cawg.other": {"use": "allowed"}}'
    (one,), losses = read("cawg", f'{{"entries": {entries}}}'.encode(), "file")
    assert one.says("ai_training") == UNKNOWN
    assert any("ask my label" in loss.sentence for loss in losses) and any("cawg.other" in loss.sentence for loss in losses)
    odd = '{"entries": {"cawg.ai_training": {"use": "allowed", "constraint_info": "if you ask"}}}'
    assert said("cawg", odd) == {"ai_training": UNKNOWN}
    wrong = '{"label": "c2pa.training-mining", "data": {"entries": {"cawg.ai_training": {"use": "yes"}, "cawg.data_mining": 1}}}'
    assert len(problems("cawg", wrong)) == 3
    assert said("c2pa", '{"entries": {"c2pa.data_mining": {"use": "notAllowed"}}}') == {"data_mining": NO}


def test_policies() -> None:
    rule = '{"target": "urn:isrc:x", "action": "use"}'
    assert "nothing we can name" in problems("odrl", f'{{"permission": {rule}}}')[0]
    mine = '{"odrl:permission": [{"odrl:target": {"@id": "https://music.example/"}, "odrl:action": {"@id": "tdm:mine"}%s}]}'
    assert said("odrl", mine % "") == {"data_mining": YES}
    assert said("odrl", mine % ', "odrl:duty": [{"action": "compensate"}]') == {"data_mining": UNKNOWN}
    assert said("odrl", mine % ', "odrl:constraint": {"leftOperand": "count", "operator": "lt", "rightOperand": 3}') == {
        "data_mining": UNKNOWN
    }
    everything = '{"prohibition": {"target": "https://music.example/", "action": "use"}}'
    assert said("odrl", everything) == dict.fromkeys(PURPOSES, NO)
    assert read("odrl", b'{"permission": {"target": "https://music.example/", "action": "use"}}', "file")[1]


def test_lists_name_every_wrong_cell() -> None:
    text = "ISRC;Purpose;Use;Territories\nDEABC2600001;ai_training;allowed;\nDEABC2600001;ai_training;notAllowed;\nx;fly;maybe;\n;ai_training;allowed;DE\n"
    assert len(problems("isrc-csv", text)) == 6
    text = "isrc,purpose,use,territories,valid_to\nDEABC2600001,ai_training,constrained,DE SE,2026-12-31\n"
    assert said("isrc-csv", text) == {"ai_training": constrain(Constraint(territories=("DE", "SE"), valid_to=date(2026, 12, 31)))}
    assert "not an ISO 3166-1 country" in problems("isrc-csv", text.replace("DE SE", "Mars"))[0]


@pytest.mark.parametrize("form", ["rsl", "ddex"])
@pytest.mark.parametrize("head", [BOMB, OUTSIDE])
def test_hostile_xml_is_refused(form: str, head: str) -> None:
    assert "document type" in problems(form, head + "<rsl>&b;</rsl>")[0]
    assert "64 deep" in problems(form, "<a>" * 70 + "</a>" * 70)[0]
    assert "not well-formed" in problems(form, "<a>&unknown;</a>")[0]


def test_hostile_json_is_refused() -> None:
    for form in ("cawg", "odrl", "tdmrep-json"):
        assert problems(form, "[" * 100_000)
        assert any("stands twice" in text for text in problems(form, '{"entries": {}, "entries": {}}'))
        assert problems(form, '{"a": NaN}') and problems(form, b"\xff\xfe\x00") and problems(form, "")


@pytest.mark.parametrize("form", FORMATS)
def test_spoiled_files_are_problems_and_never_faults(form: str) -> None:
    """Bytes are changed, removed and doubled: either it is still a statement, or it is refused with problems."""
    random, refused = Random(11), 0
    for _ in range(150):
        preference = some_preference(random)
        data = bytearray(write(form, [Preference(Subject(isrc="DEABC2600001", location="/one"), preference.statements)])[0] or b"x")
        for _ in range(random.randrange(1, 4)):
            place = random.randrange(len(data) + 1)
            data[place : place + random.randrange(3)] = bytes(random.choice((b"", b"\x00", b'"', b"<", b"&", b"\xc3", b"9", b"{", b"\n")))
        try:
            found, _ = read(form, bytes(data), "file")
            write("odrl", found)
        except BadInput as error:
            refused += 1
            assert all(problem.what and problem.todo for problem in error.problems)
    assert refused > 0


def test_disclosures_hold_the_cross_field_rule() -> None:
    flags = [AiFlags("DEABC2600001", "Partly", (("P1", "All"), ("P2", None))), AiFlags("DEABC2600002", None)]
    assert read_flags("file", write_flags(flags)) == flags
    for wrong in (
        AiFlags("DEABC2600001", None, (("P1", "All"),)),
        AiFlags("DEABC2600001", "All", (("P1", "None"),)),
        AiFlags("DEABC2600001", "Some"),
    ):
        with pytest.raises(BadInput):
            write_flags([wrong])
    with pytest.raises(BadInput):
        read_flags("file", BOMB.encode() + b"<rsl/>")
