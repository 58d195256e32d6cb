"""Is interrupted in the middle of calls: tells a parent when it is in one, and how long the interrupt took."""

import signal
import sys
import threading
import time

import vambe

RECORD = {"channel": "whatsapp", "channel_phone_number": "+56987654321", "contact_phone_number": "+56912345678"}


def calls(client: vambe.Client, how: str) -> None:
    if how == "upsert":
        client.upsert(RECORD)
    else:
        list(client.upsert_many([RECORD], pacing="off"))


def say(word: str) -> None:
    print(word, flush=True)


def main(how: str, rounds: int) -> None:
    # A shell that runs the tests in the background has them ignore it, and so this program.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    client = vambe.Client(timeout=600, attempt_timeout=600)
    for _ in range(rounds):
        # From a thread, so that the call has begun when the word is out.
        threading.Timer(0.02, say, ["calling"]).start()
        try:
            calls(client, how)
            say("not interrupted")
        except KeyboardInterrupt:
            say(str(time.monotonic()))


def main_with_handler() -> None:
    """A handler of one's own runs in the middle of a call, which goes on."""
    seen: list[float] = []
    signal.signal(signal.SIGUSR1, lambda *_: seen.append(time.monotonic()))
    client = vambe.Client(attempt_timeout=1, max_retries=0)
    threading.Timer(0.02, say, ["calling"]).start()
    try:
        client.upsert(RECORD)
    except vambe.ApiTimeoutError:
        say(str(seen[0]))


if sys.argv[1] == "handler":
    main_with_handler()
else:
    main(sys.argv[1], int(sys.argv[2]))
