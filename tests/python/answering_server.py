"""A server that answers each call as a function says, and counts."""

from __future__ import annotations

import threading
import time
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

    Answer = Callable[[int], "tuple[int, str] | None"]

CONTACT = '{"id":"c1"}'


class AnsweringServer:
    """Asks a function for the status and body of each call, by its number; a call without an answer stalls."""

    def __init__(self, answer: Answer) -> None:
        self.statuses: list[int] = []
        self.calls = 0
        self._answer = answer
        self._lock = threading.Lock()
        self._closed = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # The head and the body in one packet, at once.
            wbufsize = -1
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                answer = server._next()
                if answer is None:
                    server._closed.wait()
                    self.close_connection = True
                    return
                self.send_response(answer[0])
                self.send_header("content-length", str(len(answer[1])))
                self.end_headers()
                self.wfile.write(answer[1].encode())

            def log_message(self, *_: Any) -> None:
                pass

        self._http = _Quiet(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    def _next(self) -> tuple[int, str] | None:
        with self._lock:
            number = self.calls
            self.calls += 1
            answer = self._answer(number)
            if answer is not None:
                self.statuses.append(answer[0])
            return answer

    def count(self, status: int) -> int:
        """Returns how often a status was answered."""
        with self._lock:
            return self.statuses.count(status)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._http.shutdown()
        self._http.server_close()


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, *_: Any) -> None:
        """A client that ends a call early is no news."""


class Limit:
    """Accepts so many calls in any second, and refuses the others with 429."""

    def __init__(self, per_second: int) -> None:
        self._accepted: deque[float] = deque(maxlen=per_second)

    def __call__(self, _: int) -> tuple[int, str]:
        now = time.monotonic()
        if len(self._accepted) == self._accepted.maxlen and now - self._accepted[0] < 1:
            return 429, "slow down"
        self._accepted.append(now)
        return 200, CONTACT
