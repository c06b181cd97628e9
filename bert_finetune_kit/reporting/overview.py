"""One page for runs that belong together: a pretraining, and the fine-tunings that start from its weights.

Its ten sections: the model and its parameters, how it was pretrained, its scores by evaluation and where it is; how it
was fine-tuned, all scores, the parameters after fine-tuning and where those models are; and what explains the scores.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Group
from rich.panel import Panel
from rich.text import Text

from ..text_files import write_text
from .headline import headlines
from .html import evaluation_blocks
from .markdown import markdown_table
from .naming import facts, recipe_label
from .numbers import finite_or_none, is_finite_number
from .optional import Parts
from .origin import last_part
from .page import Block, Section, block, render
from .parameters import CHANGE_HEADER, CHANGE_NOTE, change_rows
from .plots import plots
from .push_command import push_command
from .rows import data_rows, parameter_rows
from .schema import Finding, RunReport
from .terminal import rich_table, stdout_console

OVERVIEW_FILE = "overview.md"
OVERVIEW_PAGE = "overview.html"
_TITLE = "All runs"
_SCORES = 3  # of a run in the first table
_FIGURES = 1  # of a run at the top
_TABLES = 3  # of a run; its own report has all
_HEADER = ("run", "parameters", "minutes", "scores of the saved weights")
_ARCHITECTURE = (
    "num_hidden_layers", "hidden_size", "num_attention_heads", "intermediate_size", "vocab_size",
    "max_position_embeddings",
)  # fmt: skip


@dataclass(frozen=True)
class Overview:
    """Reports by the names of their folders; the first is of the run whose weights the others start from."""

    runs: Mapping[str, RunReport]

    @classmethod
    def load(cls, folder: str | Path, names: tuple[str, ...]) -> "Overview":
        """Read the reports of runs in folders of one folder.

        Raises:
            OutputError: one of them has no report.
        """
        return cls({name: RunReport.load(Path(folder) / name) for name in names})

    def rows(self) -> list[list[str]]:
        """Return a row for each run: name, parameters, minutes, its first scores."""
        return [
            [_title(name), f"{run.parameters['total']:,}", _minutes(run), _scores(run)]
            for name, run in self.runs.items()
        ]

    def sections(self) -> Iterator[Section]:
        """Yield the table of all runs, then the ten sections."""
        (name, first), *rest = self.runs.items()
        fine_tuned = dict(rest)
        yield Section("Runs", tables=[Block("", _HEADER, self.rows())], links=_links(self.runs))
        changes = [_change(run_name, run) for run_name, run in rest if run.change]
        numbered = (
            Section("Model", tables=[_models(self.runs)]),
            Section("Parameters by module", tables=[Block("", *parameter_rows(first, "  "))], is_folded=True),
            Section(_title(name), [" ".join(first.summary)], tables=[Block("Data", *data_rows(first))]),
            Section("Scores by evaluation", plots=plots(first)[0][:2], tables=evaluation_blocks(first, "")),
            Section("Where the model is", [_folders([name])], code=_push_commands([name])),
            Section("Fine-tuning", [" ".join(run.summary) for run in fine_tuned.values()]),
            Section("Results", tables=[table for run_name, run in rest for table in _results(run_name, run)]),
            Section("Parameters after fine-tuning", tables=changes),
            Section("Where the fine-tuned models are", [_folders(fine_tuned)], code=_push_commands(fine_tuned)),
            Section("Analysis", list(_analysis(self.runs)), findings=_findings(self.runs)),
        )
        for number, section in enumerate(numbered, start=1):
            yield replace(section, title=f"{number}. {section.title}")

    def to_markdown(self) -> str:
        """Render the page without its plots."""
        parts = [f"# {_TITLE}"]
        for section in self.sections():
            parts += [f"## {section.title}", *section.text]
            parts += [_finding_item(finding) for finding in section.findings]
            for table in section.tables:
                parts += [f"### {table.title}"] if table.title else []
                parts += [markdown_table(table.header, table.rows), *table.note]
            parts += [f"```bash\n{section.code}\n```"] if section.code else []
            parts += [f"- [{label}]({address})" for label, address in section.links]
        return "\n\n".join(parts) + "\n"

    def to_html(self) -> str:
        """Render the self-contained page, which links to the reports of the runs."""
        summary = [f"{_title(name)}: {' '.join(run.summary[1:2] or run.summary)}" for name, run in self.runs.items()]
        figures = [
            replace(figure, label=f"{_title(name)}: {figure.label}", address=f"{name}/report.html")
            for name, run in self.runs.items()
            for figure in headlines(run, _FIGURES)
        ]
        title = " → ".join(_title(name) for name in self.runs)
        return render(
            title=title, facts=_about(self.runs), headlines=figures, summary=summary, sections=list(self.sections())
        )

    def save(self, folder: str | Path) -> Path:
        """Write `overview.html` and `overview.md` into the folder of the runs, and print it on one screen."""
        for part in self.parts(folder).values():
            part()
        return Path(folder) / OVERVIEW_FILE

    def parts(self, folder: str | Path) -> Parts:
        """Return what `save` does, none of it needed by the rest."""
        text, page = Path(folder) / OVERVIEW_FILE, Path(folder) / OVERVIEW_PAGE
        return {
            f"{OVERVIEW_FILE} was not written": lambda: write_text(text, self.to_markdown()),
            f"{OVERVIEW_PAGE} was not written": lambda: write_text(page, self.to_html()),
            "The overview was not shown": lambda: self._print(page),
        }

    def _print(self, page: Path) -> None:
        summaries = [
            Text.assemble((f"{_title(name)}: ", "bold"), " ".join(run.summary)) for name, run in self.runs.items()
        ]
        findings = [
            Text(f"{_title(name)}: {finding.severity} {finding.code}")
            for name, run in self.runs.items()
            for finding in run.findings
        ]
        table = rich_table(_HEADER, self.rows())
        body = Group(table, Text(), *summaries, *findings, Text(), Text(f"Complete overview: {page}", "bold"))
        stdout_console().print(Panel(body, title=_TITLE.lower(), expand=False))


def _minutes(run: RunReport) -> str:
    seconds = finite_or_none(run.timings.get("whole run"))
    return "" if seconds is None else f"{seconds / 60:.1f}"


def _scores(run: RunReport) -> str:
    texts = [
        f"{score.label} {value:{score.format_spec}}"
        for score in run.glossary
        if is_finite_number(value := run.result.get(score.key))
    ]
    return " · ".join(texts[:_SCORES])


def _title(name: str) -> str:
    return recipe_label(name)


def _about(runs: Mapping[str, RunReport]) -> list[tuple[str, str]]:
    """Return model and parameters of the first run, the data of all, and when the last one had finished."""
    every = [dict(facts(run)) for run in runs.values()]
    known = {
        "model": every[0].get("model"),
        "parameters": every[0].get("parameters"),
        "data": ", ".join(dict.fromkeys(about["data"] for about in every if "data" in about)),
        "finished": every[-1].get("finished"),
    }
    return [(name, value) for name, value in known.items() if value]


def _links(names: Iterable[str]) -> list[tuple[str, str]]:
    return [(f"Report of {_title(name).lower()}", f"{name}/report.html") for name in names]


def _models(runs: Mapping[str, RunReport]) -> Block:
    """Return the initial model of each run, and its architecture where a report has it, a column a run."""
    (name, first), *_ = runs.items()
    models = [dict(run.model) for run in runs.values()]
    models = [
        {**first.model, **model} if last_part(str(model.get("model_name_or_path"))) == name else model
        for model in models
    ]
    rows = [["initial model", *(str(model.get("model_name_or_path", "")) for model in models)]]
    for key in _ARCHITECTURE:
        if any(key in model for model in models):
            cells = [f"{model[key]:,}" if key in model else "" for model in models]
            rows.append([key.replace("_", " "), *cells])
    return Block("", ("", *map(_title, runs)), rows)


def _folders(names: Iterable[str]) -> str:
    folders = ", ".join(f"{name}/" for name in names)
    return f"In {folders} next to this page, with model card and report. To push it to the Hub, run in this folder:"


def _push_commands(names: Iterable[str]) -> str:
    return "\n".join(push_command(name, f"YOUR-NAME/{name.replace('_', '-')}") for name in names)


def _results(name: str, run: RunReport) -> list[Block]:
    blocks = [block(table) for table in run.tables[:_TABLES]] or evaluation_blocks(run, "")
    return [replace(table, title=f"{_title(name)}: {table.title}") for table in blocks]


def _change(name: str, run: RunReport) -> Block:
    return Block(_title(name), CHANGE_HEADER, change_rows(run.change), [CHANGE_NOTE])


def _analysis(runs: Mapping[str, RunReport]) -> Iterator[str]:
    """Yield the scores against the baselines, the course of the loss, and the change of the parameters."""
    for name, run in runs.items():
        results = " ".join(run.summary[1:]) if run.findings else f"No findings. {' '.join(run.summary[1:])}"
        yield f"{_title(name)}: {results}{_loss_change(run)}"
        if run.change:
            yield f"{_title(name)}, parameters: {' '.join(run.change['explanation'])}"


def _loss_change(run: RunReport) -> str:
    losses = [loss for log in run.history if is_finite_number(loss := log.get("loss"))]
    if len(losses) < 2:
        return ""
    return f" Training loss: {losses[0]:.2f} → {losses[-1]:.2f} in {run.history[-1]['step']:,} steps."


def _findings(runs: Mapping[str, RunReport]) -> list[Finding]:
    return [
        replace(finding, code=f"{_title(name)}: {finding.code}")
        for name, run in runs.items()
        for finding in run.findings
    ]


def _finding_item(finding: Finding) -> str:
    lines = [f"- **{finding.code}** ({finding.severity}): {finding.evidence}"]
    lines += [f"  - likely cause: {cause}" for cause in finding.causes]
    lines += [f"  - what to do: {step}" for step in finding.advice]
    return "\n".join(lines)
