/** The labelling form's parts that show a state: answers, the list of spans, the saved line, versions. */

import { spanKey } from "./spans.js";

const WORDS = { saved: "✓ saved", saving: "saving …", unsaved: "not saved yet", failed: "not saved", offline: "offline, not saved" };

export class LabelForm {
  constructor(form, labels) {
    this.form = form;
    this.labels = labels;
    this.questions = [...form.querySelectorAll("[data-question]")];
    this.saved = form.querySelector("#saved");
    this.list = form.querySelector("[data-span-list]");
  }

  /** Set every field to what `answers` says. */
  showAnswers(answers) {
    for (const question of this.questions) {
      const values = answers[question.dataset.question] || [];
      const area = question.querySelector("textarea");
      if (area) {
        const text = values[0] || "";
        if (area.value !== text) area.value = text;
      }
      for (const input of question.querySelectorAll("input")) input.checked = values.includes(input.value);
      if (values.length) this.#clearProblem(question);
    }
  }

  showSpans(spans, selectedKey) {
    this.form.querySelector("[data-span-count]").textContent = spans.length;
    this.form.querySelector("[data-span-tools]").hidden = spans.length === 0 || !("editable" in this.form.dataset);
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
    const meta = element("span", "span-meta", label.title);
    item.append(element("span", "dot"), quote, meta);
    if ("editable" in this.form.dataset) {
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

  /** Required questions without an answer. */
  missing(answers) {
    return this.questions.filter((q) => "required" in q.dataset && !(answers[q.dataset.question] || []).length);
  }

  showProblems(problems) {
    for (const question of this.questions) this.#clearProblem(question);
    let first = null;
    for (const [key, words] of Object.entries(problems)) {
      const question = this.questions.find((each) => each.dataset.question === key);
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

  #clearProblem(question) {
    question.classList.remove("is-missing");
    question.querySelectorAll(".errorlist").forEach((list) => list.remove());
  }

  /** A version in words, for comparing two. */
  describe(target, { answers, spans }) {
    const lines = this.questions.map((question) => {
      const values = answers[question.dataset.question] || [];
      const words = values.map((value) => {
        const input = question.querySelector(`input[value="${CSS.escape(value)}"]`);
        return input ? input.closest("label").querySelector("span").textContent : value;
      });
      const line = element("p", "");
      line.append(element("b", "", question.querySelector(".question-name").textContent), ` ${words.join(", ") || "–"}`);
      return line;
    });
    const list = element("ul", "span-list");
    list.append(...spans.map((span) => {
      const label = this.labels[span.label] || { title: span.label, colour: 12 };
      const item = element("li", `span-item label-colour-${label.colour}`);
      item.append(element("span", "dot"), element("span", "span-quote", `“${span.quote}”`), element("span", "span-meta", label.title));
      return item;
    }));
    target.replaceChildren(...lines, element("p", "faint", `${spans.length} spans`), list);
  }
}

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}
