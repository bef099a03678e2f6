"""A first mapping for a table that nobody has described yet, from the names of its columns in several languages and a look at their cells.

A guess is proposed, never used by itself: `catalogue preview` shows it and writes it to a file that a person reads. Shares are never guessed from a
label's or publisher's name, and names are cut at commas and ampersands by nobody.
"""

from collections.abc import Mapping, Sequence
from datetime import date

from ritornello.formats.mapped_table import name_columns
from ritornello.formats.mapping import ColumnMapping, Origin, Section
from ritornello.formats.raw_table import RawTable
from ritornello.formats.repair import repair_isrc
from ritornello.formats.sheet import fold_header

_HEADER_SEARCH_ROWS, _SAMPLE_ROWS = 20, 200
_SPLITS = (";", "|", " / ")

# What a column means → how its header is written, folded as fold_header does. English, German, French, Spanish, Portuguese, Italian, Dutch, Japanese.
_WORDS: dict[str, str] = {
    "isrc": "isrc isrccode isrcnumber isrcnummer trackisrc recordingisrc codigoisrc códigoisrc codeisrc codiceisrc isrcコード",
    "title": "title tracktitle trackname songtitle songname song track recordingtitle assettitle titel tracktitel songtitel musiktitel titre titredutitre"
    " titredelapiste titredumorceau morceau titulo título titulodelapista títulodelapista nombredelacancion titulodafaixa títulodafaixa nomedafaixa faixa"
    " titolo titolobrano titolodelbrano brano nummertitel 曲名 タイトル トラック名",
    "version": "version mixversion trackversion mixname versiontitle titleversion subtitle tracksubtitle remix fassung mix versión versão versione versie バージョン",
    "MainArtist": "artist artists artistname artistnames trackartist trackartists displayartist displayartistname primaryartist primaryartists mainartist"
    " mainartists band interpret interpreten künstler kuenstler künstlername hauptkünstler artiste artistes nomdelartiste interprète artista artistas"
    " nombredelartista artistaprincipal intérprete nomedoartista nomeartista artisti artiest アーティスト アーティスト名 歌手",
    "FeaturedArtist": "featuredartist featuredartists featuring feat featartist gastkünstler artisteinvité artistainvitado artistaconvidado ospite featuringartist",
    "Producer": "producer producers produzent produzenten producteur producteurs productor productores produtor produtores produttore produttori プロデューサー",
    "Remixer": "remixer remixers remixartist",
    "Composer": "composer composers songwriter songwriters writer writers komponist komponisten compositeur compositeurs compositor compositores autor autores"
    " compositore compositori componist 作曲 作曲者",
    "Lyricist": "lyricist lyricists author authors textdichter texter parolier paroliers auteur auteurs letrista letristas paroliere tekstschrijver 作詞 作詞者",
    "MusicPublisher": "publisher publishers musicpublisher verlag musikverlag éditeur editeur editora editorial editore uitgever 出版社",
    "iswc": "iswc iswccode workiswc iswcnumber",
    "work_id": "workid workcode workno worknumber werknummer compositionid",
    "work_title": "worktitle compositiontitle werktitel titredelœuvre titulodelaobra tituloobra titolodellopera",
    "recording_id": "recordingid trackid songid assetid internalid trackcode resourceid tracknummerintern",
    "file": "file filename audiofile audiofilename wavfile filepath path audiopath dateiname datei fichier nomdufichier archivo nombredelarchivo arquivo"
    " nomedoarquivo nomefile bestandsnaam ファイル名",
    "barcode": "upc ean barcode upcean eanupc upccode upc/ean gtin icpn upc/eancode releaseupc albumupc productupc strichcode codebarres códigodebarras"
    " codigodebarras codiceabarre streepjescode jan janコード",
    "release_title": "album albumtitle albumname releasetitle releasename producttitle productname release albumtitel titredelalbum títulodelálbum"
    " titulodelalbum titulodoalbum títulodoálbum titoloalbum アルバム アルバム名",
    "release_id": "releaseid productid catalognumber catalogno cataloguenumber catno catalog# catalog katalognummer numérodecatalogue",
    "track": "trackno tracknumber tracknr track# no # position seq sequence sequencenumber trackposition titelnummer tracknummer numérodepiste númerodepista"
    " numerodepista númerodafaixa numerotraccia nummer トラック番号",
    "disc": "disc discno discnumber disk cd disc# volume volumeno discnummer disque disco",
    "label": "stem stemname stemtype",
    "name": "name partyname payee payeename rightsholder rightsholdername rightholder accountname fullname legalname beneficiary contributor contributorname"
    " berechtigter rechteinhaber zahlungsempfänger ayantdroit ayant-droit titular titulaire beneficiario avente-diritto shareholder owner ownername",
    "party_id": "partyid payeeid accountid rightsholderid contributorid clientid vendorid payeecode",
    "party_kind": "kind partytype payeetype entitytype type",
    "ipi": "ipi ipinumber ipinamenumber ipi/cae cae caeipi cae/ipi caenumber ipiname ipinamenr ipino composeripi writeripi",
    "isni": "isni isninumber",
    "dpid": "dpid ddexpartyid ddexdpid",
    "country": "country countrycode land pays país pais paese",
    "payout_account": "payoutaccount account iban bankaccount payoutreference paymentreference konto vendoraccount",
    "role": "role contributorrole rolle rôle rol funzione função capacity",
    "lane": "lane righttype rightstype right rights rechteart typededroit tipodederecho tipodedireito",
    "share_percent": "share sharepercent share% %share split splitpercent split% percentage percent percentshare ownership% ownership ownershipshare anteil"
    " anteilprozent anteil% prozent part part% pourcentage quotepart participación participacion porcentaje participação porcentagem quota quota% percentuale aandeel",
    "territory": "territory territories territorycode gebiet territorium territoire territorio território",
    "valid_from": "validfrom startdate start from begindate gültigab gueltigab datededébut fechadeinicio datadeinício",
    "valid_to": "validto enddate end until gültigbis gueltigbis datedefin fechadefin datadefim",
}
_ROLES = ("MainArtist", "FeaturedArtist", "Producer", "Remixer", "Composer", "Lyricist", "MusicPublisher")
_LANES = {
    "Master": "master", "Masters": "master", "Recording": "master", "Sound Recording": "master", "Neighbouring": "master", "Publishing": "publishing",
    "Composition": "publishing", "Mechanical": "publishing", "Verlag": "publishing", "Performer": "performer", "Voice": "voice",
}  # fmt: skip
_MEANINGS = {fold_header(word): meaning for meaning, words in _WORDS.items() for word in words.split()}


