/** What others suggest: listed apart, dashed in the text, accepted or rejected one by one. */

import { element, valueWords } from "./labelform.js";

export class Suggestions {
  constructor(root, book, labels, given) {
    Object.assign(this, { root, book, labels });
    this.list = root.querySelector("[data-suggestion-list]");
    this.current = "";
    this.given = [];
    this.add(given);
  }

  /** More of them; those that are here already are left out. */
  add(given) {
    const known = new Set(this.ids);
    this.given = [...this.given, ...given.filter(({ id }) => !known.has(id))];
    this.root.hidden = !this.given.length;
  }

  get ids() {
    return this.given.map(({ id }) => id);
  }

  find(id) {
    return this.given.find((each) => each.id === id);
  }

  open(state) {
    return this.given.filter(({ id }) => !(id in state.decisions));
  }

  /** Those that are drawn over the text. */
  spans(state) {
    return this.open(state).filter(({ kind }) => kind === "span");
  }

  show(state) {
    if (this.root.hidden) return;
    const open = this.open(state);
    if (!open.some(({ id }) => id === this.current)) this.current = open[0]?.id || "";
    this.root.querySelector("[data-suggestions-count]").textContent = `${open.length} of ${this.given.length} to decide`;
    this.list.replaceChildren(...this.given.map((each) => this.#item(each, state.decisions[each.id])));
  }

  /** The next one that is to be decided, by the list. */
  step(state) {
    const open = this.open(state);
    const at = open.findIndex(({ id }) => id === this.current);
    this.current = open[(at + 1) % open.length]?.id || "";
  }

  #item(suggestion, decision) {
    const isSpan = suggestion.kind === "span";
    const label = (isSpan && this.labels[suggestion.label]) || { title: suggestion.label, colour: 12 };
    const item = element("li", `span-item suggestion${isSpan ? ` label-colour-${label.colour}` : ""}`);
    item.dataset.suggestion = suggestion.id;
    if (suggestion.id === this.current && !decision) item.setAttribute("aria-current", "true");
    const question = isSpan ? null : this.book.questions.get(suggestion.question);
    const words = isSpan ? `“${suggestion.quote}”` : `${question.title}: ${valueWords(question, suggestion.values)}`;
    const quote = element("button", "span-quote", words);
    quote.type = "button";
    quote.dir = "auto";
    const side = suggestion.transcript ? `side ${suggestion.transcript} · ` : "";
    const meta = element("span", "span-meta", `${side}${suggestion.source}${isSpan ? `: ${label.title}` : ""}`);
    item.append(element("span", "dot"), quote, meta);
    if (decision) {
      item.classList.add(`is-${decision}`);
      item.append(element("span", "chip", decision));
    }
    return item;
  }
}
