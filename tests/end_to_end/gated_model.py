"""Gated model: a model server that answers every call the same, at once, or when its gate is opened."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager

HELD = "please wait"
"""A prompt with this in it is answered when the gate is open, any other at once."""

ANSWER = (
    b'{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"finish_reason":"stop",'
    b'"message":{"role":"assistant","content":"a a a"}}],'
    b'"usage":{"prompt_tokens":20,"completion_tokens":3,"total_tokens":23}}'
)
STREAM = (
    b'data: {"choices":[{"index":0,"delta":{"content":"a a a"}}]}\n\n'
    b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    b'data: {"choices":[],"usage":{"prompt_tokens":20,"completion_tokens":3,"total_tokens":23}}\n\ndata: [DONE]\n\n'
)
_PATIENCE_S = 30


class GatedModel:
    """Counts who waits at its gate, which is closed at first."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.waiting = 0
        self.base_url = ""


@contextmanager
def gated_model() -> Iterator[GatedModel]:
    """Run one in threads of its own."""
    model = GatedModel()

    class Answers(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if HELD.encode() in body:
                model.waiting += 1
                model.gate.wait(_PATIENCE_S)
                model.waiting -= 1
            is_stream = b'"stream":true' in body.replace(b" ", b"")
            answer, kind = (STREAM, "text/event-stream") if is_stream else (ANSWER, "application/json")
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - as the base names it
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    model.base_url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield model
    finally:
        model.gate.set()
        server.shutdown()
        server.server_close()
        thread.join()
