"""A server that does what a script says, answer by answer."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Self

CONTACT = '{"id":"c1"}'
FAULTS = {"refused", "cut_off", "cut_off_in_body", "stall_headers", "stall_body", "garbage"}


class ScriptedServer:
    """Gives the answers of a script in turn, over real connections, and notes when each attempt began and ended."""

    def __init__(self, answers: Sequence[dict[str, Any]]) -> None:
        faults = [answer["fault"] for answer in answers if "fault" in answer]
        assert set(faults) <= FAULTS, faults
        self.refusals = next((i for i, answer in enumerate(answers) if answer.get("fault") != "refused"), len(answers))
        assert "refused" not in faults[self.refusals :], "only the first attempts can be refused"
        self._answers = list(answers[self.refusals :])
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._connections: list[socket.socket] = []
        self.threads: list[threading.Thread] = []
        self.attempts: list[list[float]] = []
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        if not self.refusals:
            self.listen()

    def listen(self) -> None:
        """Begins to take connections."""
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._connections.append(connection)
                thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
                self.threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            while _read_request(connection):
                with self._lock:
                    answer = self._answers.pop(0)
                    times = [time.monotonic()]
                    self.attempts.append(times)
                keep = self._answer(connection, answer)
                times.append(time.monotonic())
                if not keep:
                    return

    def _answer(self, connection: socket.socket, answer: dict[str, Any]) -> bool:
        fault = answer.get("fault")
        status = answer.get("status", 200)
        body = answer.get("body", CONTACT if 200 <= status < 300 else "")
        if fault == "cut_off":
            return False
        if fault == "stall_headers":
            self._closed.wait()
            return False
        if fault == "garbage":
            body = "<html>not JSON</html>"
        data = _response(status, answer.get("headers") or {}, body)
        if fault in ("cut_off_in_body", "stall_body"):
            connection.sendall(data[: -len(body) // 2])
            if fault == "stall_body":
                self._closed.wait()
            return False
        connection.sendall(data)
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        # Each of them notes when its last attempt ended.
        for thread in self.threads:
            thread.join(timeout=10)


def _read_request(connection: socket.socket) -> bool:
    data = b""
    while b"\r\n\r\n" not in data:
        if not (chunk := connection.recv(65536)):
            return False
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").lower().split("\r\n")
    length = next(int(line.split(":")[1]) for line in lines if line.startswith("content-length:"))
    while len(body) < length:
        body += connection.recv(65536)
    return True


def _response(status: int, headers: dict[str, str], body: str) -> bytes:
    content = body.encode()
    lines = [f"HTTP/1.1 {status} Reason", f"content-length: {len(content)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("utf-8") + content
