/**
 * The chosen span: its attributes, its comment. While an attribute is asked for, digits answer it.
 */

import { element } from "./labelform.js";

export class SpanEditor {
  #shown = "";

  /** `onAttribute(attribute, value)`: pressed; the same value again takes it back. */
  constructor(root, book, labels, onAttribute) {
    Object.assign(this, { root, book, labels, onAttribute });
    this.attributes = root.querySelector("[data-span-attributes]");
    this.comment = root.querySelector("[data-span-comment]");
    this.asking = ""; // the attribute that digits answer
    this.span = null;
    if (!this.attributes) return;
    this.attributes.addEventListener("mousedown", (event) => event.preventDefault());
    this.attributes.addEventListener("click", (event) => {
      const button = event.target.closest("[data-attribute]");
      if (button) this.onAttribute(button.dataset.attribute, button.dataset.value);
    });
    document.addEventListener("keydown", (event) => this.#onKeydown(event), true);
  }

  /** Show `span`, or nothing for null. */
  show(span) {
    this.root.hidden = !span;
    this.span = span;
    if (!span) {
      this.stopAsking();
      return;
    }
    const label = this.labels[span.label] || { title: span.label, colour: 12 };
    this.root.className = `span-editor label-colour-${label.colour}`;
    this.root.querySelector("[data-span-label]").textContent = label.title;
    this.root.querySelector("[data-span-quote]").textContent = `“${span.quote}”`;
    if (!this.attributes) return;
    const text = span.comment || "";
    if (this.comment.value !== text && document.activeElement !== this.comment) this.comment.value = text;
    this.#draw();
  }

  /** Ask for what must be said of the span and is not; with `all`, for everything in turn. */
  ask(all = false) {
    const { attributes = [] } = this.book.labels.get(this.span?.label) || {};
    const first = all ? attributes[0] : this.book.missingAttribute(this.span || {});
    this.isAskingAll = all;
    this.asking = first?.key || "";
    this.#draw();
  }

  stopAsking() {
    if (!this.asking) return;
    this.asking = "";
    this.#draw();
  }

  /** After an answer: on to the next, or an end of asking. */
  answered(attribute) {
    const { attributes = [] } = this.book.labels.get(this.span?.label) || {};
    if (this.asking !== attribute) return;
    if (this.isAskingAll) this.asking = attributes[attributes.findIndex((each) => each.key === attribute) + 1]?.key || "";
    else this.asking = this.book.missingAttribute(this.span)?.key || "";
    this.#draw();
  }

  #draw() {
    const { attributes = [] } = this.book.labels.get(this.span?.label) || {};
    const signature = JSON.stringify([this.span?.label, this.span?.attributes, this.asking]);
    if (signature === this.#shown) return;
    this.#shown = signature;
    this.attributes.replaceChildren(...attributes.map((attribute) => this.#row(attribute)));
  }

  #row({ key, title, required, choices }) {
    const isAsked = key === this.asking;
    const row = element("div", `attribute${isAsked ? " is-asked" : ""}`);
    row.setAttribute("role", "group");
    row.setAttribute("aria-label", title);
    const chosen = this.span?.attributes?.[key];
    row.append(element("span", "attribute-title", required && !chosen ? `${title} ?` : title));
    choices.forEach((choice, number) => {
      const button = element("button", "button button-small");
      button.type = "button";
      button.dataset.attribute = key;
      button.dataset.value = choice.key;
      button.setAttribute("aria-pressed", String(choice.key === chosen));
      if (isAsked && number < 9) button.append(element("kbd", "", String(number + 1)), " ");
      button.append(choice.title);
      row.append(button);
    });
    return row;
  }

  #onKeydown(event) {
    if (!this.asking || event.defaultPrevented || document.querySelector("dialog:modal")) return;
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("textarea, input[type=text]")) return;
    if (event.key === "Escape") this.stopAsking();
    else if (/^[0-9]$/.test(event.key)) this.#press(Number(event.key) - 1);
    else return;
    // A digit that answers nothing must not label anything either.
    event.preventDefault();
    event.stopPropagation();
  }

  #press(number) {
    const { attributes } = this.book.labels.get(this.span.label);
    const attribute = attributes.find((each) => each.key === this.asking);
    const choice = attribute.choices[number];
    if (choice) this.onAttribute(attribute.key, choice.key);
  }
}
