/** The labelling form's parts that show a state: answers, the list of spans, the saved line, versions. */

import { answersIn, isPlace, placeOf } from "./labelbook.js";
import { spanKey } from "./spans.js";

const WORDS = { saved: "✓ saved", saving: "saving …", unsaved: "not saved yet", failed: "not saved", offline: "offline, not saved" };

export class LabelForm {
  constructor(form, labels, book) {
    this.form = form;
    this.labels = labels;
    this.book = book;
    this.saved = form.querySelector("#saved");
    this.list = form.querySelector("[data-span-list]");
    this.isEditable = "editable" in form.dataset;
  }

  /** The questions in the page; those of places are asked where one is, in the text. */
  get questions() {
    return [...document.querySelectorAll("[data-question]")];
  }

  /** Set every field to what the state says, and show only what is asked. */
  show(state) {
    const asked = new Map();
    for (const question of this.questions) {
      const { question: key, scope } = question.dataset;
      if (!asked.has(scope)) asked.set(scope, new Set(this.book.asked(state, scope).map((each) => each.key)));
      question.hidden = !asked.get(scope).has(key);
      const values = answersIn(state, scope)[key] || [];
      const area = question.querySelector("textarea");
      if (area) setText(area, values[0] || "");
      for (const input of question.querySelectorAll("input")) input.checked = values.includes(input.value);
      if (values.length) clearProblem(question);
    }
    for (const area of this.form.querySelectorAll("[data-whole]")) setText(area, state[area.dataset.whole]);
    for (const left of this.form.querySelectorAll("[data-side-left]")) {
      const n = this.book.missingIn(state, left.dataset.sideLeft).length;
      left.textContent = n ? `${n} to answer` : "✓";
    }
  }

  showSide(side) {
    for (const panel of this.form.querySelectorAll("[data-side-form]")) panel.hidden = panel.dataset.sideForm !== side;
    for (const tab of this.form.querySelectorAll("[data-side-tab]")) {
      tab.setAttribute("aria-selected", String(tab.dataset.sideTab === side));
    }
  }

  nextSide() {
    const sides = [...this.form.querySelectorAll("[data-side-tab]")];
    const at = sides.findIndex((tab) => tab.getAttribute("aria-selected") === "true");
    return sides[(at + 1) % sides.length]?.dataset.sideTab;
  }

  showSpans(spans, selectedKey) {
    this.form.querySelector("[data-span-count]").textContent = spans.length;
    this.form.querySelector("[data-span-tools]").hidden = spans.length === 0 || !this.isEditable;
    this.form.querySelector("[data-span-hint]").hidden = spans.length > 0;
    this.list.replaceChildren(...spans.map((span) => this.#spanItem(span, spanKey(span) === selectedKey)));
  }

  #spanItem(span, isSelected) {
    const label = this.labels[span.label] || { title: span.label, colour: 12 };
    const item = element("li", `span-item label-colour-${label.colour}`);
    item.dataset.span = spanKey(span);
    if (isSelected) item.setAttribute("aria-current", "true");
    const quote = element("button", "span-quote", `“${span.quote}”`);
    quote.type = "button";
    quote.dir = "auto";
    item.append(element("span", "dot"), quote, element("span", "span-meta", spanWords(span, label, this.book)));
    const missing = this.book.missingAttribute(span);
    if (missing) item.querySelector(".span-meta").append(element("b", "span-missing", ` ${missing.title}?`));
    if (this.isEditable) {
      const remove = element("button", "button button-quiet button-small", "✕");
      remove.type = "button";
      remove.dataset.removes = spanKey(span);
      remove.setAttribute("aria-label", `Remove the span “${span.quote.slice(0, 40)}”`);
      item.append(remove);
    }
    return item;
  }

  showSaved(state, version, status, detail = "") {
    this.saved.dataset.state = state;
    const word = state === "saved" && status === "submitted" ? "✓ submitted" : WORDS[state];
    const more = detail || (version ? `revision ${version}` : "");
    this.saved.replaceChildren(document.createTextNode(`${word} `), element("span", "faint num", more));
  }

  /** `problems`: [{scope, key, words}]; the first question that has one, or null. */
  showProblems(problems) {
    for (const question of this.questions) clearProblem(question);
    let first = null;
    for (const { scope, key, words } of problems) {
      const question = this.questions.find((each) => each.dataset.question === key && each.dataset.scope === scope);
      if (!question) continue;
      question.classList.add("is-missing");
      const list = element("ul", "errorlist");
      list.append(element("li", "", words));
      question.append(list);
      first ||= question;
    }
    first?.scrollIntoView({ block: "nearest" });
    return first;
  }

  /** A version in words, for comparing two. */
  describe(target, state) {
    const lines = [];
    for (const scope of this.book.scopes.keys()) {
      const answers = this.book.kept(state, scope);
      for (const question of this.book.scopes.get(scope)) {
        if (scope && !answers[question.key]) continue;
        const line = element("p", "");
        line.append(element("b", "", question.title));
        if (scope) line.append(element("span", "faint", ` ${scopeWords(scope)}`));
        line.append(` ${valueWords(question, answers[question.key] || []) || "–"}`);
        lines.push(line);
      }
    }
    for (const [name, words] of [["Comment", state.comment], ["Flag for the lead", state.flag]]) {
      if (!words) continue;
      const line = element("p", "");
      line.append(element("b", "", name), ` ${words}`);
      lines.push(line);
    }
    const list = element("ul", "span-list");
    list.append(...state.spans.map((span) => {
      const label = this.labels[span.label] || { title: span.label, colour: 12 };
      const item = element("li", `span-item label-colour-${label.colour}`);
      item.append(element("span", "dot"), element("span", "span-quote", `“${span.quote}”`), element("span", "span-meta", spanWords(span, label, this.book)));
      return item;
    }));
    target.replaceChildren(...lines, element("p", "faint", `${state.spans.length} spans`), list);
  }
}

/** What a span's line says of it: its label, attributes and comment. */
function spanWords(span, label, book) {
  const said = (book.labels.get(span.label)?.attributes || []).flatMap(({ key, choices }) =>
    choices.filter((choice) => choice.key === span.attributes?.[key]).map((choice) => choice.title),
  );
  return [span.transcript ? `side ${span.transcript}` : "", label.title, ...said, span.comment || ""].filter(Boolean).join(" · ");
}

export function valueWords(question, values) {
  return values.map((value) => question.choices[value] || value).join(", ");
}

/** A scope for people: which side, which message. */
function scopeWords(scope) {
  if (!isPlace(scope)) return `side ${scope}`;
  const { transcript, message, start } = placeOf(scope);
  return `${transcript ? `side ${transcript}, ` : ""}message ${message + 1}${start === undefined ? "" : `, from ${start}`}`;
}

/** Not while it says so already: setting a field's text moves its caret. */
function setText(area, text) {
  if (area.value !== text && !(area === document.activeElement && area.value.trim() === "" && !text)) area.value = text;
}

function clearProblem(question) {
  question.classList.remove("is-missing");
  question.querySelectorAll(".errorlist").forEach((list) => list.remove());
}

export function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}
