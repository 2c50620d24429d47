/**
 * What an annotator has said so far. No DOM.
 *
 *   {answers: {question: [value, …]}, scoped: {scope: {question: [value, …]}}, spans: [{…}],
 *    comment, flag, decisions: {suggestion: "accepted" | "rejected" | "seen"}}
 *
 * Scopes are those of labelbook.js. States are never changed, only replaced, so that undo is a list of them.
 */

import { placeScope } from "./labelbook.js";
import { inOrder, spanKey } from "./spans.js";

/** The state that a payload (annotations/payload.py) says. */
export function stateOf({ answers = {}, sides = {}, places = [], spans = [], comment = "", flag = "", suggestions = [] }) {
  const scoped = { ...sides };
  for (const { question, values, ...place } of places) {
    const scope = placeScope(place);
    scoped[scope] = { ...scoped[scope], [question]: values };
  }
  const decisions = Object.fromEntries(suggestions.filter((each) => each.decision !== "seen").map((each) => [each.id, each.decision]));
  return { answers, scoped, spans: inOrder(spans), comment, flag, decisions };
}

export function choose(state, question, kind, value, isChosen, scope = "") {
  const before = answersOf(state, scope)[question] || [];
  let after = before.filter((each) => each !== value);
  if (isChosen) after = kind === "multiple" ? [...after, value] : [value];
  return withAnswer(state, question, after, scope);
}

export function write(state, question, text, scope = "") {
  const clean = wellFormed(text);
  return withAnswer(state, question, clean.trim() ? [clean] : [], scope);
}

/** `which`: "comment" or "flag". */
export function writeWhole(state, which, text) {
  const clean = wellFormed(text);
  return { ...state, [which]: clean.trim() ? clean : "" };
}

/** Half an emoji cannot be sent; a text field can hold one. */
function wellFormed(text) {
  return text.toWellFormed ? text.toWellFormed() : text;
}

function answersOf(state, scope) {
  return (scope ? state.scoped?.[scope] : state.answers) || {};
}

export function withAnswer(state, question, values, scope = "") {
  const answers = { ...answersOf(state, scope) };
  if (values.length) answers[question] = values;
  else delete answers[question];
  if (!scope) return { ...state, answers };
  const scoped = { ...state.scoped, [scope]: answers };
  if (!Object.keys(answers).length) delete scoped[scope];
  return { ...state, scoped };
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

/** The state with `span` in the place of the one named `key`; the same state if another one is like it. */
export function replaceSpan(state, key, span) {
  const name = spanKey(span);
  if (name !== key && state.spans.some((each) => spanKey(each) === name)) return state;
  return { ...state, spans: inOrder(state.spans.map((each) => (spanKey(each) === key ? span : each))) };
}

export function withAttribute(span, attribute, value) {
  const attributes = { ...span.attributes, [attribute]: value };
  if (!value) delete attributes[attribute];
  const { attributes: _, ...rest } = span;
  return Object.keys(attributes).length ? { ...rest, attributes } : rest;
}

export function withComment(span, text) {
  const clean = wellFormed(text);
  const { comment: _, ...rest } = span;
  return clean.trim() ? { ...rest, comment: clean } : rest;
}

export function decide(state, suggestion, decision) {
  return { ...state, decisions: { ...state.decisions, [suggestion]: decision } };
}

/** Whether two states say the same, in whatever order. */
export function sameState(a, b) {
  return fingerprint(a) === fingerprint(b);
}

function fingerprint({ answers, scoped = {}, spans, comment = "", flag = "", decisions = {} }) {
  const ordered = (given) => Object.keys(given).sort().map((key) => [key, [...given[key]].sort()]);
  const places = Object.keys(scoped).sort().map((scope) => [scope, ordered(scoped[scope])]);
  const marks = spans.map((span) => [spanKey(span), Object.entries(span.attributes || {}).sort(), span.comment || ""]);
  const decided = Object.entries(decisions).sort();
  return JSON.stringify([ordered(answers), places, marks.map((mark) => JSON.stringify(mark)).sort(), comment, flag, decided]);
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

  /** The next step is one of its own. */
  settle() {
    this.#merging = "";
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
