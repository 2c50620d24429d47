/**
 * The labelling screen: answers and spans, kept as they are made; everything by mouse and by keyboard.
 *
 * Keys are on the elements (data-key, see keys.js): a key presses a button, and the button acts here.
 */

import { Caret } from "./caret.js";
import { keepAligned } from "./labelalign.js";
import { Book, isPlace, placeScope } from "./labelbook.js";
import { LabelForm } from "./labelform.js";
import { Places } from "./labelplaces.js";
import { SpanEditor } from "./labelspan.js";
import {
  addSpan, choose, decide, History, removeSpan, replaceSpan, stateOf, withAnswer, withAttribute, withComment, write, writeWhole,
} from "./labelstate.js";
import { Suggestions } from "./labelsuggestions.js";
import { keepsKey } from "./matchkey.js";
import { notice } from "./notices.js";
import { TextMap } from "./offsets.js";
import { Saver } from "./saving.js";
import { Marks, spanKey } from "./spans.js";
import { Transport } from "./transport.js";

const DOUBLE = 280; // ms in which a double click may become a triple one
const SUGGESTED = "suggested:"; // before the ids of suggestions, where a mark is named

class LabelScreen {
  constructor(form, area, page) {
    this.form = form;
    this.area = area;
    this.page = page;
    this.map = new TextMap(area);
    this.labels = {};
    for (const label of page.book.labels) {
      const button = form.querySelector(`[data-label="${CSS.escape(label.key)}"]`);
      this.labels[label.key] = { ...label, button };
    }
    this.book = new Book(page.book, { isPair: page.is_pair, sides: page.sides_shown, places: page.asked_at });
    this.places = new Places(area, form, this.book);
    this.view = new LabelForm(form, this.labels, this.book);
    this.suggestions = new Suggestions(form.querySelector("[data-suggestions]"), this.book, this.labels, page.suggested);
    this.editor = new SpanEditor(form.querySelector("[data-span-editor]"), this.book, this.labels, (attribute, value) =>
      this.setAttribute(attribute, value),
    );
    this.marks = new Marks(this.map, this.labels);
    this.history = new History(stateOf(page));
    this.selected = "";
    this.armed = ""; // the label that the next selection gets
    this.isEditable = "editable" in form.dataset;
    this.listen();
    if (this.isEditable) this.makeEditable(page);
    this.show();
    if (page.is_pair) this.align = keepAligned(area);
  }

  makeEditable(page) {
    this.transport = new Transport({
      url: page.save,
      token: this.form.elements.csrfmiddlewaretoken.value,
      actor: page.actor,
      task: page.task,
      textSha256: page.text_sha256,
      codebookVersion: page.codebook_version,
      page: location.pathname,
    });
    this.saver = new Saver({
      version: page.version,
      status: page.status,
      snapshot: () => this.book.payload(this.history.state, this.suggestions.ids),
      isComplete: () => this.missing().length === 0,
      send: (body, key) => this.transport.send(body, key),
      tell: (state, detail) => this.tell(state, detail),
      onStale: (current, message) => this.askWhichVersion(current, message),
      onSignedOut: (message) => this.askToSignIn(message),
      onRefused: (message, fields, code) => this.refused(message, fields, code),
      onMoved: () => location.reload(), // the page says then what became of it
    });
    this.caret = new Caret(this.map, this.area, (isOn) => {
      this.form.ownerDocument.querySelector('[data-do="caret"]').setAttribute("aria-pressed", String(isOn));
    });
    if (this.map.broken(page.lengths).length) {
      this.problem("A part of this text is not shown as it is stored, so spans cannot be marked in it. Please tell whoever runs this site.");
    }
    // Whoever closes the page without having done anything gives the task back; the server knows what is saved.
    window.addEventListener("pagehide", () => {
      const release = document.querySelector("[data-release]");
      if (!release || this.isLeaving || this.saver.hasUnsaved || this.saver.version) return;
      const body = new FormData(release);
      body.delete("later");
      navigator.sendBeacon(release.action, body);
    });
    window.addEventListener("beforeunload", (event) => {
      if (this.saver.hasUnsaved && !this.isLeaving) event.preventDefault();
    });
    window.addEventListener("online", () => this.saver.retry());
    window.addEventListener("focus", () => this.session()?.open && this.resume());
  }

