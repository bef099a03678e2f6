"""A signature with a time stamp by an authority (RFC 3161, OpenSSL's, on this machine) outlives its certificate; one without doesn't."""

import shutil
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from ritornello.formats.provenance import library
from ritornello.formats.provenance.credentials import load_credentials, read_anchors
from ritornello.formats.provenance.reading import read
from ritornello.formats.provenance.statement import build_manifest
from tests.formats.provenance.authorities import make_signer
from tests.formats.provenance.sounds import write_all
from tests.formats.provenance.test_signing import STATEMENT

CONFIGURATION = """[req]
distinguished_name = dn
[dn]
[ca]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
[tsa]
basicConstraints = critical,CA:false
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[stamp]
serial = serial
signer_cert = tsa.pem
certs = ca.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
ess_cert_id_alg = sha256
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Address and root certificate of a time-stamping authority."""
    if shutil.which("openssl") is None:
        pytest.skip("OpenSSL is not installed (Debian: openssl)")
    place = tmp_path_factory.mktemp("tsa")
    (place / "c.cnf").write_text(CONFIGURATION)

    def openssl(command: str) -> None:
        subprocess.run(["openssl", *command.split()], cwd=place, check=True, capture_output=True)

    openssl("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /O=Example/CN=Root -days 30 -config c.cnf -extensions ca")
    openssl("req -new -newkey rsa:2048 -nodes -keyout tsa.key -out tsa.csr -subj /O=Example/CN=Time -config c.cnf")
    openssl("x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out tsa.pem -days 30 -extfile c.cnf -extensions tsa")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            (place / "query").write_bytes(self.rfile.read(int(self.headers["content-length"])))
            openssl("ts -reply -queryfile query -out reply -config c.cnf -section stamp")
            answer = (place / "reply").read_bytes()
            self.send_response(200)
            self.send_header("content-type", "application/timestamp-reply")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", place / "ca.pem"
    server.shutdown()
    server.server_close()


def test_a_stamped_signature_carries_a_trusted_time(authority: tuple[str, Path], tmp_path: Path) -> None:
    url, root = authority
    signer, sounds = make_signer(tmp_path / "signer"), write_all(tmp_path)
    credentials, manifest = load_credentials(signer.certificate, signer.key, datetime.now(UTC)), build_manifest(STATEMENT, None)
    library.sign(sounds["wav"], tmp_path / "stamped.wav", "audio/wav", manifest, credentials, url)
    library.sign(sounds["wav"], tmp_path / "plain.wav", "audio/wav", manifest, credentials, None)
    anchors = read_anchors(signer.root) + read_anchors(root)
    stamped, plain = read(tmp_path / "stamped.wav", anchors), read(tmp_path / "plain.wav", anchors)
    assert stamped.state == plain.state == "trusted"
    assert str(stamped.signer["time"]).startswith(datetime.now(UTC).date().isoformat()) and plain.signer["time"] is None


def test_after_the_certificate_ended_only_the_stamped_signature_holds(authority: tuple[str, Path], tmp_path: Path) -> None:
    import time

    url, root = authority
    signer, sounds = make_signer(tmp_path / "signer", days=(-1, 6 / 86_400)), write_all(tmp_path)  # valid for six more seconds
    credentials, manifest = load_credentials(signer.certificate, signer.key, datetime.now(UTC)), build_manifest(STATEMENT, None)
    library.sign(sounds["wav"], tmp_path / "stamped.wav", "audio/wav", manifest, credentials, url)
    library.sign(sounds["wav"], tmp_path / "plain.wav", "audio/wav", manifest, credentials, None)
    time.sleep(7)
    anchors = read_anchors(signer.root) + read_anchors(root)
    assert read(tmp_path / "stamped.wav", anchors).state == "trusted"
    plain = read(tmp_path / "plain.wav", anchors)
    assert plain.state == "invalid", plain.failures
