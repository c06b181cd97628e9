"""Pushing to a local server that stands for the Hub, and its failures."""

import base64
import json
import shutil
from collections import deque
from pathlib import Path

import huggingface_hub.constants
import pytest
from local_hub import LocalHub, LocalHubHandler
from small_recipes import build

from bert_finetune_kit import ConfigError, HubError, OutputError, RunReport
from bert_finetune_kit.modeling.initial_weights import INITIAL_WEIGHTS_FILE
from bert_finetune_kit.runs import publish

TOKEN = "hf_planted_0123456789"
# huggingface_hub calls its HTTP library in a way that this one calls deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:Use .content=:DeprecationWarning")


class Hub(LocalHub):
    """Keeps what is pushed; `failures` are the first responses: a status, or 0 for a connection that is cut."""

    def __init__(self):
        super().__init__(RequestHandler)
        self.failures, self.tokens = {}, set()
        self.repositories, self.objects, self.files, self.cards = {}, {}, {}, []


class RequestHandler(LocalHubHandler):
    def handle_one(self):
        hub, body = self.server, self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.split("?")[0]
        kinds = ("create", "preupload", "commit", "batch", "object", "validate", "")
        kind = next(name for name in kinds if name in path)
        hub.requests.append(kind)
        if "Authorization" in self.headers:
            hub.tokens.add(self.headers["Authorization"])
        if hub.failures.get(kind):
            status = hub.failures[kind].popleft()
            if status:
                return self.respond(status, {"error": f"planted {status}"})
            return self.connection.close()
        if kind == "create":
            repository = json.loads(body)
            name = f"{repository.get('organization') or 'me'}/{repository['name']}"
            exists = name in hub.repositories
            hub.repositories.setdefault(name, repository)
            return self.respond(409 if exists else 200, {"url": f"{hub.address}/{name}", "name": name})
        if kind == "preupload":
            modes = [
                {"path": file["path"], "uploadMode": "lfs" if file["path"].endswith("safetensors") else "regular",
                 "shouldIgnore": False}
                for file in json.loads(body)["files"]
            ]  # fmt: skip
            return self.respond(200, {"files": modes})
        if kind == "batch":
            objects = [
                {**item, "actions": {"upload": {"href": f"{hub.address}/object/{item['oid']}"}}}
                if item["oid"] not in hub.objects else item
                for item in json.loads(body)["objects"]
            ]  # fmt: skip
            return self.respond(200, {"transfer": "basic", "objects": objects})
        if kind == "validate":
            hub.cards.append(json.loads(body)["content"])
            return self.respond(200, {"warnings": [], "errors": []})
        if kind == "object":
            hub.objects[path.rsplit("/", 1)[1]] = body
            return self.respond(200, {})
        if kind == "commit":
            for line in map(json.loads, body.splitlines()):
                value = line["value"]
                if line["key"] == "file":
                    hub.files[value["path"]] = base64.b64decode(value["content"])
                if line["key"] == "lfsFile":
                    hub.files[value["path"]] = hub.objects[value["oid"]]
            return self.respond(200, {"commitUrl": f"{hub.address}/me/x/commit/1", "commitOid": "1", "hookOutput": ""})
        name = path.removeprefix("/api/models/")
        return (
            self.respond(200, {"id": name}) if name in hub.repositories else self.respond(404, {"error": "not found"})
        )

    do_GET = do_POST = do_PUT = handle_one


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(publish, "_FIRST_WAIT", 0.01)
    server = Hub()
    monkeypatch.setenv("HF_ENDPOINT", server.address)
    with server.running():
        yield server


PUSHED = {"max_steps": 4, "push_to_hub": True, "hub_model_id": "me/toy", "hub_token": TOKEN}


@pytest.fixture
def recipe(tmp_path, dropout_model):
    return build("classification", dropout_model, tmp_path / "run", **PUSHED)


