"use strict";
const byId = (id) => document.getElementById(id);
const form = byId("form");
const fields = [...form.querySelectorAll("input, textarea")];
const percent = (share) => (share >= 0.9995 && share < 1 ? "> 99.9%" : share > 0 && share < 0.0005 ? "< 0.1%" : `${(100 * share).toFixed(1)}%`);
const plain = (value) => `${value < 0 ? "−" : ""}${Math.abs(value).toFixed(2)}`;
const number = (value) => `${value < 0 ? "" : "+"}${plain(value)}`;
const probability = form.dataset.probability; // its name: calibrated or not
const MOST_BARS = 10;
let request = 0; // only the last one is shown

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

async function post(path, content) {
  let response;
  try {
    response = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(content) });
  } catch (error) {
    throw new Error("The service does not answer. Is it still running?");
  }
  const result = await response.json().catch(() => ({ error: `The service answered with status ${response.status}.` }));
  if (!response.ok) throw new Error(result.error);
  return result;
}

function showError(message) {
  byId("error").textContent = message;
  byId("error").hidden = !message;
}

function bars(rows) {
  byId("bars").replaceChildren(...rows.map(([name, share, isChosen]) => {
    const bar = element("div", isChosen ? "bar is-chosen" : "bar");
    const track = element("span", "track");
    const fill = element("span", "fill");
    fill.style.width = percent(share).replace("> ", "").replace("< ", "");
    track.setAttribute("aria-hidden", "true");
    track.append(fill);
    bar.append(element("span", "name", isChosen ? `${name} ✓` : name), element("span", "share", percent(share)), track);
    return bar;
  }));
}

function outcome(name, value, note) {
  byId("hint").hidden = true;
  byId("outcome").hidden = false;
  byId("outcome-name").textContent = name;
  byId("outcome-value").textContent = value;
  byId("outcome-note").textContent = note;
}

function showPrediction(prediction) {
  const label = prediction.label;
  const chosen = Array.isArray(label) ? label : [label];
  if (label === null) outcome("Nothing predicted", "The text is empty", "");
  else if (typeof label === "number") outcome("Predicted number", String(Number(label.toPrecision(5))), "");
  else if (!chosen.length) outcome("Predicted labels", "none", `no label is likely enough; the likeliest is absent with a probability of ${percent(prediction.score)}`);
  else outcome(chosen.length > 1 || Array.isArray(label) ? "Predicted labels" : "Predicted label", chosen.join(", "), `${Array.isArray(label) ? "lowest " : ""}${probability} ${percent(prediction.score)}`);
  const sorted = Object.entries(prediction.scores).sort((a, b) => b[1] - a[1]);
  bars(sorted.slice(0, MOST_BARS).map(([name, share]) => [name, share, chosen.includes(name)]));
  if (sorted.length > MOST_BARS) byId("bars").append(element("p", "note", `and ${sorted.length - MOST_BARS} labels that are less likely`));
}

function showAnswer(answer, context) {
  const found = answer.answer !== null;
  if (answer.score === null) outcome("Nothing answered", "The question is empty", "");
  else if (found) outcome("Answer", answer.answer, `${probability} ${percent(answer.score)}`);
  else {
    const isLess = answer.n_best.some((span) => span.score > answer.score);
    const why = isLess ? "; a span is likelier, but the threshold decides, which is on another scale: that of the uncalibrated probability of no answer against the best span alone" : "";
    outcome("Answer", "The text does not say", `${probability} of no answer ${percent(answer.no_answer)}${why}`);
  }
  const rows = answer.n_best.slice(0, 5).map((span, rank) => [span.text, span.score, found && rank === 0]);
  if (answer.no_answer !== null) rows.splice(found ? rows.length : 0, 0, ["(no answer)", answer.no_answer, !found]);
  bars(rows);
  byId("where").hidden = !found;
  if (!found) return;
  const characters = [...context]; // code points, as the service counts
  const part = (start, end) => characters.slice(start, end).join("");
  const marked = element("mark", "", part(answer.start, answer.end));
  byId("marked").replaceChildren(part(0, answer.start), marked, part(answer.end));
  const box = byId("marked");
  box.scrollTop = Math.max(0, marked.offsetTop - box.offsetTop - box.clientHeight / 2);
}

