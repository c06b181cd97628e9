"""`serve`: what it takes, and what it refuses before a model is loaded."""

import pytest

from bert_finetune_kit import ConfigError, KitError, ModelError
from bert_finetune_kit.commands import serve as serve_module
from bert_finetune_kit.commands.serve import build_parser, check_installed, serve


def test_defaults():
    options = build_parser().parse_args(["runs/a"])
    assert (options.host, options.port, options.max_batch_size, options.batch_wait) == ("127.0.0.1", 8000, 32, 0.002)


def test_without_its_packages_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(serve_module, "find_spec", lambda name: None)
    with pytest.raises(
        ConfigError, match=r"serve needs starlette and uvicorn.*pip install 'bert_finetune_kit\[serve\]'"
    ):
        check_installed()


def test_limits_that_cannot_work():
    with pytest.raises(ConfigError, match=r"(?s)has 2 faults.*max_texts is 0: .* from 1 on.*timeout is nan"):
        serve(["runs/a", "--max_texts", "0", "--timeout", "nan"])


@pytest.fixture
def _installed(monkeypatch):
    for name in ("starlette", "uvicorn"):
        pytest.importorskip(name, reason="the service needs the packages of the extra serve")


@pytest.mark.usefixtures("_installed")
def test_a_pretrained_model_is_refused(tmp_path):
    config = '{"model_type": "bert", "architectures": ["BertForMaskedLM"]}'
    (tmp_path / "config.json").write_text(config, "utf-8")
    with pytest.raises(ConfigError, match="is a run of pretraining, which predicts nothing yet"):
        serve([str(tmp_path), "--port", "0"])


@pytest.mark.usefixtures("_installed")
def test_what_is_no_model(tmp_path):
    with pytest.raises(ModelError, match="is no folder of a finished run"):
        serve([str(tmp_path), "--port", "0"])


@pytest.mark.usefixtures("_installed")
def test_an_exported_model_that_cannot_be_read(tmp_path):
    (tmp_path / "exported.json").write_text("{}", "utf-8")
    with pytest.raises(KitError, match=str(tmp_path)):
        serve([str(tmp_path), "--port", "0"])


@pytest.mark.usefixtures("_installed")
def test_other_machines_are_warned_of(monkeypatch, capsys):
    from bert_finetune_kit.service import app, server

    monkeypatch.setattr(serve_module, "_load", lambda *_: None)
    monkeypatch.setattr(app, "build_app", lambda *_: None)
    monkeypatch.setattr(server, "run", lambda *_: None)
    for host, warns in (("127.0.0.1", False), ("0.0.0.0", True)):
        serve(["runs/a", "--host", host, "--port", "0"])
        lines = capsys.readouterr().out.splitlines()
        assert lines[0].startswith("Warning: the service has no passwords") == warns
        assert f"runs/a is served at http://{host}:" in lines[-2]
        assert lines[-1] == "The service has ended."
