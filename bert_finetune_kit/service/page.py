"""The page to try the model in a browser, in the look of the report: one file that loads nothing from elsewhere."""

import base64
import hashlib
import json

from .limits import Limits
from .model import ServedModel


def render_page(model: ServedModel, limits: Limits) -> tuple[str, str]:
    """Return the page of a model, all text escaped, and its content security policy: only its own script runs.

    Args:
        model: that is served.
        limits: on sizes.
    """
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    loaders = [PackageLoader("bert_finetune_kit.service"), PackageLoader("bert_finetune_kit.reporting")]
    environment = Environment(
        loader=ChoiceLoader(loaders), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    script = environment.get_template("page.js").render()
    html = environment.get_template("page.html.jinja").render(
        title=model.known.title, facts=model.known.facts, headlines=model.known.headlines, fields=model.form.fields,
        labels=model.labels, explains=model.explain is not None, limits=limits, script=script,
        probability="calibrated probability" if model.is_calibrated else "probability",
        example=json.dumps(dict.fromkeys(model.form.fields, "…"), ensure_ascii=False),
    )  # fmt: skip
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return html, policy
