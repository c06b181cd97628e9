"""Pretrain and fine-tune BERT with the Hugging Face Trainer: right by default, fast, explained."""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

# The gradient of an embedding matrix is new memory in each step. On Linux torch asks for large pages where this is set
# before it first allocates, which makes that memory four times as cheap to come by.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")

__version__ = "0.1.0"

# Public name → the module that defines it. Importing the kit imports none of them (PEP 562), so it costs no time.
_HOME = {
    "Answer": "question_answering.predict",
    "BERT_SIZES": "modeling.loading",
    "ClassificationConfig": "classification.config",
    "ClassificationRecipe": "classification.recipe",
    "ClassificationTask": "tasks.task",
    "ConfigError": "errors",
    "DataCollatorForClassification": "classification.collator",
    "DataCollatorForPreTraining": "pretraining.collator",
    "DataCollatorForQuestionAnswering": "question_answering.collator",
    "DataError": "errors",
    "Finding": "reporting.report",
    "HubError": "errors",
    "KitError": "errors",
    "LabelledSource": "data.labelled",
    "ModelError": "errors",
    "NonFiniteLossError": "errors",
    "OutputError": "errors",
    "Overview": "reporting.overview",
    "ParameterChange": "modeling.change",
    "ParameterReport": "modeling.parameters",
    "Prediction": "classification.predict",
    "PretrainConfig": "pretraining.config",
    "PretrainRecipe": "pretraining.recipe",
    "Published": "tasks.task",
    "QAConfig": "question_answering.config",
    "QARecipe": "question_answering.recipe",
    "QuestionSource": "data.questions",
    "Recipe": "training.recipe",
    "ReportComparison": "reporting.comparison",
    "RunReport": "reporting.report",
    "RunStopped": "errors",
    "SeedsReport": "reporting.seeds",
    "TextSource": "data.sources",
    "compare_parameters": "modeling.change",
    "compare_reports": "reporting.comparison",
    "diagnose": "reporting.diagnosis.diagnose",
    "diagnose_scores": "reporting.diagnosis.diagnose",
    "finding_rule": "reporting.diagnosis.registry",
    "get_task": "tasks.registry",
    "pad_encoder": "modeling.unpadding",
    "parameter_report": "modeling.parameters",
    "read_settings": "training.pipeline",
    "register_task": "tasks.registry",
    "run_pipeline": "training.pipeline",
    "task_names": "tasks.registry",
    "train_wordpiece": "data.vocabulary",
    "unpad_encoder": "modeling.unpadding",
}
__all__ = sorted(_HOME)

if TYPE_CHECKING:
    from .classification.collator import DataCollatorForClassification as DataCollatorForClassification
    from .classification.config import ClassificationConfig as ClassificationConfig
    from .classification.predict import Prediction as Prediction
    from .classification.recipe import ClassificationRecipe as ClassificationRecipe
    from .data.labelled import LabelledSource as LabelledSource
    from .data.questions import QuestionSource as QuestionSource
    from .data.sources import TextSource as TextSource
    from .data.vocabulary import train_wordpiece as train_wordpiece
    from .errors import ConfigError as ConfigError
    from .errors import DataError as DataError
    from .errors import HubError as HubError
    from .errors import KitError as KitError
    from .errors import ModelError as ModelError
    from .errors import NonFiniteLossError as NonFiniteLossError
    from .errors import OutputError as OutputError
    from .errors import RunStopped as RunStopped
    from .modeling.change import ParameterChange as ParameterChange
    from .modeling.change import compare_parameters as compare_parameters
    from .modeling.loading import BERT_SIZES as BERT_SIZES
    from .modeling.parameters import ParameterReport as ParameterReport
    from .modeling.parameters import parameter_report as parameter_report
    from .modeling.unpadding import pad_encoder as pad_encoder
    from .modeling.unpadding import unpad_encoder as unpad_encoder
    from .pretraining.collator import DataCollatorForPreTraining as DataCollatorForPreTraining
    from .pretraining.config import PretrainConfig as PretrainConfig
    from .pretraining.recipe import PretrainRecipe as PretrainRecipe
    from .question_answering.collator import DataCollatorForQuestionAnswering as DataCollatorForQuestionAnswering
    from .question_answering.config import QAConfig as QAConfig
    from .question_answering.predict import Answer as Answer
    from .question_answering.recipe import QARecipe as QARecipe
    from .reporting.comparison import ReportComparison as ReportComparison
    from .reporting.comparison import compare_reports as compare_reports
    from .reporting.diagnosis.diagnose import diagnose as diagnose
    from .reporting.diagnosis.diagnose import diagnose_scores as diagnose_scores
    from .reporting.diagnosis.registry import finding_rule as finding_rule
    from .reporting.overview import Overview as Overview
    from .reporting.report import Finding as Finding
    from .reporting.report import RunReport as RunReport
    from .reporting.seeds import SeedsReport as SeedsReport
    from .tasks.registry import get_task as get_task
    from .tasks.registry import register_task as register_task
    from .tasks.registry import task_names as task_names
    from .tasks.task import ClassificationTask as ClassificationTask
    from .tasks.task import Published as Published
    from .training.pipeline import read_settings as read_settings
    from .training.pipeline import run_pipeline as run_pipeline
    from .training.recipe import Recipe as Recipe


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
