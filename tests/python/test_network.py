"""Proxies and certificates as Python's users have them, and `python -m vambe doctor`."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import vambe
from vambe.testing import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TESTS = Path(__file__).parents[1]
TLS = TESTS / "node" / "tls"
SAMPLE = {"channel": "whatsapp", "channel_phone_number": "+56987654321", "contact_phone_number": "+56912345678"}


@pytest.fixture(autouse=True)
def _no_network_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"]
    proxies = [f"{kind}_PROXY" for kind in ("HTTP", "HTTPS", "ALL", "NO")]
    for name in [*names, *proxies, *(name.lower() for name in proxies)]:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[socket.socket], None]], int]]:
    """Serves each connection of a port with a function, and returns the port."""
    listeners: list[socket.socket] = []

    def start(handle: Callable[[socket.socket], None]) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def each(connection: socket.socket) -> None:
            # The client goes away, which some of these tests are about.
            with connection, contextlib.suppress(OSError):
                handle(connection)

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=each, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return int(listener.getsockname()[1])

    yield start
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def read_head(connection: socket.socket) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head:
        chunk = connection.recv(65536)
        if not chunk:
            raise ConnectionError
        head += chunk
    return head


def tls_server(connection: socket.socket) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "cert.pem", TLS / "key.pem")
    with context.wrap_socket(connection, server_side=True) as secured:
        read_head(secured)
        secured.sendall(b'HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n{"id":"c1"}')


def failure(call: Callable[[], object]) -> vambe.VambeError:
    with pytest.raises(vambe.VambeError) as caught:
        call()
    return caught.value


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"])
def test_each_variable_for_certificates_is_obeyed(
    variable: str, serve: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url = f"https://127.0.0.1:{serve(tls_server)}"
    good, other = tmp_path / "good", tmp_path / "other"
    for folder, name in ((good, "ca.pem"), (other, "cert.pem")):
        folder.mkdir()
        (folder / "ca.pem").write_bytes((TLS / name).read_bytes())
    monkeypatch.setenv(variable, str(good if variable == "SSL_CERT_DIR" else good / "ca.pem"))
    with vambe.Client(api_key="k", base_url=url) as client:
        assert client.upsert(SAMPLE).id == "c1"
    monkeypatch.setenv(variable, str(other if variable == "SSL_CERT_DIR" else other / "ca.pem"))
    with vambe.Client(api_key="k", base_url=url) as client:
        error = failure(lambda: client.upsert(SAMPLE))
    assert isinstance(error, vambe.ApiConnectionError)
    assert str(error) == (
        f"the certificate of {url[8:]} is signed by a CA that this machine does not trust: pass ca_file, or set "
        "SSL_CERT_FILE or REQUESTS_CA_BUNDLE to a PEM file that holds it"
    )
    assert (error.retryable, error.delivery, error.attempts) == (False, "not_sent", 1)
    monkeypatch.setenv(variable, str(tmp_path / "missing"))
    error = failure(lambda: vambe.Client(api_key="k", base_url=url))
    assert isinstance(error, vambe.ConfigError)
    assert str(error).startswith(f"{variable} {tmp_path / 'missing'} cannot be read")


def test_a_bundle_of_the_option_is_trusted_beside_that_of_the_environment(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", os.devnull)
    url = f"https://localhost:{serve(tls_server)}"
    with vambe.Client(api_key="k", base_url=url, ca_file=TLS / "ca.pem") as client:
        assert client.upsert(SAMPLE).id == "c1"


def test_a_proxy_of_the_environment_leads_to_the_server(
    serve: Any, vambe_emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads: list[bytes] = []

    def forward(connection: socket.socket) -> None:
        address = vambe_emulator.url.removeprefix("http://").rsplit(":", 1)
        request = read_head(connection)
        heads.append(request)
        with socket.create_connection((address[0], int(address[1]))) as server:
            server.sendall(request.replace(b"\r\n", b"\r\nconnection: close\r\n", 1))
            while chunk := server.recv(65536):
                connection.sendall(chunk)

    monkeypatch.setenv("http_proxy", f"http://user:pass@127.0.0.1:{serve(forward)}")
    client = vambe.Client(api_key=vambe_emulator.api_key, base_url="http://vambe.invalid", allow_http=True)
    assert client.upsert(SAMPLE).id
    assert b"dXNlcjpwYXNz" in heads[0]
    monkeypatch.setenv("NO_PROXY", "vambe.invalid")
    client = vambe.Client(api_key=vambe_emulator.api_key, base_url="http://vambe.invalid", allow_http=True)
    assert "the name of vambe.invalid cannot be found" in str(failure(lambda: client.upsert(SAMPLE)))


def test_a_proxy_that_asks_refuses_or_is_none_is_told(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(connection: socket.socket) -> None:
        read_head(connection)
        connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")

    port = serve(ask)
    client = vambe.Client(api_key="k", base_url="https://vambe.invalid", proxy=f"http://127.0.0.1:{port}")
    error = failure(lambda: client.upsert(SAMPLE))
    assert isinstance(error, vambe.ApiConnectionError)
    assert str(error) == (
        f"the proxy http://127.0.0.1:{port} asks for a user and password (407): put them into the option proxy, "
        "as in http://user:password@proxy:3128"
    )
    assert (error.retryable, error.delivery) == (False, "not_sent")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv("HTTPS_PROXY", f"http://canary:canary@127.0.0.1:{port}")
    client = vambe.Client(api_key="k", base_url="https://vambe.invalid", max_retries=0)
    error = failure(lambda: client.upsert(SAMPLE))
    message = f"the proxy http://127.0.0.1:{port} refused the connection: check HTTPS_PROXY, "
    assert str(error) == message + "and that something listens there"
    assert "canary" not in repr(client) + repr(error) + repr(error.__cause__)
    monkeypatch.setenv("HTTPS_PROXY", "socks5://canary:canary@127.0.0.1")
    error = failure(lambda: vambe.Client(api_key="k", base_url="https://vambe.invalid"))
    assert str(error).startswith("HTTPS_PROXY names a SOCKS proxy, which is not built in")
    assert "canary" not in str(error)


def doctor(**environment: str) -> tuple[int, dict[str, Any]]:
    command = [sys.executable, "-I", "-m", "vambe", "doctor", "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)


def test_doctor_finds_in_python_what_the_command_finds(vambe_emulator: Emulator) -> None:
    code, found = doctor(VAMBE_API_KEY="emulator_doctor", VAMBE_BASE_URL=vambe_emulator.url)
    assert (code, found.pop("door"), found.pop("version")) == (0, "python", vambe.__version__)
    assert found.pop("runtime") == ".".join(str(part) for part in sys.version_info[:3])
    assert found.pop("target")["os"] in {"linux", "macos", "windows"}
    for check in found["checks"]:
        check.pop("ms", None)
        check.pop("skew_seconds", None)
    words = json.dumps(found).replace(vambe_emulator.url.removeprefix("http://"), "HOST")
    expected = json.loads((TESTS / "fixtures" / "doctor.json").read_text())
    assert json.loads(re.sub(r"[\d.]+ ms", "0 ms", words)) == expected


def test_doctor_trusts_what_pythons_client_trusts(serve: Any) -> None:
    url = f"https://127.0.0.1:{serve(tls_server)}"
    code, found = doctor(VAMBE_API_KEY="k", VAMBE_BASE_URL=url, REQUESTS_CA_BUNDLE=str(TLS / "ca.pem"))
    assert code == 0, found
    assert any(check.get("from") == "REQUESTS_CA_BUNDLE" for check in found["checks"])
    code, found = doctor(VAMBE_API_KEY="k", VAMBE_BASE_URL=url)
    [problem] = [check["message"] for check in found["checks"] if check["status"] == "problem"]
    assert code == 1
    assert "or REQUESTS_CA_BUNDLE" in problem