def guess_mapping(raw: RawTable) -> ColumnMapping:
    """The mapping that the headers suggest; without sections when they suggest nothing."""
    header_row = _find_header(raw)
    table = next((at for at, row in enumerate(raw.rows) if row[0] == header_row), 0)
    columns = name_columns(raw.rows[table][1]) if raw.rows else []
    sample = [cells for _, cells in raw.rows[table + 1 : table + 1 + _SAMPLE_ROWS]]
    found: dict[str, str] = {}  # meaning → their column
    for name in columns:
        meaning = _MEANINGS.get(fold_header(name.split(" (")[0] if name.split(" (")[0] not in columns else name))
        if meaning and meaning not in found:
            found[meaning] = name
    cells = {name: [row[place] for row in sample if place < len(row) and row[place].strip()] for place, name in enumerate(columns)}
    _find_isrcs(found, cells)
    first = raw.rows[0][0] if raw.rows else 1
    return ColumnMapping(tuple(_sections(found, cells)), header_row=None if header_row == first else header_row)


def _find_header(raw: RawTable) -> int:
    """The row, among the first, whose cells are most often known names of columns: exports like to put titles above them."""

    def known(row: tuple[int, list[str]]) -> int:
        return sum(fold_header(cell) in _MEANINGS for cell in row[1])

    first = raw.rows[:_HEADER_SEARCH_ROWS]
    return max(first, key=lambda row: (known(row), -row[0]))[0] if first else 1


