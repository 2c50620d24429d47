/**
 * What a codebook asks where, and what is missing. No DOM; the same rules as annotations/answers.py.
 *
 * A scope names what an answer speaks of: "" the unit, "1" a side of a pair, "1:4:120" a place: side (0 where the
 * unit is one transcript), message, and where a segment begins ("0:4:" the message itself).
 */

export function placeScope({ transcript = 0, message, start }) {
  return `${transcript}:${message}:${start ?? ""}`;
}

export function isPlace(scope) {
  return scope.includes(":");
}

/** {transcript, message, start} of a place's scope, as a payload has them. */
export function placeOf(scope) {
  const [transcript, message, start] = scope.split(":");
  return {
    ...(transcript === "0" ? {} : { transcript: Number(transcript) }),
    message: Number(message),
    ...(start === "" ? {} : { start: Number(start) }),
  };
}

/** Which of `questions` (in order) are asked where `answers` were given, beside those of the unit: [question, …]. */
export function asked(questions, answers, ofUnit = {}) {
  const kept = { ...ofUnit };
  return questions.filter((question) => {
    const { when } = question;
    if (when && !(kept[when.question] || []).some((value) => when.is.includes(value))) return false;
    if (answers[question.key]) kept[question.key] = answers[question.key];
    return true;
  });
}

export class Book {
  /** `book`: {questions, labels}; `places`: [{transcript, message, start?, questions}]; `sides`: numbers. */
  constructor({ questions, labels }, { isPair, sides, places }) {
    this.questions = new Map(questions.map((question) => [question.key, question]));
    this.labels = new Map(labels.map((label) => [label.key, label]));
    this.isPair = isPair;
    const of = (what) => questions.filter((question) => question.asked_of === what);
    this.scopes = new Map([["", of(isPair ? "pair" : "transcript")]]);
    if (isPair && of("transcript").length) for (const side of sides) this.scopes.set(String(side), of("transcript"));
    for (const place of places) {
      this.scopes.set(placeScope(place), place.questions.map((key) => this.questions.get(key)));
    }
    this.places = places.map(placeScope);
  }

  /** The questions that are asked in this scope now. */
  asked(state, scope) {
    return asked(this.scopes.get(scope) || [], answersIn(state, scope), isPlace(scope) ? this.#ofUnit(state, scope) : {});
  }

  #ofUnit(state, scope) {
    const unit = this.isPair ? scope.split(":")[0] : "";
    return this.kept(state, unit);
  }

  /** The answers of this scope to what is asked: what is hidden stays in the state, and out of this. */
  kept(state, scope) {
    const answers = answersIn(state, scope);
    return Object.fromEntries(
      this.asked(state, scope).flatMap(({ key }) => (answers[key]?.length ? [[key, answers[key]]] : [])),
    );
  }

  /** What has to be answered before it can be submitted: [{scope, question} or {span, attribute}]. */
  missing(state, keyOf) {
    const found = [];
    for (const scope of this.scopes.keys()) found.push(...this.missingIn(state, scope).map((question) => ({ scope, question })));
    for (const span of state.spans) {
      const attribute = this.missingAttribute(span);
      if (attribute) found.push({ span: keyOf(span), attribute });
    }
    return found;
  }

  missingIn(state, scope) {
    const answers = answersIn(state, scope);
    return this.asked(state, scope).filter(({ key, required }) => required && !answers[key]?.length);
  }

  missingAttribute(span) {
    const { attributes = [] } = this.labels.get(span.label) || {};
    return attributes.find(({ key, required }) => required && !span.attributes?.[key]) || null;
  }

  /** The span under another label: what the new one also has stays said. */
  relabelled(span, label) {
    const { attributes = [] } = this.labels.get(label);
    const kept = attributes.flatMap(({ key, choices }) => {
      const value = span.attributes?.[key];
      return choices.some((choice) => choice.key === value) ? [[key, value]] : [];
    });
    const { attributes: _, ...rest } = span;
    return { ...rest, label, ...(kept.length ? { attributes: Object.fromEntries(kept) } : {}) };
  }

  /** What is sent and stored; see annotations/payload.py. `seen`: ids of suggestions that are on the page. */
  payload(state, seen = []) {
    const sides = {};
    const places = [];
    for (const scope of this.scopes.keys()) {
      if (!scope) continue;
      const answers = this.kept(state, scope);
      if (!isPlace(scope)) {
        if (Object.keys(answers).length) sides[scope] = answers;
      } else {
        for (const [question, values] of Object.entries(answers)) places.push({ question, ...placeOf(scope), values });
      }
    }
    const decided = Object.entries(state.decisions).map(([id, decision]) => ({ id, decision }));
    const only = seen.filter((id) => !(id in state.decisions)).map((id) => ({ id, decision: "seen" }));
    const more = { places, suggestions: [...decided, ...only], comment: state.comment, flag: state.flag };
    return {
      answers: this.kept(state, ""),
      spans: state.spans,
      ...(Object.keys(sides).length ? { sides } : {}),
      ...Object.fromEntries(Object.entries(more).filter(([, value]) => value.length)),
    };
  }
}

export function answersIn(state, scope) {
  return (scope ? state.scoped[scope] : state.answers) || {};
}
