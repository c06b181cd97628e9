"""Pushing to a local server that plays the Hub, and its failures."""

import base64
import json
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import huggingface_hub.constants
import pytest
from interrupted import build

from bert_finetune_kit import HubError, OutputError, RunReport
from bert_finetune_kit.reporting import hub

TOKEN = "hf_planted_0123456789"
# huggingface_hub calls its HTTP library in a way that this one calls deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:Use .content=:DeprecationWarning")


class Hub(ThreadingHTTPServer):
    """Keeps what is pushed; `failures` are answered first: a status, or 0 for a connection that is cut."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.failures, self.asked = {}, []
        self.repositories, self.objects, self.files, self.cards = {}, {}, {}, []

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class Answer(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def say(self, status, content=None):
        body = json.dumps(content or {}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle_one(self):
        hub, body = self.server, self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.split("?")[0]
        kind = next(one for one in ("create", "preupload", "commit", "batch", "object", "validate", "") if one in path)
        hub.asked.append(kind)
        if hub.failures.get(kind):
            status = hub.failures[kind].popleft()
            if status:
                return self.say(status, {"error": f"planted {status}"})
            return self.connection.close()
        if kind == "create":
            told = json.loads(body)
            name = f"{told.get('organization') or 'me'}/{told['name']}"
            known = name in hub.repositories
            hub.repositories.setdefault(name, told)
            return self.say(409 if known else 200, {"url": f"{hub.address}/{name}", "name": name})
        if kind == "preupload":
            modes = [
                {"path": one["path"], "uploadMode": "lfs" if one["path"].endswith("safetensors") else "regular",
                 "shouldIgnore": False}
                for one in json.loads(body)["files"]
            ]  # fmt: skip
            return self.say(200, {"files": modes})
        if kind == "batch":
            wanted = [
                {**one, "actions": {"upload": {"href": f"{hub.address}/object/{one['oid']}"}}}
                if one["oid"] not in hub.objects else one
                for one in json.loads(body)["objects"]
            ]  # fmt: skip
            return self.say(200, {"transfer": "basic", "objects": wanted})
        if kind == "validate":
            hub.cards.append(json.loads(body)["content"])
            return self.say(200, {"warnings": [], "errors": []})
        if kind == "object":
            hub.objects[path.rsplit("/", 1)[1]] = body
            return self.say(200)
        if kind == "commit":
            for line in map(json.loads, body.splitlines()):
                value = line["value"]
                if line["key"] == "file":
                    hub.files[value["path"]] = base64.b64decode(value["content"])
                if line["key"] == "lfsFile":
                    hub.files[value["path"]] = hub.objects[value["oid"]]
            return self.say(200, {"commitUrl": f"{hub.address}/me/x/commit/1", "commitOid": "1", "hookOutput": ""})
        name = path.removeprefix("/api/models/")
        return self.say(200, {"id": name}) if name in hub.repositories else self.say(404, {"error": "not found"})

    do_GET = do_POST = do_PUT = handle_one


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(hub, "_FIRST_WAIT", 0.01)
    server = Hub()
    monkeypatch.setenv("HF_ENDPOINT", server.address)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def recipe(tmp_path, tokenizer, config):
    config.save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    settings = {"max_steps": 4, "push_to_hub": True, "hub_model_id": "me/toy", "hub_token": TOKEN}
    return build("classification", tmp_path / "model", tmp_path / "run", **settings)


def assert_whole(recipe):
    """Everything is on the disk, whatever the Hub said."""
    assert RunReport.load(recipe.output_dir).result


def test_a_run_is_pushed_when_it_is_finished(server, recipe, tmp_path, capsys):
    recipe.train()
    assert server.repositories["me/toy"]["visibility"] == "private"
    for name in ("model.safetensors", "config.json", "tokenizer.json", "report.md", "report.json", "README.md"):
        assert server.files[name] == (tmp_path / "run" / name).read_bytes()
    assert not any("checkpoint-" in name or name.endswith(".bin") for name in server.files)
    assert b'\nmodel_id = "me/toy"\n' in server.files["README.md"]
    assert "Pushed to" in capsys.readouterr().out


QUICK = (("create", 500), ("object", 0), ("commit", 429))
KINDS = [(kind, status) for kind in ("create", "preupload", "batch", "object", "commit") for status in (500, 429, 0)]


@pytest.mark.parametrize(
    ("kind", "status"), [pytest.param(*one, marks=() if one in QUICK else pytest.mark.slow) for one in KINDS]
)
def test_what_fails_for_the_moment_is_tried_again(server, recipe, kind, status):
    server.failures[kind] = deque([status] * 2)
    recipe.train()
    assert_whole(recipe)
    assert "model.safetensors" in server.files


def test_a_push_that_failed_goes_on_where_it_was(server, recipe, capsys):
    server.failures["commit"] = deque([403])
    recipe.train()
    assert_whole(recipe)
    assert "Not pushed" in capsys.readouterr().out
    recipe.push_to_hub("me/toy", token=TOKEN)
    assert "model.safetensors" in server.files
    assert server.asked.count("object") == 1  # the weights were there already


@pytest.mark.parametrize("status", [401, 403])
def test_what_the_hub_refuses_is_said_before_training(server, recipe, tmp_path, status):
    server.failures["create"] = deque([status] * 9)
    with pytest.raises(HubError, match=f"status {status}"):
        recipe.train()
    assert not list((tmp_path / "run").glob("checkpoint-*"))


def test_without_a_hub_the_training_goes_on(server, recipe, monkeypatch, capsys):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    recipe.train()
    assert_whole(recipe)
    printed = capsys.readouterr().out
    assert "Not pushed" in printed
    assert "hf upload me/toy" in printed
    assert any("did not answer before the training" in note for note in recipe.notes)
    monkeypatch.setenv("HF_ENDPOINT", server.address)
    recipe.push_to_hub(token=TOKEN)
    assert "report.md" in server.files


def test_a_token_is_never_told(server, recipe, tmp_path, capsys):
    server.failures["commit"] = deque([403])
    recipe.train()
    told = capsys.readouterr()
    assert TOKEN not in told.out + told.err
    for file in (tmp_path / "run").rglob("*"):
        if file.is_file():
            assert TOKEN.encode() not in file.read_bytes(), file


def test_the_card_is_checked_before_the_hub_is_asked(server, recipe, tmp_path):
    recipe.args.push_to_hub = False
    recipe.train()
    path = tmp_path / "run/README.md"
    good = path.read_text("utf-8")
    path.write_text(good.replace("pipeline_tag:", "license: Apache 2.0\npipeline_tag:"), "utf-8")
    with pytest.raises(HubError, match=r"license is 'Apache 2\.0'"):
        recipe.push_to_hub()
    assert server.asked == []
    path.write_text(good.replace("## Limits\n", "## Limits\n\nAsk me first.\n"), "utf-8")
    recipe.push_to_hub("other/name")
    pushed = server.files["README.md"].decode()
    assert "Ask me first." in pushed
    assert pushed.count('model_id = "other/name"') == 2


def test_a_run_without_a_card_gets_one_when_it_is_pushed(server, recipe, tmp_path):
    recipe.train()
    path = tmp_path / "run/README.md"
    before = path.read_bytes()
    path.unlink()
    recipe.push_to_hub("me/toy")
    assert server.files["README.md"] == before


def test_only_a_finished_run_is_pushed(server, recipe):
    with pytest.raises(OutputError, match="no run has finished there"):
        recipe.push_to_hub()