function showWords(explanation, texts) {
  const largest = Math.max(...explanation.words.map((word) => Math.abs(word.value)), 1e-9);
  const shown = element("div");
  texts.forEach((text, part) => {
    if (texts.length > 1) shown.append(element("span", "part-name", part ? "Second text" : "First text"));
    const characters = [...text];
    let end = 0;
    for (const word of explanation.words.filter((found) => found.part === part)) {
      shown.append(characters.slice(end, word.start).join(""));
      const share = Math.abs(word.value) / largest;
      const made = element("span", "word", word.text);
      if (!word.is_read) made.classList.add("is-unread");
      else if (share > 0.02) made.classList.add(word.value > 0 ? "is-for" : "is-against");
      if (share > 0.5) made.classList.add("is-strong");
      made.style.setProperty("--weight", `${Math.round(65 * share)}%`);
      made.title = word.is_read ? number(word.value) : "not read: the text is too long";
      shown.append(made);
      end = word.end;
    }
    shown.append(characters.slice(end).join(""), part < texts.length - 1 ? "\n" : "");
  });
  byId("words").replaceChildren(...shown.childNodes);
  const isNumber = explanation.label === null;
  const samples = [["is-for is-strong", isNumber ? "raises the number" : `speaks for “${explanation.label}”`], ["is-against is-strong", isNumber ? "lowers the number" : "speaks against it"]];
  if (explanation.words.some((word) => !word.is_read)) samples.push(["is-unread", "not read: the text is too long"]);
  byId("legend").replaceChildren(...samples.map(([kind, meaning]) => {
    const entry = element("span");
    const sample = element("span", `word ${kind}`, "word");
    sample.style.setProperty("--weight", "65%");
    entry.append(sample, ` ${meaning}`);
    return entry;
  }));
  const unit = isNumber ? "the number" : "the log-odds of the label";
  byId("method").textContent = explanation.steps === null
    ? `Occlusion: the change of ${unit} when the word is left out.`
    : `Integrated gradients in ${explanation.steps} steps: what each word adds to ${unit}. A text of [MASK] has ${plain(explanation.baseline)}; all words add ${number(explanation.output - explanation.baseline)}, which makes ${plain(explanation.output)}. Completeness error ${explanation.completeness_error < 0.001 ? "below 0.001" : explanation.completeness_error.toPrecision(1)}.`;
  const rows = [...explanation.words].filter((word) => word.is_read).sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  byId("word-rows").replaceChildren(...rows.map((word) => {
    const row = element("tr");
    row.append(element("td", "", word.text), element("td", "number", number(word.value)));
    return row;
  }));
}

async function explain(content, label, current) {
  const section = byId("why");
  if (!section) return;
  section.hidden = false;
  byId("why-busy").hidden = false;
  byId("why-busy").textContent = "Computing …";
  byId("why-result").hidden = true;
  try {
    const explanation = await post("explain", label === undefined ? content : { ...content, label });
    if (current !== request) return;
    if (byId("explained") && explanation.label !== null) byId("explained").value = explanation.label;
    showWords(explanation, Object.values(content));
    byId("why-busy").hidden = true;
    byId("why-result").hidden = false;
  } catch (error) {
    if (current === request) byId("why-busy").textContent = error.message;
  }
}

async function submit(event) {
  if (event) event.preventDefault();
  const current = ++request;
  const content = Object.fromEntries(fields.map((field) => [field.name, field.value]));
  const button = form.querySelector("button");
  showError("");
  button.disabled = true;
  byId("result").classList.add("is-stale");
  try {
    const result = await post("predict", content);
    if (current !== request) return;
    if ("context" in content) showAnswer(result, content.context);
    else {
      showPrediction(result);
      if (result.label !== null) await explain(content, undefined, current);
      else byId("why") && (byId("why").hidden = true);
    }
  } catch (error) {
    showError(error.message);
  } finally {
    button.disabled = false;
    byId("result").classList.remove("is-stale");
  }
}

form.addEventListener("submit", submit);
form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});
if (byId("explained")) {
  byId("explained").addEventListener("change", (event) => {
    const content = Object.fromEntries(fields.map((field) => [field.name, field.value]));
    explain(content, event.target.value, ++request);
  });
}
byId("curl").textContent = byId("curl").textContent.replace("http://HOST", location.origin);
// An address that ends in #text=… fills the fields and predicts.
const given = new URLSearchParams(location.hash.slice(1));
fields.forEach((field) => { if (given.has(field.name)) field.value = given.get(field.name); });
if (fields.every((field) => field.value)) submit();
