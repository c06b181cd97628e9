"""The service on a port: what is refused before anything is loaded, bytes that are no HTTP, and how it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
from service_stub import Gated, stub_model

from bert_finetune_kit import ConfigError
from bert_finetune_kit.service.limits import Limits

NEEDS_EXTRA = "the service needs the packages of the extra serve"
uvicorn = pytest.importorskip("uvicorn", reason=NEEDS_EXTRA)
pytest.importorskip("starlette", reason=NEEDS_EXTRA)

from bert_finetune_kit.service.app import build_app  # noqa: E402
from bert_finetune_kit.service.server import JsonErrors, address, bind  # noqa: E402


def test_a_port_in_use_is_refused_with_another():
    with bind("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        assert address(listener, "127.0.0.1") == f"http://127.0.0.1:{port}"
        with pytest.raises(ConfigError, match=f"cannot listen at 127.0.0.1, port {port}: .*in use. Choose another"):
            bind("127.0.0.1", port)


@pytest.mark.parametrize(
    ("host", "port", "message"),
    [
        ("127.0.0.1", 70_000, "port=70000 is no port"),
        ("no host", 0, "host='no host' cannot be used"),
        ("192.0.2.1", 0, "cannot listen at 192.0.2.1"),
    ],
)
def test_what_is_no_place_to_listen(host, port, message):
    with pytest.raises(ConfigError, match=message):
        bind(host, port)


@pytest.fixture
def served():
    """Serve a model in a thread, and return its port and what ends it."""
    servers = []

    def start(model, **settings):
        listener = bind("127.0.0.1", 0)
        app = build_app(model, Limits(batch_wait=0.0))
        config = uvicorn.Config(
            app, http=JsonErrors, ws="none", lifespan="on", log_level="critical", access_log=False, **settings
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        servers.append((server, thread))
        return listener.getsockname()[1], server

    yield start
    for server, thread in servers:
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive()


def exchange(port, sent):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(sent)
        received = b""
        while part := connection.recv(65_536):
            received += part
    return received.partition(b"\r\n\r\n")


@pytest.mark.parametrize(
    "sent",
    [b"\x00\x01\xff\r\n\r\n", b"POST /predict\r\n\r\n", b"GET / HTTP/1.1\r\nhost: a\r\n" + b"x: " + b"a" * 70_000],
    ids=["binary", "no version", "huge header"],
)
def test_bytes_that_are_no_request_get_an_answer_in_json(served, sent):
    port, _ = served(stub_model())
    head, _, body = exchange(port, sent)
    assert head.startswith(b"HTTP/1.1 400")
    assert b"content-type: application/json" in head
    assert "send HTTP/1.1" in json.loads(body)["error"]


def test_a_connection_without_a_request_ends(served):
    port, _ = served(stub_model(), timeout_keep_alive=0.1)
    assert exchange(port, b"")[0] == b""


@pytest.mark.parametrize("sent", [b"GET / HT", b"GET /\r\n"], ids=["a part", "an old request"])
def test_a_request_without_an_end_is_answered_after_the_timeout(served, sent):
    port, _ = served(stub_model(), timeout_keep_alive=0.1)
    head, _, body = exchange(port, sent)
    assert head.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert json.loads(body)["error"].endswith(
        "not complete within the timeout; send HTTP/1.1 with headers of at most 64 kB."
    )


def test_a_request_whose_client_is_gone_is_not_computed(served):
    slow = Gated()
    port, server = served(stub_model(slow))
    body = json.dumps({"texts": ["good"] * 33}).encode()  # two calls
    head = f"POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(head.encode() + b"\r\n\r\n" + body)
        assert slow.begun.wait(5)
    while server.server_state.connections or server.server_state.tasks:
        time.sleep(0.01)
    slow.gate.set()
    assert post(port, {"text": "bad"})["label"] == "bad"
    assert [len(texts) for texts in slow.calls] == [32, 1]
    assert slow.calls[-1] == ["bad"]


def test_a_request_in_hand_is_finished(served):
    slow = Gated()
    port, server = served(stub_model(slow))
    with ThreadPoolExecutor(1) as threads:
        response = threads.submit(post, port, {"text": "good"})
        assert slow.begun.wait(5)
        server.should_exit = True
        time.sleep(0.2)
        slow.gate.set()
        assert response.result()["label"] == "good"


def post(port, content, path="predict"):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/{path}", json.dumps(content).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


STUCK = """
import time
from service_stub import stub_model
from bert_finetune_kit.commands import serve as module
module._load = lambda *_: stub_model(lambda texts: time.sleep(600))
module.serve(["stuck", "--port", "0", "--timeout", "1"])
"""


@pytest.mark.slow
def test_a_signal_ends_the_service_whatever_the_model_does():
    paths = os.pathsep.join([*sys.path, os.path.dirname(__file__)])
    process = subprocess.Popen(
        [sys.executable, "-c", STUCK], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": paths},
    )  # fmt: skip
    try:
        line = process.stdout.readline()
        assert line.startswith("stuck is served at"), process.stderr.read()
        port = int(line.partition("127.0.0.1:")[2].split()[0])
        with pytest.raises(urllib.error.HTTPError, match="504"):
            post(port, {"text": "good"})
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=60)  # the model computes for ten minutes
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, output, errors) == (0, "The service has ended.\n", "")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_serves_a_run_until_a_signal_ends_it(uninterrupted, number):
    folder = str(uninterrupted("classification"))
    command = [sys.executable, "-m", "bert_finetune_kit", "serve", folder, "--port", "0", "--use_cpu"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    try:
        line = process.stdout.readline()
        assert line.startswith(f"{folder} is served at http://127.0.0.1:"), process.stderr.read()
        port = int(line.partition("127.0.0.1:")[2].split()[0])
        assert set(post(port, {"text": "a warm soup"})["scores"]) == {"negative", "positive"}
        assert post(port, {"text": "a warm soup"}, "explain")["method"] == "integrated gradients"
        process.send_signal(number)
        output, errors = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, output, errors) == (0, "The service has ended.\n", "")
