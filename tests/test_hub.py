"""Reading models, tokenizers and data from a local server that stands for the Hub: the assignment, and failures."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hub_repositories import assignment_repositories
from local_hub import ReadableHub, Repository
from safetensors.torch import load_file

from bert_finetune_kit import RunReport

pytestmark = pytest.mark.slow  # each test starts processes: the address of the Hub is read when they start
ROOT = Path(__file__).parent.parent
TOKEN = "hf_planted_0123456789"
STAGES = {
    "pretraining": "Salesforce/wikitext",
    "classification": "nyu-mll/glue",
    "question_answering": "rajpurkar/squad_v2",
}


def with_owner(repositories, owner, **settings):
    """Return the repositories of the assignment under the names that `read_hub.py` asks for."""
    names = {
        "models/google-bert/bert-base-uncased": f"models/{owner}/bert",
        "datasets/Salesforce/wikitext": f"datasets/{owner}/pretraining",
        "datasets/nyu-mll/glue": f"datasets/{owner}/classification",
        "datasets/rajpurkar/squad_v2": f"datasets/{owner}/question_answering",
    }
    return {new: Repository(repositories[old].files, **settings) for old, new in names.items()}


def cuts(repositories, times):
    return {file: times for repository in repositories.values() for file in repository.files if file != "README.md"}


@pytest.fixture(scope="module")
def hub(tokenizer):
    repositories = assignment_repositories(tokenizer)
    faulty = {}
    for owner, settings in {
        "fine": {}, "gated": {"status": 401}, "denied": {"status": 403}, "failing": {"status": 500},
        "cut-once": {"cuts": cuts(repositories, 1)}, "cut-always": {"cuts": cuts(repositories, 99)},
    }.items():  # fmt: skip
        faulty |= with_owner(repositories, owner, **settings)
    with ReadableHub(repositories | faulty).running() as hub:
        yield hub


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Folder of a cache that all tests share."""
    return tmp_path_factory.mktemp("home")


def run(address, home, *command, **environment):
    """Run a command of Python with a Hub and a cache of its own; return the process."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    own = {"HF_ENDPOINT": address, "HF_HOME": str(home), "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, *map(str, command)]
    return subprocess.run(command, env=inherited | own | environment, capture_output=True, text=True, cwd=home)


def read(address, home, *owners, **environment):
    """Return what comes of preparing each recipe, by `OWNER RECIPE ROLE`, and all that was printed."""
    done = run(address, home, ROOT / "tests/helpers/read_hub.py", home / "runs", *owners, **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1]), done.stdout + done.stderr


def assert_refused(results, owner, message):
    """Check the errors of three recipes for models, tokenizers and data alike."""
    refused = {name: text for name, text in results.items() if name.startswith(f"{owner} ")}
    assert len(refused) == 9
    for name, text in refused.items():
        kind = "DataError: " if name.endswith("data") else "ModelError: "
        assert text.startswith(kind), (name, text)
        assert message in text, (name, text)
        assert f"{owner}/" in text, (name, text)


def test_the_assignment_runs_on_models_and_data_of_the_hub(hub, home):
    """Once from the Hub, and once from the cache alone, with the same weights to the last bit."""
    example = ROOT / "examples/full_pipeline.py"
    few = ("--pretraining.num_train_epochs", "2", "--pretraining.save_total_limit", "5")
    done = run(hub.address, home, example, "--preset", "assignment", "--output_dir", home / "assignment", *few)
    assert done.returncode == 0, done.stderr
    assert "unexpected keys" not in done.stderr
    reports = {name: RunReport.load(home / "assignment" / name) for name in STAGES}
    assert {name: report.settings["source"]["hub_id"] for name, report in reports.items()} == STAGES
    assert reports["pretraining"].settings["model"]["hub_id"] == "google-bert/bert-base-uncased"
    assert not any("WEIGHTS_NOT_LOADED" in str(report.findings) for report in reports.values())
    best = reports["classification"].result["step"]
    saved = load_file(home / "assignment/classification/model.safetensors")
    checkpoint = load_file(home / f"assignment/classification/checkpoint-{best}/model.safetensors")
    assert all((saved[name] == value).all() for name, value in checkpoint.items())
    offline = run(
        hub.address, home, example, "--preset", "assignment", "--output_dir", home / "again", *few, HF_HUB_OFFLINE="1"
    )
    assert offline.returncode == 0, offline.stderr
    again = load_file(home / "again/classification/model.safetensors")
    assert all((saved[name] == value).all() for name, value in again.items())


def test_what_the_hub_refuses_is_an_error_that_says_what_to_do(hub, home):
    results, printed = read(hub.address, home, "missing", "gated", "denied", "failing", HF_TOKEN=TOKEN)
    assert_refused(results, "missing", "the Hub has nothing public of that name. Check the spelling")
    assert_refused(results, "gated", "it is gated, and no token was sent. Accept its terms")
    assert_refused(results, "denied", "it is gated, and the token has no access")
    assert_refused(results, "failing", "the Hub answered with status 500. Try again later")
    assert TOKEN not in printed
    without_token, _ = read(hub.address, home, "missing")
    assert_refused(without_token, "missing", "the Hub has nothing public of that name. Check the spelling")


def test_a_download_that_is_cut_is_resumed_or_refused_and_never_leaves_a_part(hub, home):
    results, _ = read(hub.address, home, "cut-once", "cut-always")
    assert {text for name, text in results.items() if name.startswith("cut-once")} == {"prepared"}
    assert_refused(results, "cut-always", "the connection broke off during the download. Run the same command again")
    for name, repository in hub.repositories.items():
        if "/cut-always/" in name:
            repository.cuts.clear()
    assert set(read(hub.address, home, "cut-always")[0].values()) == {"prepared"}


def test_without_network_the_cache_is_used(hub, home, tmp_path):
    """Where there is none, the error says what to do."""
    nobody = "http://127.0.0.1:9"
    assert set(read(hub.address, home, "fine")[0].values()) == {"prepared"}
    assert set(read(nobody, home, "fine")[0].values()) == {"prepared"}
    assert_refused(
        read(nobody, tmp_path, "fine")[0], "fine", f"{nobody} cannot be reached, and the cache does not have it"
    )
    offline, _ = read(nobody, tmp_path, "fine", HF_HUB_OFFLINE="1")
    assert_refused(offline, "fine", "HF_HUB_OFFLINE is set, and the cache does not have it")