def _find_isrcs(found: dict[str, str], cells: Mapping[str, Sequence[str]]) -> None:
    """A column full of ISRCs is one, whatever it is called."""
    if "isrc" in found:
        return
    for name, texts in cells.items():
        if texts and name not in found.values() and all(_is_isrc(text) for text in texts):
            found["isrc"] = name
            return


def _is_isrc(text: str) -> bool:
    try:
        repair_isrc(text)
    except ValueError:
        return False
    return True


def _sections(found: Mapping[str, str], cells: Mapping[str, Sequence[str]]) -> list[Section]:
    """A list of tracks, of shares, or of parties; some files are several of them."""
    sections: list[Section] = []
    shares = "share_percent" in found and ("name" in found or "party_id" in found)
    if "isrc" in found and "name" in found and not shares and "title" not in found and "role" not in found:
        found = {**found, "title": found["name"]}  # in a list of recordings, `Name` is the recording's
    recording = _recording(found)
    if shares:
        sections += _shares(found, cells, recording)
    elif ("name" in found or "party_id" in found) and "title" not in found and "isrc" not in found:
        sections.append(_parties(found))
    if recording and ("title" in found or "file" in found):
        sections.append(_recordings(found, recording))
        sections += _releases(found, recording)
        sections += _contributions(found, cells, recording)
    if recording and "role" in found and "name" in found and not shares and "title" not in found:
        party = Origin((found["name"],), make="party")
        sections.append(Section("contributions", {"recording_id": recording, "party_id": party, "role": Origin((found["role"],))}))
    return sections


def _recording(found: Mapping[str, str]) -> Origin | None:
    """What names the recording of a row: an identifier of their own before the ISRC, and the file before nothing."""
    columns = tuple(found[name] for name in ("recording_id", "isrc") if name in found) or tuple(
        found[name] for name in ("file",) if name in found
    )
    if not columns:
        return None
    return Origin(columns, make="id" if "recording_id" in found else "recording" if "isrc" in found else "id")


def _recordings(found: Mapping[str, str], recording: Origin) -> Section:
    origins = {"recording_id": recording}
    origins |= {name: Origin((found[name],)) for name in ("isrc", "file", "label") if name in found}
    if "title" in found:
        title = found["title"]
        version = found.get("version")
        origins["title"] = Origin((title, version), f"{{{title}}}[ ({{{version}}})]") if version else Origin((title,))
    if "MainArtist" in found:
        origins["artist"] = Origin((found["MainArtist"],))
    if "work_id" in found or "iswc" in found:
        columns = tuple(found[name] for name in ("work_id", "iswc") if name in found)
        origins["work_id"] = Origin(columns, make="id" if "work_id" in found else "work")
    origins |= {name: Origin((found[name],)) for name in ("work_title", "iswc") if name in found and "work_id" in origins}
    return Section("recordings", origins)


def _releases(found: Mapping[str, str], recording: Origin) -> list[Section]:
    if "track" not in found or not ("barcode" in found or "release_id" in found):
        return []
    origins = {"release_id": Origin((found["release_id"],), make="id")} if "release_id" in found else {}
    origins |= {name: Origin((found[name],)) for name in ("barcode", "disc", "track") if name in found}
    if "release_title" in found:
        origins["title"] = Origin((found["release_title"],))
    return [Section("releases", {**origins, "recording_id": recording})]


def _contributions(found: Mapping[str, str], cells: Mapping[str, Sequence[str]], recording: Origin) -> list[Section]:
    sections = []
    for role in _ROLES:
        if role in found:
            column = found[role]
            kind = "organisation" if role == "MusicPublisher" else "person"
            party = Origin((column,), split=_splits(cells.get(column, ())), make="party", kind=kind)
            sections.append(Section("contributions", {"recording_id": recording, "party_id": party, "role": Origin(value=role)}))
    return sections


