"""`serve`: a local HTTP service of a trained model, with a page to try it."""

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import fields
from importlib.util import find_spec
from typing import Any

from ..argument_parser import ArgumentParser
from ..compat.process import end_at_once
from ..errors import ConfigError
from ..output import show
from ..service.limits import Limits
from ..settings import help_of
from .parser import command_parser

_NEEDED = ("starlette", "uvicorn")
_SERVED = ("classification", "question_answering")
_DESCRIPTION = """\
Answer HTTP requests with a trained model, on this machine, and show a page to try it in a browser.

  bert-finetune-kit serve runs/stars
  bert-finetune-kit serve runs/squad --port 8080

  curl -H "Content-Type: application/json" -d '{"text": "the soup was cold"}' http://127.0.0.1:8000/predict

Ctrl-C ends it. It has no passwords: whoever reaches --host can use the model.
"""


def build_parser() -> ArgumentParser:
    """Return the parser of the command."""
    parser = command_parser(_DESCRIPTION)
    parser.add_argument("run", metavar="RUN", help="folder of a run, of an exported model, or a stock checkpoint")
    parser.add_argument("--host", default="127.0.0.1", metavar="HOST", help="where to listen (default: 127.0.0.1)")
    parser.add_argument(
        "--port", type=int, default=8000, metavar="N", help="where to listen (default: 8000; 0 for any that is free)"
    )
    for item in fields(Limits):
        kind: Any = type(item.default)
        text = f"{help_of(Limits, item.name)} (default: {item.default})".replace(". (", " (")
        parser.add_argument(f"--{item.name}", type=kind, default=item.default, metavar="N", help=text)
    parser.add_argument("--use_cpu", action="store_true", default=None, help="use the CPU where there is a GPU, too")
    return parser


def serve(words: Sequence[str]) -> None:
    """Serve a model until a signal ends it."""
    options = build_parser().parse_args(words)
    limits = Limits(**{item.name: getattr(options, item.name) for item in fields(Limits)})
    check_installed()
    from ..service.app import build_app
    from ..service.hosts import allowed_hosts
    from ..service.server import address, bind, is_local, run

    with bind(options.host, options.port) as listener:
        model = _load(options, limits)
        if not is_local(options.host):
            show(f"Warning: the service has no passwords, and other machines may reach it at {options.host}.")
        show(f"{options.run} is served at {address(listener, options.host)} (Ctrl-C ends it).")
        app = build_app(model, limits, allowed_hosts(options.host, listener.getsockname()[0]))
        still_computes = run(app, listener, limits.timeout)
    show("The service has ended.")
    if still_computes:
        end_at_once()


def check_installed() -> None:
    """Check that the packages of the extra are there.

    Raises:
        ConfigError: one is missing.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"serve needs {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed: "
            "pip install 'bert_finetune_kit[serve]'"
        )


def _load(options: Namespace, limits: Limits) -> Any:
    """Return the model of a run or of an exported folder as the service takes it."""
    from ..exported.loading import load_exported
    from ..exported.settings import is_exported
    from ..service.model import served_exported, served_recipe

    if is_exported(options.run):
        return served_exported(load_exported(options.run), options.run)
    from .run_folder import load_recipe, run_kind  # which an exported model can do without

    kind = run_kind(options.run)
    if kind not in _SERVED:
        raise ConfigError(
            f"{options.run} is a run of {kind}, which predicts nothing yet: fine-tune it by bert-finetune-kit classify "
            f"or answer with --model {options.run}."
        )
    settings = {"per_device_eval_batch_size": limits.max_batch_size, "use_cpu": options.use_cpu}
    recipe = load_recipe(options.run, {name: value for name, value in settings.items() if value is not None})
    return served_recipe(recipe, options.run)
