"""A model of a few rules in place of a trained one, and the service of it."""

import pytest
from service_stub import stub_model

from bert_finetune_kit.service.hosts import LOCAL_HOSTS
from bert_finetune_kit.service.limits import Limits

NEEDS_EXTRA = "the service needs the packages of the extra serve, and its tests httpx2"


@pytest.fixture
def client():
    """Return a client of the service of a model; by default one that finds good and bad words."""
    for name in ("starlette", "uvicorn", "httpx2"):
        pytest.importorskip(name, reason=NEEDS_EXTRA)
    from starlette.testclient import TestClient

    from bert_finetune_kit.service.app import build_app

    open_clients = []

    def start(model=None, hosts=LOCAL_HOSTS, **limits):
        app = build_app(model or stub_model(), Limits(**{"batch_wait": 0.0, **limits}), hosts)
        made = TestClient(app, "http://localhost", raise_server_exceptions=True)
        made.__enter__()
        open_clients.append(made)
        return made

    yield start
    for made in open_clients:
        made.__exit__(None, None, None)