@pytest.fixture(scope="module")
def finished_run(tmp_path_factory, dropout_model):
    """Folder of a run that is finished and not pushed."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    build("classification", dropout_model, folder, **(PUSHED | {"push_to_hub": False})).train()
    return folder


@pytest.fixture
def finished(finished_run, tmp_path, dropout_model):
    """A recipe with a copy of that run."""
    folder = shutil.copytree(finished_run, tmp_path / "run")
    return build("classification", dropout_model, folder, **(PUSHED | {"push_to_hub": False}))


def assert_complete(recipe):
    """Check that everything is on the disk, whatever the Hub answered."""
    assert RunReport.load(recipe.output_dir).result
    for name in ("model.safetensors", "tokenizer.json", "report.md", "README.md"):
        assert (Path(recipe.output_dir) / name).stat().st_size > 0


def test_a_run_is_pushed_when_it_is_finished(server, recipe, tmp_path, capsys):
    recipe.train()
    assert server.repositories["me/toy"]["visibility"] == "private"
    for name in ("model.safetensors", "config.json", "tokenizer.json", "report.md", "report.json", "README.md"):
        assert server.files[name] == (tmp_path / "run" / name).read_bytes()
    assert not any("checkpoint-" in name or name.endswith(".bin") for name in server.files)
    assert [name for name in server.files if name.endswith(".safetensors")] == ["model.safetensors"]
    assert b'\nmodel_id = "me/toy"\n' in server.files["README.md"]
    assert "Pushed to" in capsys.readouterr().out


QUICK = (("create", 500), ("object", 0), ("commit", 429))
KINDS = [(kind, status) for kind in ("create", "preupload", "batch", "object", "commit") for status in (500, 429, 0)]


@pytest.mark.parametrize(
    ("kind", "status"),
    [pytest.param(kind, status, marks=() if (kind, status) in QUICK else pytest.mark.slow) for kind, status in KINDS],
)
def test_a_temporary_failure_is_retried(server, finished, kind, status):
    server.failures[kind] = deque([status] * 2)
    finished.push_to_hub("me/toy")
    assert not server.failures[kind]
    assert "model.safetensors" in server.files


def test_a_failure_that_lasts_ends_the_attempts(server, finished):
    server.failures["commit"] = deque([500] * 99)
    with pytest.raises(HubError, match="status 500"):
        finished.push_to_hub("me/toy")
    assert server.requests.count("commit") == 5


def test_a_push_that_failed_is_continued(server, recipe, capsys):
    server.failures["commit"] = deque([403])
    recipe.train()
    assert_complete(recipe)
    assert "Not pushed" in capsys.readouterr().out
    recipe.push_to_hub("me/toy", token=TOKEN)
    assert "model.safetensors" in server.files
    assert server.requests.count("object") == 1  # the weights were there already


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_of_the_hub_comes_before_training(server, recipe, tmp_path, status):
    server.failures["create"] = deque([status] * 9)
    with pytest.raises(HubError, match=f"status {status}"):
        recipe.train()
    assert server.requests.count("create") == 1  # a retry would change nothing
    assert not list((tmp_path / "run").glob("checkpoint-*"))


def test_the_run_does_not_need_the_hub(server, recipe, monkeypatch, capsys):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    report = recipe.train()
    assert_complete(recipe)
    printed = capsys.readouterr().out
    assert "Not pushed" in printed
    assert "hf upload me/toy" in printed
    assert any("did not answer before the training" in note for note in report.notes)
    monkeypatch.setenv("HF_ENDPOINT", server.address)
    recipe.push_to_hub(token=TOKEN)
    assert "report.md" in server.files


def test_a_run_that_had_finished_is_pushed_when_it_is_resumed(server, finished, tmp_path, capsys):
    """As after a push that failed, with the same command, or after a kill while the run was published."""
    (tmp_path / "run" / INITIAL_WEIGHTS_FILE).write_bytes(b"the weights at the start")
    finished.args.push_to_hub = True
    finished.train(resume=True)
    assert "skipping training" in capsys.readouterr().out
    assert [name for name in server.files if name.endswith(".safetensors")] == ["model.safetensors"]


def test_a_token_is_never_shown(server, recipe, tmp_path, capsys):
    server.failures["commit"] = deque([403])
    recipe.train()
    printed = capsys.readouterr()
    assert "Not pushed" in printed.out
    assert TOKEN not in printed.out + printed.err
    files = [file for file in (tmp_path / "run").rglob("*") if file.is_file()]
    assert any(file.name == "training_args.bin" for file in files)  # the Trainer's own
    for file in files:
        assert TOKEN.encode() not in file.read_bytes(), file


@pytest.mark.parametrize("given", [f"{TOKEN}\n", f" {TOKEN}\r\n"])
def test_white_space_around_a_token_is_not_sent(server, recipe, tmp_path, capfd, given):
    recipe.args.hub_token = given
    recipe.train()
    assert server.tokens == {f"Bearer {TOKEN}"}
    printed = capfd.readouterr()
    assert "Pushed to" in printed.out
    assert TOKEN not in printed.out + printed.err
    for file in (file for file in (tmp_path / "run").rglob("*") if file.is_file()):
        assert TOKEN.encode() not in file.read_bytes(), file


@pytest.mark.parametrize("given", ["", " "])
def test_an_empty_token_is_the_stored_one(server, finished, monkeypatch, given):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    finished.push_to_hub("me/toy", token=given)
    assert server.tokens == {f"Bearer {TOKEN}"}


@pytest.mark.parametrize("given", ["hf_planted_é", "hf_plan\nted", "hf_plan ted"])
def test_a_token_that_cannot_be_sent_is_refused_before_anything_is_loaded(server, recipe, tmp_path, given):
    recipe.args.hub_token = given
    with pytest.raises(ConfigError, match="hub_token has a character at position") as refused:
        recipe.train()
    assert given not in str(refused.value)
    assert recipe.state.prepared is None
    with pytest.raises(HubError, match="hub_token has a character") as refused:
        publish.open_repository("me/toy", given)
    assert refused.value.final
    assert server.requests == []


@pytest.mark.parametrize(
    "message", [f"Illegal header value b'Bearer {TOKEN}\\n'", "rejected: Bearer c29tZSB0b2tlbiBvZg==", repr(TOKEN)]
)
def test_a_message_with_a_token_is_not_shown(message):
    def fail():
        raise RuntimeError(message)

    with pytest.raises(HubError) as failed:
        publish._retry(fail, TOKEN, attempts=1)
    assert str(failed.value) == "the message of the error is not shown, since it holds a token (RuntimeError)"
    assert failed.value.__suppress_context__


def test_the_card_is_checked_before_any_request(server, finished, tmp_path):
    path = tmp_path / "run/README.md"
    good = path.read_text("utf-8")
    path.write_text(good.replace("pipeline_tag:", "license: Apache 2.0\npipeline_tag:"), "utf-8")
    with pytest.raises(HubError, match=r"license is 'Apache 2\.0'"):
        finished.push_to_hub()
    assert server.requests == []
    path.write_text(good.replace("## Limitations\n", "## Limitations\n\nAsk me first.\n"), "utf-8")
    finished.push_to_hub("other/name")
    pushed = server.files["README.md"].decode()
    assert "Ask me first." in pushed
    assert pushed.count('model_id = "other/name"') == 2


def test_a_run_without_a_card_gets_one_when_it_is_pushed(server, finished, tmp_path):
    path = tmp_path / "run/README.md"
    before = path.read_bytes()
    path.unlink()
    finished.push_to_hub("me/toy")
    assert server.files["README.md"] == before


def test_only_a_finished_run_is_pushed(server, recipe):
    with pytest.raises(OutputError, match=r"(?i)no run has finished"):
        recipe.push_to_hub()
    assert server.requests == []
