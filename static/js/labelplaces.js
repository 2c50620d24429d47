/**
 * What is asked of messages and segments, at their heads in the text.
 *
 * Every such place has a line that says what was answered there. At one of them, the current place, the questions
 * themselves stand open: keys answer there, and other keys go on to the next. There is one set of fields, which moves.
 */

import { answersIn, placeOf } from "./labelbook.js";
import { element, valueWords } from "./labelform.js";

export class Places {
  constructor(area, form, book) {
    this.book = book;
    this.count = form.querySelector("[data-places-count]");
    this.current = "";
    this.heads = new Map();
    const template = form.querySelector("[data-place-form]");
    if (!template) return;
    this.fields = template.content.firstElementChild.cloneNode(true);
    // In the text, and still of the form: Enter in one of them submits.
    for (const field of this.fields.querySelectorAll("input, textarea")) field.setAttribute("form", form.id);
    for (const scope of book.places) {
      const head = headIn(area, placeOf(scope));
      if (!head) continue;
      head.button.dataset.place = scope;
      this.heads.set(scope, head);
    }
    this.order = book.places.filter((scope) => this.heads.has(scope));
    this.#open(this.order[0]);
  }

  get isEmpty() {
    return !this.order?.length;
  }

  /** Say at each place what the state says of it. */
  show(state) {
    if (this.isEmpty) return;
    let left = 0;
    for (const [scope, head] of this.heads) {
      const missing = this.book.missingIn(state, scope).length;
      const answers = answersIn(state, scope);
      const asked = this.book.asked(state, scope);
      const said = asked.filter(({ key }) => answers[key]?.length).map((q) => `${q.title}: ${valueWords(q, answers[q.key])}`);
      const words = [...said, missing ? `${missing} to answer` : ""].filter(Boolean).join(" · ");
      const line = words || (asked.length ? "nothing said" : "nothing asked");
      if (head.said.textContent !== line) head.said.textContent = line;
      head.element.classList.toggle("is-missing", missing > 0);
      if (missing) left += 1;
    }
    this.count.textContent = left ? `${left} of ${this.order.length} to answer` : `${this.order.length} ✓`;
  }

  /** Open the questions at a place and bring it into sight. */
  go(scope) {
    if (!this.heads.has(scope)) return;
    this.#open(scope);
    this.reveal();
  }

  reveal() {
    const head = this.heads.get(this.current)?.element;
    for (let folded = head?.closest("details:not([open])"); folded; folded = folded.parentElement.closest("details:not([open])")) {
      folded.open = true;
    }
    head?.scrollIntoView({ block: "nearest" });
  }

  step(by) {
    if (this.isEmpty) return;
    const at = this.order.indexOf(this.current) + by;
    this.go(this.order[(at + this.order.length) % this.order.length]);
  }

  /** To the next place from here that lacks an answer, if there is one. */
  goMissing(state) {
    if (this.isEmpty) return;
    const at = this.order.indexOf(this.current);
    const following = [...this.order.slice(at + 1), ...this.order.slice(0, at + 1)];
    const next = following.find((scope) => this.book.missingIn(state, scope).length);
    if (next) this.go(next);
  }

  #open(scope) {
    const head = this.heads.get(scope);
    if (!head) return;
    const before = this.heads.get(this.current);
    before?.element.classList.remove("is-current");
    before?.button.setAttribute("aria-expanded", "false");
    this.current = scope;
    head.element.classList.add("is-current");
    head.button.setAttribute("aria-expanded", "true");
    const here = new Set(this.book.scopes.get(scope).map((question) => question.key));
    for (const field of this.fields.querySelectorAll("[data-question]")) {
      // The scope of no place: what is not asked here is hidden by what the state says.
      field.dataset.scope = here.has(field.dataset.question) ? scope : "at";
    }
    head.element.append(this.fields);
  }
}

/** A line under the heading of the message or the segment; outside of its text, whose offsets must hold. */
function headIn(area, { transcript = 0, message, start }) {
  const side = transcript ? area.querySelector(`[data-side="${transcript}"]`) : area;
  const box = side?.querySelector(`[data-message="${message}"]`);
  const content = start === undefined ? null : box?.querySelector(`.segment-content[data-start="${start}"]`);
  const home = start === undefined ? box : content?.closest(".segment");
  if (!home) return null;
  const made = element("div", "place");
  const button = element("button", "place-button");
  button.type = "button";
  button.setAttribute("aria-expanded", "false");
  const said = element("span", "place-said");
  button.append(said);
  made.append(button);
  const heading = home.querySelector(":scope > .message-role, :scope > .segment-head");
  if (heading) heading.after(made);
  else home.prepend(made);
  return { element: made, button, said };
}
