/**
 * The labelling screen: answers and spans, kept as they are made; everything by mouse and by keyboard.
 *
 * Keys are on the elements (data-key, see keys.js): a key presses a button, and the button acts here.
 */

import { Caret } from "./caret.js";
import { LabelForm } from "./labelform.js";
import { addSpan, choose, History, removeSpan, write } from "./labelstate.js";
import { notice } from "./notices.js";
import { TextMap } from "./offsets.js";
import { Saver } from "./saving.js";
import { inOrder, Marks, spanKey } from "./spans.js";
import { Transport } from "./transport.js";

class LabelScreen {
  constructor(form, area, page) {
    this.form = form;
    this.area = area;
    this.map = new TextMap(area);
    this.labels = {};
    for (const button of form.querySelectorAll("[data-label]")) {
      const { label, title, colour, segments, key } = button.dataset;
      this.labels[label] = { button, title, colour, tag: key || "", segments: segments ? segments.split(" ") : [] };
    }
    this.view = new LabelForm(form, this.labels);
    this.marks = new Marks(this.map, this.labels);
    this.history = new History({ answers: page.answers, spans: inOrder(page.spans) });
    this.selected = "";
    this.armed = ""; // the label that the next selection gets
    this.isEditable = "editable" in form.dataset;
    this.listen();
    if (this.isEditable) this.makeEditable(page);
    this.show();
  }

  makeEditable(page) {
    this.transport = new Transport({
      url: page.save,
      token: this.form.elements.csrfmiddlewaretoken.value,
      actor: page.actor,
      task: page.task,
      textSha256: page.text_sha256,
      page: location.pathname,
    });
    this.saver = new Saver({
      version: page.version,
      status: page.status,
      snapshot: () => this.history.state,
      isComplete: () => this.view.missing(this.history.state.answers).length === 0,
      send: (body, key) => this.transport.send(body, key),
      tell: (state, detail) => this.tell(state, detail),
      onStale: (current, message) => this.askWhichVersion(current, message),
      onSignedOut: (message) => this.askToSignIn(message),
      onRefused: (message, fields) => this.refused(message, fields),
    });
    this.caret = new Caret(this.map, this.area, (isOn) => {
      this.form.ownerDocument.querySelector('[data-do="caret"]').setAttribute("aria-pressed", String(isOn));
    });
    if (this.map.broken().length) {
      this.problem("A part of this text is not shown as it is stored, so spans cannot be marked in it. Please tell whoever runs this site.");
    }
    window.addEventListener("beforeunload", (event) => {
      if (this.saver.hasUnsaved && !this.isLeaving) event.preventDefault();
    });
    window.addEventListener("online", () => this.saver.retry());
    window.addEventListener("focus", () => this.session()?.open && this.resume());
  }

