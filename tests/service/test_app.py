"""The routes: results, and errors of every kind in JSON with a sentence of help."""

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from service_stub import Gated, stub_model, stub_pairs, stub_questions

from bert_finetune_kit import DataError, ModelError


def message_of(response, status):
    """Check that a response is an error in JSON, and return its sentence."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    (message,) = response.json().values()
    assert "Traceback" not in message
    return message


def test_a_text_and_several(client):
    service = client()
    assert service.post("/predict", json={"text": "good good soup"}).json() == {
        "label": "good", "score": pytest.approx(16 / 17), "scores": pytest.approx({"bad": 1 / 17, "good": 16 / 17}),
    }  # fmt: skip
    predictions = service.post("/predict", json={"texts": ["bad soup", "soup"]}).json()["predictions"]
    assert [prediction["label"] for prediction in predictions] == ["bad", "good"]
    assert service.post("/predict", json={"texts": []}).json() == {"predictions": []}


def test_pairs(client):
    service = client(stub_pairs())
    assert service.post("/predict", json={"text": "good", "text_pair": "bad"}).json()["score"] == 0.5
    result = service.post("/predict", json={"texts": [["bad", "bad"], ["good", "a"]]}).json()
    assert [prediction["label"] for prediction in result["predictions"]] == ["bad", "good"]


def test_questions(client):
    service = client(stub_questions())
    result = service.post("/predict", json={"question": "Where?", "context": "It is here"}).json()
    assert (result["answer"], result["start"], result["end"], result["no_answer"]) == ("here", 6, 10, 0.25)
    assert result["n_best"] == [{"text": "here", "score": 0.75}]
    several = service.post("/predict", json={"questions": ["a?", "b?"], "context": "so"}).json()["predictions"]
    assert [answer["answer"] for answer in several] == ["so", "so"]
    message = message_of(service.post("/explain", json={"question": "a?", "context": "b"}), 422)
    assert "POST /predict marks them" in message


def test_words_are_explained(client):
    service = client()
    result = service.post("/explain", json={"text": "good soup bad bad"}).json()
    assert (result["label"], result["method"], result["steps"]) == ("bad", "occlusion", None)
    values = {word["text"]: word["value"] for word in result["words"]}
    assert values["good"] < values["soup"] == 0 < values["bad"]
    flipped = service.post("/explain", json={"text": "good soup bad bad", "label": "good"}).json()
    assert flipped["words"][0]["value"] == pytest.approx(-values["good"])
    message = message_of(service.post("/explain", json={"text": "good soup", "label": "great"}), 422)
    assert message == "There is no label 'great' to explain: the labels are bad, good."


def test_the_model_is_described(client):
    about = client().get("/model").json()
    assert (about["kind"], about["fields"], about["labels"]) == ("classification", ["text"], ["bad", "good"])
    assert about["scores"] == [{"key": "accuracy", "label": "accuracy", "value": 0.75, "interval": [0.7, 0.8]}]
    assert about["limits"]["max_texts"] == 128
    assert client().get("/health").json() == {"status": "ok", "waiting": 0, "busy_seconds": 0}


def test_the_page_runs_its_own_script_alone(client):
    response = client().get("/")
    assert response.headers["content-type"].startswith("text/html")
    assert "script-src 'sha256-" in response.headers["content-security-policy"]
    assert "Classification of &lt;b&gt;soups&lt;/b&gt;" in response.text


def test_requests_are_counted(client):
    service = client()
    service.post("/predict", json={"texts": ["a", "b", "c"]})
    service.post("/predict", content=b"\x00", headers={"content-type": "application/json"})
    for path in ("/a", "/b"):
        service.get(path)
    lines = service.get("/metrics").text.splitlines()
    assert 'bert_finetune_kit_requests_total{route="/predict",status="200"} 1' in lines
    assert 'bert_finetune_kit_requests_total{route="/predict",status="400"} 1' in lines
    assert 'bert_finetune_kit_requests_total{route="other",status="404"} 2' in lines
    assert 'bert_finetune_kit_batch_size_bucket{le="4"} 1' in lines


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1:8000", "[::1]:8000", "[::1]", "localhost."])
def test_names_of_this_machine(client, host):
    assert client().get("/health", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.x", "", "[::2]"]
)
def test_a_request_to_another_name_is_refused(client, host):
    service = client()
    for path in ("/", "/predict", "/nothing"):
        message = message_of(service.get(path, headers={"host": host}), 421)
        assert "header Host with one of 127.0.0.1, [::1], localhost, or start it with --host NAME" in message
    assert "evil" in message_of(service.get("/", headers={"host": "evil" * 1000}), 421)[:200]


def test_the_service_of_all_addresses_has_any_name(client):
    assert client(hosts=None).get("/health", headers={"host": "box.example"}).status_code == 200


JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("method", "path", "content", "headers", "status", "message"),
    [
        ("POST", "/predict", b'{"text": "a"}', {"content-type": "text/plain"}, 415, "send JSON with the header"),
        ("POST", "/predict", b'{"text": "a"}', {}, 415, "content type is none"),
        ("POST", "/predict", b"\x89PNG\r\n\x1a\n\x00\xff", JSON, 400, "not UTF-8"),
        ("POST", "/predict", b"{", JSON, 400, "not JSON"),
        ("POST", "/predict", b"", JSON, 400, "not JSON"),
        ("POST", "/predict", b'{"text": 1}', JSON, 422, "text is 1; send a text"),
        ("POST", "/predict", b'{"text": "' + b"a" * 2_000 + b'"}', JSON, 413, "more than 1,000 bytes; send less"),
        ("POST", "/explain", b'{"text": "' + b"a" * 51 + b'"}', JSON, 413, "51 characters; send at most 50"),
        ("GET", "/predict", None, {}, 405, r"/predict does not take GET; use GET /, .*POST /explain"),
        ("DELETE", "/", None, {}, 405, "does not take DELETE"),
        ("POST", "/model", b"", JSON, 405, "does not take POST"),
        ("GET", "/favicon.ico", None, {}, 404, "There is nothing at /favicon.ico; use GET /"),
        ("POST", "/predict/", b"{}", JSON, 404, "There is nothing at /predict/"),
        ("GET", "/%00%ff", None, {}, 404, "There is nothing at"),
        ("GET", "/{path}{0}", None, {}, 404, "There is nothing at"),
    ],
)  # fmt: skip
def test_what_is_refused(client, method, path, content, headers, status, message):
    service = client(max_body_size=1_000, max_explained_characters=50)
    response = service.request(method, path, content=content, headers=headers)
    assert re.search(message, message_of(response, status))


def test_a_fault_of_the_model_is_an_error_without_its_details(client, caplog):
    def fail(items):
        raise {"data": DataError("no such text"), "kit": ModelError("no weights"), "other": KeyError("secret")}[
            items[0]
        ]

    service = client(stub_model(fail))
    assert message_of(service.post("/predict", json={"text": "data"}), 422) == "no such text"
    assert message_of(service.post("/predict", json={"text": "kit"}), 500) == "The model cannot do this: no weights"
    assert "secret" not in message_of(service.post("/predict", json={"text": "other"}), 500)
    assert "KeyError: 'secret'" in caplog.text


def test_what_takes_too_long_and_what_would_wait_too_long(client):
    slow = Gated()
    service = client(stub_model(slow), timeout=0.3, max_waiting=1)
    with ThreadPoolExecutor(3) as threads:
        responses = [response.result() for response in [threads.submit(post, service) for _ in range(3)]]
        slow.gate.set()
    messages = [message_of(response, response.status_code) for response in responses]
    assert {response.status_code for response in responses} <= {503, 504}
    assert any("no result within 0.3 seconds" in message for message in messages)
    assert service.post("/predict", json={"text": "good"}).json()["label"] == "good"


def test_health_says_how_long_the_model_computes(client):
    slow = Gated()
    service = client(stub_model(slow), timeout=0.2)
    with ThreadPoolExecutor(1) as threads:
        response = threads.submit(post, service)
        assert slow.begun.wait(5)
        assert service.get("/health").json()["busy_seconds"] >= 0
        assert response.result().status_code == 504
        time.sleep(0.25)
        health = service.get("/health")
        slow.gate.set()
    assert (health.status_code, health.json()["status"], health.json()["waiting"]) == (503, "busy", 0)
    assert health.json()["busy_seconds"] >= 0.2
    assert post(service).status_code == 200
    assert service.get("/health").json()["status"] == "ok"


def post(service):
    return service.post("/predict", json={"text": "good"})


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=60), path=st.sampled_from(["/predict", "/explain", "/model", "/x"]))
def test_any_bytes_get_an_answer_in_json(shared_client, body, path):
    response = shared_client.post(path, content=body, headers=JSON)
    assert 400 <= response.status_code < 500
    assert json.loads(response.content)["error"]


@pytest.fixture(name="shared_client")
def fixture_shared_client(client):
    return client()