  listen() {
    document.addEventListener("click", (event) => this.onClick(event));
    if (!this.isEditable) return;
    document.addEventListener("input", (event) => this.onInput(event));
    this.form.addEventListener("submit", (event) => this.onSubmit(event));
    // A press on a label must not take the selection away.
    this.form.querySelector(".label-bar")?.addEventListener("mousedown", (event) => event.preventDefault());
    this.area.addEventListener("mouseup", (event) => {
      // A double click selects a word at once; what waits for a selection waits for the third click.
      clearTimeout(this.clicks);
      this.clicks = setTimeout(() => this.onSelected(), event.detail === 2 ? DOUBLE : 0);
    });
    for (const form of document.querySelectorAll("[data-leaves]")) {
      form.addEventListener("submit", () => { this.isLeaving = true; });
    }
    document.addEventListener("keydown", (event) => this.onKeydown(event));
  }

  // -- what people do

  onKeydown(event) {
    const isTyping = event.target.matches?.("textarea, input[type=text]");
    if (event.defaultPrevented || document.querySelector("dialog:modal")) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.form.requestSubmit();
    else if (event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey) && !isTyping) {
      event.preventDefault();
      this.step(event.shiftKey ? "redo" : "undo");
    } else if (event.key === "Escape" && !isTyping) {
      if (this.armed) this.arm("");
      else if (this.selected) this.select("");
    } else if ((event.key === "ArrowLeft" || event.key === "ArrowRight") && this.selected && !this.caret.isOn) {
      if (keepsKey(event.target, event.key.toLowerCase()) || event.metaKey) return;
      event.preventDefault();
      const by = event.key === "ArrowLeft" ? -1 : 1;
      this.moveEdge(event.shiftKey ? "start" : "end", by, event.ctrlKey || event.altKey);
    }
  }

  onClick(event) {
    if (event.detail === 3 && this.map.contentOf(event.target)) this.selectSentence(event);
    const target = event.target.closest?.(
      "[data-label], [data-do], [data-removes], [data-closes], [data-suggestion], [data-span], [data-place], [data-side-tab], .side-tabs, input",
    );
    if (!target) {
      // A plain click into the text leaves the chosen span.
      if (this.selected && this.area.contains(event.target) && document.getSelection().isCollapsed) this.select("");
    } else if (target.matches("[data-closes]")) target.closest("dialog").close();
    else if (target.dataset.do) this.act(target.dataset.do);
    else if (target.dataset.label && this.isEditable) this.label(target.dataset.label);
    else if (target.dataset.removes) this.change(removeSpan(this.history.state, target.dataset.removes));
    else if (target.dataset.suggestion) this.chooseSuggestion(target.dataset.suggestion);
    else if (target.dataset.span) this.onSpanClick(target);
    else if (target.dataset.place) this.goToPlace(target.dataset.place);
    else if (target.dataset.sideTab) this.view.showSide(target.dataset.sideTab);
    else if (target.matches(".side-tabs")) this.view.showSide(this.view.nextSide());
    else if (target.matches("input[type=radio]")) this.onRadioClick(target);
  }

  act(what) {
    const move = (edge, by) => () => this.moveEdge(edge, by);
    const actions = {
      undo: () => this.step("undo"),
      redo: () => this.step("redo"),
      caret: () => this.caret.toggle(),
      next: () => this.selectBy(1),
      previous: () => this.selectBy(-1),
      remove: () => this.selected && this.change(removeSpan(this.history.state, this.selected)),
      unselect: () => this.select(""),
      attributes: () => this.editSpan(),
      "start-back": move("start", -1),
      "start-on": move("start", 1),
      "end-back": move("end", -1),
      "end-on": move("end", 1),
      "place-next": () => this.stepPlace(() => this.places.step(1)),
      "place-previous": () => this.stepPlace(() => this.places.step(-1)),
      "place-missing": () => this.stepPlace(() => this.places.goMissing(this.history.state)),
      accept: () => this.decideOn("accepted"),
      reject: () => this.decideOn("rejected"),
      "suggestion-next": () => this.nextSuggestion(),
      guide: () => this.toggleGuide(),
      retry: () => this.saver.retry(),
      reload: () => location.reload(),
      resume: () => this.resume(),
      mine: () => this.decide("mine"),
      theirs: () => this.decide("theirs"),
    };
    actions[what]?.();
  }

  onInput(event) {
    const { state } = this.history;
    if (event.target.dataset.whole) {
      const { whole } = event.target.dataset;
      this.change(writeWhole(state, whole, event.target.value), whole);
    } else if ("spanComment" in event.target.dataset) {
      const span = this.chosenSpan();
      if (span) this.change(replaceSpan(state, this.selected, withComment(span, event.target.value)), `comment ${this.selected}`);
    }
    const question = event.target.closest("[data-question]");
    if (!question) return;
    const { question: key, kind, scope } = question.dataset;
    if (kind === "text") this.change(write(state, key, event.target.value, scope), `text ${scope} ${key}`);
    else this.change(choose(state, key, kind, event.target.value, event.target.checked, scope));
    if (isPlace(scope)) this.places.reveal(); // nobody should answer of what they do not see
  }

  /** A second press on the chosen answer takes it back; a radio button alone cannot. */
  onRadioClick(input) {
    const question = input.closest("[data-question]");
    if (!question || !this.isEditable) return;
    const { question: key, kind, scope } = question.dataset;
    const { state } = this.history;
    const answers = (scope ? state.scoped[scope] : state.answers) || {};
    if ((answers[key] || []).includes(input.value)) this.change(choose(state, key, kind, input.value, false, scope));
  }

  missing() {
    return this.book.missing(this.history.state, spanKey);
  }

  async onSubmit(event) {
    event.preventDefault();
    const missing = this.missing();
    if (missing.length) {
      this.goToMissing(missing);
      return;
    }
    this.view.showProblems([]);
    await this.saver.submit();
    this.isLeaving = true;
    HTMLFormElement.prototype.submit.call(this.form); // the form's own action: the next task
  }

  /** Say what has to be answered, and go to the first of it: a field, a place in the text, or a span. */
  goToMissing(missing) {
    const [first] = missing;
    if (first.span) {
      this.view.showProblems([]);
      this.select(first.span, true);
      this.editor.ask();
      notice(`Say “${first.attribute.title}” of this span.`, "warn");
      return;
    }
    if (isPlace(first.scope)) this.goToPlace(first.scope);
    else if (first.scope) this.view.showSide(first.scope);
    const problems = missing.filter((each) => each.question).map(({ scope, question }) => ({ scope, key: question.key, words: "Please answer this." }));
    const field = this.view.showProblems(problems);
    if (!isPlace(first.scope)) field?.querySelector("input, textarea")?.focus();
    else notice(`“${first.question.title}” is still to be answered here.`, "warn");
  }

  stepPlace(go) {
    go();
    this.show();
    this.align?.();
  }

  goToPlace(scope) {
    this.stepPlace(() => this.places.go(scope));
  }

  toggleGuide() {
    const guide = document.getElementById("guide");
    guide.hidden = !guide.hidden;
    document.querySelector('[aria-controls="guide"]').setAttribute("aria-expanded", String(!guide.hidden));
  }

  // -- spans

  /** Label the selection; else the chosen span anew; without either, the label waits for the next selection. */
  label(key) {
    const stretch = this.selectedStretch();
    const chosen = this.chosenSpan();
    if (!stretch && chosen && chosen.label !== key && !this.armed) {
      this.relabel(chosen, key);
      return;
    }
    if (!stretch) {
      this.arm(this.armed === key ? "" : key);
      return;
    }
    if (!this.mayLie(stretch, key)) return;
    const span = { ...stretch, label: key };
    this.selected = spanKey(span);
    this.freeKeys();
    // What is drawn anew takes the selection along: put the caret behind it.
    const isCaret = this.caret.isOn;
    document.getSelection().removeAllRanges();
    this.change(addSpan(this.history.state, span));
    this.show();
    this.editor.ask();
    if (isCaret) {
      const place = this.map.place(span.message, span.end, span.transcript);
      document.getSelection().collapse(place.node, place.offset);
    }
  }

  relabel(span, key) {
    if (!this.mayLie(span, key)) return;
    this.replace(this.book.relabelled(span, key));
    this.editor.ask();
  }

  /** Whether a stretch may have this label; says so if not. */
  mayLie(stretch, key) {
    const label = this.labels[key];
    const outside = label.segments.length ? this.map.kinds(stretch).find((kind) => !label.segments.includes(kind)) : null;
    if (outside) notice(`“${label.title}” may be marked in ${label.segments.join(", ")} only.`, "warn");
    return !outside;
  }

  /** Put `span` in the chosen one's place. */
  replace(span, merge = "") {
    const before = this.history.state;
    const after = replaceSpan(before, this.selected, span);
    if (after === before) {
      notice("The same stretch has this label already.", "warn");
      return;
    }
    this.selected = spanKey(span);
    this.freeKeys();
    this.change(after, merge);
  }

  moveEdge(edge, by, isWord = false) {
    const span = this.chosenSpan();
    const next = span && this.map.moved(span, edge, by, isWord);
    if (!next || !this.mayLie(next, span.label)) return;
    this.replace(next, `edge ${edge}`);
    this.marks.marksOf(this.selected).at(edge === "start" ? 0 : -1)?.scrollIntoView({ block: "nearest" });
  }

  setAttribute(attribute, value) {
    const span = this.chosenSpan();
    if (!span) return;
    const next = span.attributes?.[attribute] === value && this.editor.asking !== attribute ? "" : value;
    this.change(replaceSpan(this.history.state, this.selected, withAttribute(span, attribute, next)));
    this.editor.answered(attribute);
  }

  editSpan() {
    if (this.caret.isOn) this.caret.off();
    this.area.focus({ preventScroll: true });
    this.editor.ask(true);
  }

  chosenSpan() {
    return this.history.state.spans.find((span) => spanKey(span) === this.selected) || null;
  }

  selectedStretch() {
    const selection = document.getSelection();
    if (!selection.rangeCount || selection.isCollapsed) return null;
    return this.map.stretch(selection.getRangeAt(0));
  }

  /** A browser's own triple click takes the whole segment. */
  selectSentence({ clientX, clientY }) {
    const selection = document.getSelection();
    const at = document.caretPositionFromPoint?.(clientX, clientY);
    const old = at ? null : document.caretRangeFromPoint?.(clientX, clientY);
    const node = at?.offsetNode || old?.startContainer;
    const range = node && this.map.sentence(node, at ? at.offset : old.startOffset);
    if (!range) return;
    selection.removeAllRanges();
    selection.addRange(range);
  }

  onSelected() {
    if (this.armed && this.selectedStretch()) this.label(this.armed);
  }

  arm(key) {
    this.armed = key;
    for (const [each, { button }] of Object.entries(this.labels)) {
      button?.setAttribute("aria-pressed", String(each === key));
    }
  }

  onSpanClick(target) {
    if (target.tagName === "MARK" && !document.getSelection().isCollapsed) return;
    // Marks that lie in each other: each further press takes the next one outwards.
    const keys = [];
    for (let mark = target; mark; mark = mark.parentElement.closest("mark[data-span]")) keys.push(mark.dataset.span);
    const at = keys.indexOf(this.selected);
    const key = target.tagName === "MARK" ? keys[(at + 1) % keys.length] : target.dataset.span;
    if (key.startsWith(SUGGESTED)) this.chooseSuggestion(key.slice(SUGGESTED.length));
    else this.select(key, target.tagName !== "MARK");
  }

  selectBy(step) {
    const keys = this.history.state.spans.map(spanKey);
    if (!keys.length) return;
    const at = keys.indexOf(this.selected);
    this.select(keys[(at < 0 ? (step > 0 ? 0 : keys.length - 1) : at + step + keys.length) % keys.length], true);
  }

  select(key, isToShow) {
    this.selected = key;
    if (key) this.freeKeys();
    this.history.settle();
    this.editor.stopAsking();
    this.show();
    this.view.list.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
    if (isToShow) this.reveal(key);
  }

  /** An answer that was given by its key has the focus: the arrows would change it. */
  freeKeys() {
    if (document.activeElement?.matches("input, button")) this.area.focus({ preventScroll: true });
  }

  reveal(key) {
    const mark = this.marks.marksOf(key)[0];
    const details = mark?.closest("details:not([open])");
    if (details) details.open = true;
    mark?.scrollIntoView({ block: "nearest" });
  }

  // -- suggestions

  chooseSuggestion(id) {
    this.suggestions.current = id;
    this.show();
    this.reveal(SUGGESTED + id);
  }

  nextSuggestion() {
    this.suggestions.step(this.history.state);
    this.chooseSuggestion(this.suggestions.current);
  }

  /** Accept or reject the suggestion that is chosen; then the next one is. */
  decideOn(decision) {
    const suggestion = this.suggestions.find(this.suggestions.current);
    const { state } = this.history;
    if (!suggestion || suggestion.id in state.decisions) return;
    let after = decide(state, suggestion.id, decision);
    let added = null;
    if (decision === "accepted" && suggestion.kind === "span") {
      const { transcript, message, start, end, label, quote } = suggestion;
      added = { ...(transcript ? { transcript } : {}), message, start, end, label, quote };
      after = addSpan(after, added);
    } else if (decision === "accepted") {
      after = withAnswer(after, suggestion.question, suggestion.values, suggestion.transcript ? String(suggestion.transcript) : "");
    }
    if (added) {
      this.selected = spanKey(added);
      this.freeKeys();
    }
    this.change(after);
    if (added) this.editor.ask();
    this.form.querySelector("[data-suggestion-list] [aria-current]")?.scrollIntoView({ block: "nearest" });
  }

  /** What waited for a word of one's own; the server gives it with the page once there is one. */
  async fetchSuggestions() {
    if (!this.page.suggested_later || this.isFetching) return;
    this.isFetching = true;
    const found = await this.transport.pageState();
    this.isFetching = false;
    if (!found || found.suggested_later) return;
    this.page.suggested_later = false;
    this.suggestions.add(found.suggested);
    this.show();
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
    if (!this.chosenSpan()) this.selected = "";
    this.show();
    this.saver.changed();
  }

  show() {
    const { state } = this.history;
    this.view.show(state);
    this.view.showSpans(state.spans, this.selected);
    this.places.show(state);
    this.suggestions.show(state);
    this.marks.draw([...state.spans, ...this.suggestions.spans(state)], this.selected || SUGGESTED + this.suggestions.current);
    this.editor.show(this.chosenSpan());
    if (!this.isEditable) return;
    document.querySelector('[data-do="undo"]').disabled = !this.history.canUndo;
    document.querySelector('[data-do="redo"]').disabled = !this.history.canRedo;
    this.form.querySelector('[data-do="remove"]').disabled = !this.selected;
  }

  // -- saving

  tell(state, detail = "") {
    this.view.showSaved(state, this.saver.version, this.saver.status, detail);
    if (state !== "saved") return;
    this.problem("");
    this.fetchSuggestions();
  }

  problem(words) {
    const box = this.form.querySelector("[data-problem]");
    box.querySelector("[data-problem-words]").textContent = words;
    box.hidden = !words;
  }

  refused(message, fields, code) {
    this.problem(message);
    // The server kept what was said under the earlier version: nothing is lost by opening the page anew.
    const isKept = code === "codebook_changed";
    this.isLeaving ||= isKept;
    this.form.querySelector('[data-do="retry"]').hidden = isKept;
    this.form.querySelector('[data-do="reload"]').hidden = !isKept;
    const problems = Object.entries(fields).map(([name, words]) => ({ ...this.fieldOf(name), words }));
    const place = problems.find(({ scope }) => isPlace(scope || ""));
    if (place) this.goToPlace(place.scope);
    this.view.showProblems(problems);
  }

  /** Which field a problem's name means: "reasoning", "sides.1.reasoning", "tone@3:120#1". */
  fieldOf(name) {
    const placed = /^(?:places\.)?(\w+)@(\d+)(?::(\d+))?(?:#(\d+))?$/.exec(name);
    if (placed) {
      const [, key, message, start, transcript = 0] = placed;
      return { key, scope: placeScope({ transcript, message, start }) };
    }
    const side = /^sides\.(\d+)\.(.+)$/.exec(name);
    return side ? { key: side[2], scope: side[1] } : { key: name, scope: "" };
  }

  askWhichVersion(current, message) {
    this.current = current;
    const dialog = document.getElementById("conflict-dialog");
    dialog.querySelector("[data-conflict-words]").textContent = message;
    this.view.describe(dialog.querySelector('[data-version="mine"]'), this.history.state);
    this.view.describe(dialog.querySelector('[data-version="theirs"]'), stateOf(current));
    // No way out but a decision: until then nothing is saved.
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    dialog.showModal();
  }

  decide(which) {
    document.getElementById("conflict-dialog").close();
    const { version, status } = this.current;
    if (which === "theirs") {
      this.history.push(stateOf(this.current));
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