  listen() {
    document.addEventListener("click", (event) => this.onClick(event));
    if (!this.isEditable) return;
    this.form.addEventListener("input", (event) => this.onInput(event));
    this.form.addEventListener("submit", (event) => this.onSubmit(event));
    // A press on a label must not take the selection away.
    this.form.querySelector(".label-bar")?.addEventListener("mousedown", (event) => event.preventDefault());
    this.area.addEventListener("pointerup", () => setTimeout(() => this.onSelected()));
    for (const form of document.querySelectorAll("[data-leaves]")) {
      form.addEventListener("submit", () => { this.isLeaving = true; });
    }
    document.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.form.requestSubmit();
      else if (event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey) && event.target.tagName !== "TEXTAREA") {
        event.preventDefault();
        this.step(event.shiftKey ? "redo" : "undo");
      } else if (event.key === "Escape") this.arm("");
    });
  }

  // -- what people do

  onClick(event) {
    const target = event.target.closest?.("[data-label], [data-do], [data-removes], [data-closes], [data-span], input");
    if (!target) return;
    if (target.matches("[data-closes]")) target.closest("dialog").close();
    else if (target.dataset.do) this.act(target.dataset.do);
    else if (target.dataset.label && this.isEditable) this.label(target.dataset.label);
    else if (target.dataset.removes) this.change(removeSpan(this.history.state, target.dataset.removes));
    else if (target.dataset.span) this.onSpanClick(target);
    else if (target.matches("input[type=radio]")) this.onRadioClick(target);
  }

  act(what) {
    const actions = {
      undo: () => this.step("undo"),
      redo: () => this.step("redo"),
      caret: () => this.caret.toggle(),
      next: () => this.selectBy(1),
      previous: () => this.selectBy(-1),
      remove: () => this.selected && this.change(removeSpan(this.history.state, this.selected)),
      retry: () => this.saver.retry(),
      resume: () => this.resume(),
      mine: () => this.decide("mine"),
      theirs: () => this.decide("theirs"),
    };
    actions[what]?.();
  }

  onInput(event) {
    const question = event.target.closest("[data-question]");
    if (!question) return;
    const { question: key, kind } = question.dataset;
    const { state } = this.history;
    if (kind === "text") this.change(write(state, key, event.target.value), `text ${key}`);
    else this.change(choose(state, key, kind, event.target.value, event.target.checked));
  }

  /** A second press on the chosen answer takes it back; a radio button alone cannot. */
  onRadioClick(input) {
    const question = input.closest("[data-question]");
    if (!question || !this.isEditable) return;
    const { question: key, kind } = question.dataset;
    const isSecondPress = (this.history.state.answers[key] || []).includes(input.value);
    if (isSecondPress) this.change(choose(this.history.state, key, kind, input.value, false));
  }

  async onSubmit(event) {
    event.preventDefault();
    const missing = this.view.missing(this.history.state.answers);
    if (missing.length) {
      const problems = Object.fromEntries(missing.map((question) => [question.dataset.question, "Please answer this."]));
      this.view.showProblems(problems)?.querySelector("input, textarea")?.focus();
      return;
    }
    this.view.showProblems({});
    await this.saver.submit();
    this.isLeaving = true;
    HTMLFormElement.prototype.submit.call(this.form); // the form's own action: the next task
  }

  /** Label the selection; without one, the label waits for the next. */
  label(key) {
    const stretch = this.selectedStretch();
    if (!stretch) {
      this.arm(this.armed === key ? "" : key);
      return;
    }
    const label = this.labels[key];
    const kinds = this.map.kinds(stretch.message, stretch.start, stretch.end);
    const outside = label.segments.length ? kinds.find((kind) => !label.segments.includes(kind)) : null;
    if (outside) {
      notice(`“${label.title}” may be marked in ${label.segments.join(", ")} only.`, "warn");
      return;
    }
    const span = { ...stretch, label: key };
    this.selected = spanKey(span);
    // What is drawn anew takes the selection along: put the caret behind it.
    const isCaret = this.caret.isOn;
    document.getSelection().removeAllRanges();
    this.change(addSpan(this.history.state, span));
    this.show();
    if (isCaret) {
      const place = this.map.place(span.message, span.end);
      document.getSelection().collapse(place.node, place.offset);
    }
  }

  selectedStretch() {
    const selection = document.getSelection();
    if (!selection.rangeCount || selection.isCollapsed) return null;
    return this.map.stretch(selection.getRangeAt(0));
  }

  onSelected() {
    if (this.armed && this.selectedStretch()) this.label(this.armed);
  }

  arm(key) {
    this.armed = key;
    for (const [each, { button }] of Object.entries(this.labels)) {
      button.setAttribute("aria-pressed", String(each === key));
    }
  }

  onSpanClick(target) {
    if (target.tagName === "MARK" && !document.getSelection().isCollapsed) return;
    // Marks that lie in each other: each further press takes the next one outwards.
    const keys = [];
    for (let mark = target; mark; mark = mark.parentElement.closest("mark[data-span]")) keys.push(mark.dataset.span);
    const at = keys.indexOf(this.selected);
    this.select(target.tagName === "MARK" ? keys[(at + 1) % keys.length] : target.dataset.span, target.tagName !== "MARK");
  }

  selectBy(step) {
    const keys = this.history.state.spans.map(spanKey);
    if (!keys.length) return;
    const at = keys.indexOf(this.selected);
    this.select(keys[(at < 0 ? (step > 0 ? 0 : keys.length - 1) : at + step + keys.length) % keys.length], true);
  }

  select(key, isToShow) {
    this.selected = key;
    this.show();
    this.view.list.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
    if (!isToShow) return;
    const mark = this.marks.marksOf(key)[0];
    const details = mark?.closest("details:not([open])");
    if (details) details.open = true;
    mark?.scrollIntoView({ block: "nearest" });
  }

  // -- states

  change(state, merge = "") {
    if (!this.isEditable || !this.history.push(state, merge)) return;
    this.changed();
  }

  step(which) {
    if (this.isEditable && this.history[which]()) this.changed();
  }

  changed() {
    if (!this.history.state.spans.some((span) => spanKey(span) === this.selected)) this.selected = "";
    this.show();
    this.saver.changed();
  }

  show() {
    const { answers, spans } = this.history.state;
    this.view.showAnswers(answers);
    this.view.showSpans(spans, this.selected);
    this.marks.draw(spans, this.selected);
    if (!this.isEditable) return;
    document.querySelector('[data-do="undo"]').disabled = !this.history.canUndo;
    document.querySelector('[data-do="redo"]').disabled = !this.history.canRedo;
    this.form.querySelector('[data-do="remove"]').disabled = !this.selected;
  }

  // -- saving

  tell(state, detail = "") {
    this.view.showSaved(state, this.saver.version, this.saver.status, detail);
    if (state === "saved") this.problem("");
  }

  problem(words) {
    const box = this.form.querySelector("[data-problem]");
    box.querySelector("[data-problem-words]").textContent = words;
    box.hidden = !words;
  }

  refused(message, fields) {
    this.problem(message);
    this.view.showProblems(fields);
  }

  askWhichVersion(current, message) {
    this.current = current;
    const dialog = document.getElementById("conflict-dialog");
    dialog.querySelector("[data-conflict-words]").textContent = message;
    this.view.describe(dialog.querySelector('[data-version="mine"]'), this.history.state);
    this.view.describe(dialog.querySelector('[data-version="theirs"]'), current);
    // No way out but a decision: until then nothing is saved.
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    dialog.showModal();
  }

  decide(which) {
    document.getElementById("conflict-dialog").close();
    const { version, status, answers, spans } = this.current;
    if (which === "theirs") {
      this.history.push({ answers, spans: inOrder(spans) });
      this.selected = "";
      this.show();
    }
    this.saver.goOnFrom(version, status, which === "mine");
  }

  session() {
    return document.getElementById("session-dialog");
  }

  askToSignIn(message) {
    if (message) this.session().querySelector("[data-session-words]").textContent = message;
    if (!this.session().open) this.session().showModal();
  }

  async resume() {
    const found = await this.transport.renewToken();
    if (found === "signed-out" || found === "other-user") return;
    this.session().close();
    this.saver.retry();
  }
}

const form = document.querySelector("[data-label-form]");
if (form) {
  const page = JSON.parse(document.getElementById("page-state").textContent);
  new LabelScreen(form, document.querySelector("[data-text]"), page);
}