def _shares(found: Mapping[str, str], cells: Mapping[str, Sequence[str]], recording: Origin | None) -> list[Section]:
    lane = Origin((found["lane"],), values=_LANES) if "lane" in found else Origin(value="master")
    publishing = not recording and ("iswc" in found or "work_id" in found)
    subject = recording
    if publishing:
        columns = tuple(found[name] for name in ("work_id", "iswc") if name in found)
        subject, lane = Origin(columns, make="id" if "work_id" in found else "work"), Origin(value="publishing")
    if subject is None:
        return []
    names = (found[name] for name in ("party_id", "name") if name in found)
    split = _splits([text for name in ("name", "share_percent") if name in found for text in cells.get(found[name], ())])
    share = found["share_percent"]
    origins = {
        "subject": subject,
        "lane": lane,
        "party_id": Origin((next(names),), split=split, make="id" if "party_id" in found else "party"),
        "share_percent": Origin((share,), split=split, unit=_unit(cells.get(share, ()))),
    }
    origins |= {name: Origin((found[name],)) for name in ("territory",) if name in found}
    for name in ("valid_from", "valid_to"):
        if name in found:
            origins[name] = Origin((found[name],), dates=_dates(cells.get(found[name], ())))
    origins |= {name: Origin((found[name],)) for name in ("ipi", "isni", "dpid") if name in found and "party_id" not in found}
    return [Section("claims", origins)]


def _parties(found: Mapping[str, str]) -> Section:
    name = found.get("name") or found["party_id"]
    origins = {
        "party_id": Origin((found["party_id"],), make="id") if "party_id" in found else Origin((name,), make="party"),
        "name": Origin((name,)),
    }
    if "party_kind" in found:
        words = {
            "Person": "person",
            "Individual": "person",
            "Company": "organisation",
            "Organization": "organisation",
            "Firma": "organisation",
        }
        origins["kind"] = Origin((found["party_kind"],), values=words)
    else:
        origins["kind"] = Origin(value="person")
    return Section(
        "parties",
        origins | {name: Origin((found[name],)) for name in ("ipi", "isni", "dpid", "country", "payout_account") if name in found},
    )


def _splits(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(mark for mark in _SPLITS if any(mark in text for text in texts))


def _unit(texts: Sequence[str]) -> str:
    """Numbers up to 1 are fractions, numbers beyond 100 are ppm; when in doubt, percent."""
    numbers = []
    for text in texts:
        for piece in text.replace(";", "|").split("|"):
            try:
                numbers.append(float(piece.strip().rstrip("%").replace(",", ".")))
            except ValueError:
                continue
    if numbers and "%" not in "".join(texts):
        if max(numbers) <= 1:
            return "fraction"
        if max(numbers) > 100 and all(number == int(number) for number in numbers):
            return "ppm"
    return "percent"


def _dates(texts: Sequence[str]) -> str | None:
    """The one way of writing days that fits all cells; None when several do, or the cells need none."""
    if not texts or all(len(text) == 10 and text[4] == "-" for text in texts):
        return None
    fitting = [
        pattern
        for pattern in ("DD.MM.YYYY", "DD/MM/YYYY", "MM/DD/YYYY", "DD-MM-YYYY", "YYYY/MM/DD")
        if all(_fits(text, pattern) for text in texts)
    ]
    return fitting[0] if len(fitting) == 1 else None


def _fits(text: str, pattern: str) -> bool:
    marks = {mark for mark in pattern if mark in "./-"}
    pieces, tokens = text.strip().split(next(iter(marks))), pattern.split(next(iter(marks)))
    if len(pieces) != 3 or not all(piece.isascii() and piece.isdigit() for piece in pieces):
        return False
    numbers = {token: int(piece) for token, piece in zip(tokens, pieces, strict=True)}
    try:
        date(numbers["YYYY"], numbers["MM"], numbers["DD"])
    except ValueError:
        return False
    return True
