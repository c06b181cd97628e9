"""What the model card of each recipe looks like, whatever the figures (`test_model_card.py`)."""

_HEAD = r"""---
(?P<metadata>.+?)
---

# \w+

(?P<summary>A BERT of [\d,]+ parameters [^\n]+)

"""
_USE = r"""
(## What to know first

(- \*\*[A-Z_]+\*\*: [^\n]+
)+
)?## How to use it

`model_id` is the name of the model on the Hub, or the path of its folder\.

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
    adapter = r" LoRA was trained \(r \d[^)]*\) and is merged into the weights; `adapter` holds it alone\."
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

It started from fresh weights: no other model is in it\.{adapter if lora else ""} Training took \d+ s\.

\| setting \| value \|
\| --- \| --- \|
\| learning_rate \| [\de.-]+ \|
(\| \w+ \| [^|\n]+ \|
)+\| transformers \| [\d.]+\w* \|
(\| \w+ \| [^|\n]+ \|
)+
## Parameters

\| module \| parameters \| trained \|
\| --- \| ---: \| ---: \|
\| \w+ \| [\d,]+ \| [\d,]+ \|
(\| (&nbsp;)+\w+ \| [\d,]+ \| [\d,]+ \|
)+
## Limits

(- [^\n]+\.
)+
## License

None has been stated\. Without one, nobody but its owner may use the model\. The data have a license of their [^\n]+

## Citation

Nothing has been stated of how to cite this model\. BERT is by Devlin, [^\n]+

---

Made with bert_finetune_kit [\d.]+\. Everything that is known of the run is in `report\.json`, [^\n]+
"""


PATTERNS = {
    "pretraining": rf"""{_HEAD}It predicts masked words and whether one segment follows another, and [^\n]+
{_USE}Masked words, with transformers alone:

{_BLOCK}As the beginning of a classifier, whose head is new and has to be trained:

{_BLOCK}## Scores

\| score \| value \|( 95% interval \|)? by word frequency \|
\| --- \| ---: \|( ---: \|)? ---: \|
\| perplexity \| {_NUMBER} \|{_INTERVAL} {_NUMBER} \|
\| masked accuracy \| {_NUMBER} \|{_INTERVAL} {_NUMBER} \|
\| pair accuracy \| {_NUMBER} \|{_INTERVAL} 50\.0% \|
\| MLM loss \| {_NUMBER} \|{_INTERVAL}  \|
\| pair loss \| {_NUMBER} \|{_INTERVAL}  \|

Of masked words in text that was held out, [^\n]+
{_tail("documents")}""",
    "classification": rf"""{_HEAD}It reads a text and gives one of 2 labels: negative, positive\.
{_USE}With transformers alone:

{_BLOCK}With the kit:

{_BLOCK}## Scores

\| score \| value \| 95% interval \| without looking \|
\| --- \| ---: \| ---: \| ---: \|
\| accuracy \| {_NUMBER} \| ({_NUMBER} to {_NUMBER})? \| {_NUMBER} \|
\| F1 \| {_NUMBER} \| ({_NUMBER} to {_NUMBER})? \| {_NUMBER} \|
(\| [\w ]+ \| {_NUMBER} \| ({_NUMBER} to {_NUMBER})? \| {_NUMBER} \|
)+\| Matthews \| {_NUMBER} \| ({_NUMBER} to {_NUMBER})? \| 0\.000 \|
\| calibration error \| {_NUMBER} \| ({_NUMBER} to {_NUMBER})? \| {_NUMBER} \|

Of \d+ examples of validation\. [^\n]+
{_tail("examples", lora=True)}""",
    "question_answering": rf"""{_HEAD}It finds the answer to a question in a text, or says that the text does not [^\n]+
{_USE}With the kit, which reads contexts of any length and knows when to stay silent:

{_BLOCK}With transformers alone, for contexts that fit and never silent:

{_BLOCK}## Scores

\| score \| value \| 95% interval \| never answering \|
\| --- \| ---: \| ---: \| ---: \|
\| exact match \| {_NUMBER} \| {_NUMBER} to {_NUMBER} \| {_NUMBER} \|
\| F1 \| {_NUMBER} \| {_NUMBER} to {_NUMBER} \| {_NUMBER} \|
(\| (exact match|F1), with(out)? answer \| {_NUMBER} \| {_NUMBER} to {_NUMBER} \|  \|
)+(\| (METEOR|BLEU|ROUGE)[\w-]*, with answer \| {_NUMBER} \|  \|  \|
)+
Of \d+ questions, in percent, as the official script of SQuAD counts exact match and F1\. A question [^\n]+
{_tail("questions")}""",
}
