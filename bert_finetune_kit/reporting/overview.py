"""One page for runs that belong together: a pretraining, and the fine-tunings that start from its weights.

It answers ten questions in turn: which model it is and what its parameters are, how it was pretrained, how it scored
after each epoch and where it is; how it was fine-tuned, with all scores, what its parameters are now and where those
models are; and why the scores are what they are.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console, Group
from rich.panel import Panel
from rich.text import Text

from .html import Block, Section, block, render
from .hub import command_to_push
from .markdown import data_rows, parameter_rows, score_rows, table
from .parameters import CHANGE_HEADER, CHANGE_NOTE, change_rows
from .plots import plots
from .report import Finding, RunReport
from .terminal import rich_table

OVERVIEW_FILE = "overview.md"
OVERVIEW_PAGE = "overview.html"
_SCORES_SHOWN = 3
_TABLES_SHOWN = 3  # of a run; its own report has all
_HEADER = ("stage", "parameters", "minutes", "scores of the weights that were saved")
_ARCHITECTURE = (
    "num_hidden_layers", "hidden_size", "num_attention_heads", "intermediate_size", "vocab_size",
    "max_position_embeddings",
)  # fmt: skip


@dataclass(frozen=True)
class Overview:
    """Runs by the name of their folder, the first of which made the weights that the others start from."""

    runs: Mapping[str, RunReport]

    @classmethod
    def load(cls, folder: str | Path, names: tuple[str, ...]) -> "Overview":
        """Read the reports of runs in folders of one folder.

        Raises:
            OutputError: one of them has no report.
        """
        return cls({name: RunReport.load(Path(folder) / name) for name in names})

    def rows(self) -> list[list[str]]:
        """One row a run: name, parameters, minutes, its first scores."""
        return [
            [name, f"{run.parameters['total']:,}", f"{run.timings['whole run'] / 60:.1f}", _scores(run)]
            for name, run in self.runs.items()
        ]

    def sections(self) -> Iterator[Section]:
        """Yield the stages, then the answers to the ten questions."""
        (name, first), *others = self.runs.items()
        tuned = [other for other, _ in others]
        yield Section("All stages", tables=[Block("", _HEADER, self.rows())], links=_links(self.runs))
        answers = (
            Section("The model", tables=[_models(self.runs)]),
            Section("Its parameters, by module", tables=[Block("", *parameter_rows(first, "  "))]),
            Section(_title(name), first.summary, tables=[Block("Data", *data_rows(first))]),
            Section("Its scores after each epoch", plots=plots(first)[0][:2], tables=_evaluations(first)),
            Section("Where it is", [_folders([name])], code=_where([name])),
            Section("Fine-tuning", [" ".join(run.summary) for _, run in others]),
            Section("All scores", tables=[one for other, run in others for one in _results(other, run)]),
            Section(
                "Parameters after fine-tuning", tables=[_changes(other, run) for other, run in others if run.change]
            ),
            Section("Where they are", [_folders(tuned)], code=_where(tuned)),
            Section("Why the scores are what they are", list(_reasons(self.runs)), findings=_findings(self.runs)),
        )
        for number, answer in enumerate(answers, start=1):
            yield replace(answer, title=f"{number}. {answer.title}")

    def to_markdown(self) -> str:
        """Render the page without its pictures."""
        parts = ["# The whole run"]
        for section in self.sections():
            parts += [f"## {section.title}", *section.text]
            parts += [_finding_item(one) for one in section.findings]
            for one in section.tables:
                parts += [f"### {one.title}"] if one.title else []
                parts += [table(one.header, one.rows), *one.note]
            parts += [f"```bash\n{section.code}\n```"] if section.code else []
            parts += [f"- [{label}]({address})" for label, address in section.links]
        return "\n\n".join(parts) + "\n"

    def to_html(self) -> str:
        """Render the page; it needs no network, and links to the reports beside it."""
        summary = [f"{_title(name)}: {' '.join(run.summary[1:2] or run.summary)}" for name, run in self.runs.items()]
        return render(title="The whole run", summary=summary, sections=list(self.sections()))

    def save(self, folder: str | Path) -> Path:
        """Write `overview.html` and `overview.md` into the folder of the runs, and print it in one screen."""
        path = Path(folder) / OVERVIEW_FILE
        path.write_text(self.to_markdown(), "utf-8")
        page = path.with_name(OVERVIEW_PAGE)
        page.write_text(self.to_html(), "utf-8")
        sentences = [Text.assemble((f"{name}: ", "bold"), " ".join(run.summary)) for name, run in self.runs.items()]
        found = [Text(f"{name}: {one.severity} {one.code}") for name, run in self.runs.items() for one in run.findings]
        body = Group(rich_table(_HEADER, self.rows()), Text(), *sentences, *found, Text(), Text(f"Open {page}", "bold"))
        Console().print(Panel(body, title="the whole run", expand=False))
        return path


def _scores(run: RunReport) -> str:
    shown = [score for score in run.glossary if isinstance(run.result.get(score.key), int | float)][:_SCORES_SHOWN]
    return " · ".join(f"{score.label} {format(run.result[score.key], score.form)}" for score in shown)


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _links(names: Iterable[str]) -> list[tuple[str, str]]:
    return [(f"All of {name}", f"{name}/report.html") for name in names]


def _models(runs: Mapping[str, RunReport]) -> Block:
    """What each run started from; the architecture where a report tells it."""
    rows = [[name, "started from", str(run.settings.get("model", {}).get("given", ""))] for name, run in runs.items()]
    for name, run in runs.items():
        told = run.settings.get("model", {})
        rows += [[name, key.replace("_", " "), f"{told[key]:,}"] for key in _ARCHITECTURE if key in told]
    return Block("", ("stage", "what", "value"), rows)


def _evaluations(run: RunReport) -> list[Block]:
    meanings = [(score.label, score.meaning) for score in run.glossary]
    return [Block("", *score_rows(run), meanings=meanings)] if run.scores else []


def _folders(names: Iterable[str]) -> str:
    folders = ", ".join(f"{name}/" for name in names)
    return f"Beside this page: {folders}, each with its model, model card and report. To put it on the Hub, from here:"


def _where(names: Iterable[str]) -> str:
    return "\n".join(command_to_push(name, f"YOUR-NAME/{name.replace('_', '-')}") for name in names)


def _results(name: str, run: RunReport) -> list[Block]:
    blocks = [block(one) for one in run.tables[:_TABLES_SHOWN]] or _evaluations(run)
    return [Block(f"{_title(name)}: {one.title}", one.header, one.rows, one.note, one.meanings) for one in blocks]


def _changes(name: str, run: RunReport) -> Block:
    return Block(_title(name), CHANGE_HEADER, change_rows(run.change), [CHANGE_NOTE])


def _reasons(runs: Mapping[str, RunReport]) -> Iterator[str]:
    """What the scores mean beside guessing, and what the change in parameters means."""
    for name, run in runs.items():
        told = " ".join(run.summary[1:]) if run.findings else f"No rule found a fault. {' '.join(run.summary[1:])}"
        yield f"{_title(name)}: {told}{_fall(run)}"
        if run.change:
            yield f"{_title(name)}, parameters: {' '.join(run.change['explanation'])}"


def _fall(run: RunReport) -> str:
    """How far the training loss came down."""
    losses = [log["loss"] for log in run.history if isinstance(log.get("loss"), int | float)]
    if len(losses) < 2:
        return ""
    return f" The training loss went from {losses[0]:.2f} to {losses[-1]:.2f} in {run.history[-1]['step']:,} steps."


def _findings(runs: Mapping[str, RunReport]) -> list[Finding]:
    return [replace(one, code=f"{_title(name)}: {one.code}") for name, run in runs.items() for one in run.findings]


def _finding_item(one: Finding) -> str:
    lines = [f"- **{one.code}** ({one.severity}): {one.evidence}"]
    lines += [f"  - likely cause: {cause}" for cause in one.causes] + [f"  - what to do: {step}" for step in one.advice]
    return "\n".join(lines)
