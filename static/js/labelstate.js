/**
 * What an annotator has said so far: {answers: {question: [value, …]}, spans: [{…}]}. No DOM.
 *
 * States are never changed, only replaced, so that undo is a list of them.
 */

import { inOrder, spanKey } from "./spans.js";

export function choose(state, question, kind, value, isChosen) {
  const before = state.answers[question] || [];
  let after = before.filter((each) => each !== value);
  if (isChosen) after = kind === "multiple" ? [...after, value] : [value];
  return withAnswer(state, question, after);
}

export function write(state, question, text) {
  // Half an emoji cannot be sent; a text field can hold one.
  const clean = text.toWellFormed ? text.toWellFormed() : text;
  return withAnswer(state, question, clean.trim() ? [clean] : []);
}

function withAnswer(state, question, values) {
  const answers = { ...state.answers };
  if (values.length) answers[question] = values;
  else delete answers[question];
  return { ...state, answers };
}

/** The state with the span, or the same state if it is there already. */
export function addSpan(state, span) {
  const key = spanKey(span);
  if (state.spans.some((each) => spanKey(each) === key)) return state;
  return { ...state, spans: inOrder([...state.spans, span]) };
}

export function removeSpan(state, key) {
  return { ...state, spans: state.spans.filter((span) => spanKey(span) !== key) };
}

/** Whether two states say the same, in whatever order. */
export function sameState(a, b) {
  return fingerprint(a) === fingerprint(b);
}

function fingerprint(state) {
  const answers = Object.keys(state.answers).sort().map((key) => [key, [...state.answers[key]].sort()]);
  return JSON.stringify([answers, state.spans.map((span) => spanKey(span)).sort()]);
}

export class History {
  #past = [];
  #future = [];
  #merging = "";

  constructor(state) {
    this.state = state;
  }

  /** Go on with `state`. Steps in a row with the same `merge` word are one: typing undoes as a whole. */
  push(state, merge = "") {
    if (sameState(state, this.state)) return false;
    if (!merge || merge !== this.#merging) this.#past.push(this.state);
    this.#merging = merge;
    this.#future = [];
    this.state = state;
    return true;
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }

  undo() {
    if (!this.canUndo) return false;
    this.#merging = "";
    this.#future.push(this.state);
    this.state = this.#past.pop();
    return true;
  }

  redo() {
    if (!this.canRedo) return false;
    this.#merging = "";
    this.#past.push(this.state);
    this.state = this.#future.pop();
    return true;
  }
}
