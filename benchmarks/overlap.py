"""METEOR, BLEU and ROUGE of the answers in a file of predictions, against all answers of its questions.

    python benchmarks/overlap.py SQUAD/validation.json predictions.json

The file has an answer by id, empty for none, as those that the official script of SQuAD reads. Questions without an
answer are left out. METEOR is computed with the WordNet of NLTK and, to show what its synonyms add, without synonyms.
"""

import argparse
import json
from pathlib import Path

from bert_finetune_kit.data.questions import load_questions
from bert_finetune_kit.data.sources import QuestionSource
from bert_finetune_kit.question_answering.overlap import OVERLAP, meteor, overlap_scores


class NoSynonyms:
    """Stands in for WordNet: no word has a synonym."""

    def synsets(self, word):
        return []


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("questions", help="file in the format of SQuAD")
    parser.add_argument("predictions", type=Path, help="JSON: an answer by id")
    options = parser.parse_args()
    predicted = json.loads(options.predictions.read_text("utf-8"))
    rows = load_questions(QuestionSource(options.questions, validation=options.questions)).validation
    pairs = [(predicted[row["id"]], row["answers"]["text"]) for row in rows if row["answers"]["text"]]
    predictions, references = map(list, zip(*pairs, strict=True))
    scores, notes = overlap_scores(predictions, references)
    print(f"{len(predictions):,} questions with an answer")
    for name, value in scores.items():
        print(f"{OVERLAP[name][0]:<28}{value:8.2f}")
    print(f"{'METEOR without synonyms':<28}{meteor(predictions, references, NoSynonyms()):8.2f}")
    print(*notes, sep="\n")


if __name__ == "__main__":
    main()
