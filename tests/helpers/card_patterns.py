"""Patterns of the model card of each recipe, whatever the figures (`test_model_card.py`)."""

_HEAD = r"""---
(?P<metadata>.+?)
---

# \w+

(?P<summary>A BERT of [\d,]+ parameters [^\n]+)

"""
_USE = r"""
(## Known issues

(- \*\*[A-Z_]+\*\*: [^\n]+
)+
)?## How to use it

`model_id` is the id of the model on the Hub, or the path of its folder\.

"""
_BLOCK = r"""```python
(from|import) [^`]+
model_id = "\w+"
[^`]+
```

"""
_NUMBER = r"-?[\d,.]+%?"
_INTERVAL = rf"( ({_NUMBER} to {_NUMBER})? \|)?"


def _tail(unit: str, lora: bool = False) -> str:
    adapter = r" LoRA \(r \d[^)]*\) was trained and is merged into the weights; `adapter` has it separately\."
    return rf"""
## Data

the bundled sample[\w' ]*; not on the Hub\.

\|  \| train \| validation \|
\| --- \| ---: \| ---: \|
\| {unit} \| [\d,]+ \| [\d,]+ \|
(\| [\w ]+ \| {_NUMBER} \| {_NUMBER} \|
)+
(- [^\n]+
)+
## Training

Trained from scratch, from randomly initialized weights\.{adapter if lora else ""} Training took \d+ s\.

\| setting \| value \|
\| --- \| --- \|
\| learning_rate \| [\de.-]+ \|
(\| \w+ \| [^|\n]+ \|
)+\| transformers \| [\d.]+\w* \|
(\| \w+ \| [^|\n]+ \|
)+
## Parameters

\| module \| parameters \| trainable \|
\| --- \| ---: \| ---: \|
\| \w+ \| [\d,]+ \| [\d,]+ \|
(\| (&nbsp;)+\w+ \| [\d,]+ \| [\d,]+ \|
)+
## Limitations

(- [^\n]+\.
)+
## License

Not specified\. Without a license, others may not use the model\. The licenses of the data may restrict [^\n]+

## Citation

Not specified for this model\. BERT: Devlin, [^\n]+

---

Trained with bert_finetune_kit [\d.]+\. The complete report of the run is in `report\.md` and, [^\n]+
"""


PATTERNS = {
    "pretraining": rf"""{_HEAD}It predicts masked words and whether one segment follows another, and [^\n]+
{_USE}Masked words, with transformers alone:

{_BLOCK}As a starting point for a classifier, [^\n]+:

{_BLOCK}## Scores

\| score \| value \|( 95% interval \|)? unigram baseline \|
\| --- \| ---: \|( ---: \|)? ---: \|
\| perplexity \| {_NUMBER} \|{_INTERVAL} {_NUMBER} \|
\| MLM accuracy \| {_NUMBER} \|{_INTERVAL} {_NUMBER} \|
\| pair accuracy \| {_NUMBER} \|{_INTERVAL} 50\.0% \|
\| MLM loss \| {_NUMBER} \|{_INTERVAL}  \|
\| pair loss \| {_NUMBER} \|{_INTERVAL}  \|

On masked words of held-out text, [^\n]+
{_tail("documents")}""",
    "classification": rf"""{_HEAD}It reads a text and predicts one of 2 labels: negative, positive\.
{_USE}With transformers alone:

{_BLOCK}With the kit:

{_BLOCK}## Scores

\| score \| value \| 95% interval \| majority baseline \|
\| --- \| ---: \| ---: \| ---: \|
\| accuracy \| {_NUMBER} \| ({_NUMBER} to {_NUMBER})? \| {_NUMBER} \|
\| F1 \| {_NUMBER} \| ({_NUMBER} to {_NUMBER})? \| {_NUMBER} \|
(\| [\w ]+ \| {_NUMBER} \| ({_NUMBER} to {_NUMBER})? \| {_NUMBER} \|
)+\| Matthews \| {_NUMBER} \| ({_NUMBER} to {_NUMBER})? \| 0\.000 \|
\| calibration error \| {_NUMBER} \| ({_NUMBER} to {_NUMBER})? \| {_NUMBER} \|

On \d+ examples of validation\. [^\n]+
{_tail("examples", lora=True)}""",
    "question_answering": rf"""{_HEAD}It extracts the answer to a question from a text, or abstains [^\n]+
{_USE}With the kit, which reads contexts of any length and abstains:

{_BLOCK}With transformers alone, for contexts that fit [^\n]+ without abstaining:

{_BLOCK}## Scores

\| score \| value \| 95% interval \| always-abstain baseline \|
\| --- \| ---: \| ---: \| ---: \|
\| exact match \| {_NUMBER} \| {_NUMBER} to {_NUMBER} \| {_NUMBER} \|
\| F1 \| {_NUMBER} \| {_NUMBER} to {_NUMBER} \| {_NUMBER} \|
(\| (exact match|F1), with(out)? answer \| {_NUMBER} \| {_NUMBER} to {_NUMBER} \|  \|
)+(\| (METEOR|BLEU|ROUGE)[\w-]*, with answer \| {_NUMBER} \|  \|  \|
)+
On \d+ questions, in percent, as the official script of SQuAD computes exact match and F1\. [^\n]+
{_tail("questions")}""",
}
