/**
 * Keeps the work: drafts on their own soon after a change, in order, one request at a time. No DOM.
 *
 * A request is an action with a key of its own. When no answer comes, the very same request goes out again
 * with the same key, so that it is kept once; later changes wait their turn, as each revision builds
 * on the one before.
 *
 * `send(body, key)` resolves to one of
 *   {kind: "saved", version, status} · {kind: "again", after} (seconds, or null) ·
 *   {kind: "moved", version} (kept under the codebook's earlier version; the round asks by another one now) ·
 *   {kind: "stale", current, message} · {kind: "signed-out", message} · {kind: "refused", message, fields}
 */

export const QUIET = 700; // ms without a change, then a draft goes out
export const LONGEST = 1500; // ms that a change waits at most
const PAUSES = [1, 2, 4, 8, 15]; // seconds between attempts

export class Saver {
  #timer = null;
  #firstChange = 0;
  #request = null; // made, and not known to be kept
  #isDirty = false;
  #isRunning = false;
  #isStopped = false; // until somebody decides something
  #wake = null;
  #submitting = null; // {promise, resolve}
  #failures = 0;

  /**
   * @param {object} options  version, status; snapshot() → the payload; isComplete() → whether the state
   *   could be submitted; send; tell(state, detail) with state saved | saving | unsaved | failed | offline;
   *   onStale(current, message); onSignedOut(message); onRefused(message, fields); onMoved()
   */
  constructor(options) {
    Object.assign(this, options);
    this.now = options.now || (() => Date.now());
    this.newKey = options.newKey || (() => crypto.randomUUID());
  }

  get hasUnsaved() {
    return this.#isDirty || this.#request !== null;
  }

  changed() {
    this.#isDirty = true;
    if (this.#isStopped) {
      // After a refusal, a change is what may cure it.
      if (this.#isStopped === "refused") this.#isStopped = false;
      else return;
    }
    if (this.status === "submitted" && !this.isComplete()) {
      this.tell("unsaved", "answer what is missing");
      return;
    }
    if (!this.#request) this.tell("unsaved");
    const now = this.now();
    if (!this.#timer) this.#firstChange = now;
    clearTimeout(this.#timer);
    const wait = Math.max(0, Math.min(QUIET, this.#firstChange + LONGEST - now));
    this.#timer = setTimeout(() => this.#due(), wait);
  }

  #due() {
    this.#timer = null;
    this.#run();
  }

  /** Send what there is now as submitted; resolves when it is kept, and not before. */
  submit() {
    if (!this.#submitting) {
      this.#submitting = {};
      this.#submitting.promise = new Promise((resolve) => {
        this.#submitting.resolve = resolve;
      });
    }
    clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#isStopped === "refused") this.#isStopped = false;
    const { promise } = this.#submitting;
    this.retry();
    return promise;
  }

  /** Try now instead of later. */
  retry() {
    if (this.#isStopped === "signed-out" || this.#isStopped === "refused") this.#isStopped = false;
    this.#wake?.();
    this.#run();
  }

  /** After a conflict: go on from the stored version, with what the page has then. */
  goOnFrom(version, status, isDirty) {
    this.version = version;
    this.status = status;
    this.#isStopped = false;
    this.#isDirty = isDirty;
    if (this.#isDirty) this.#run();
    else this.tell("saved");
  }

  async #run() {
    if (this.#isRunning || this.#isStopped) return;
    this.#isRunning = true;
    try {
      while (!this.#isStopped && (this.#request || this.#submitting || (this.#isDirty && !this.#timer))) {
        if (!this.#request && !this.#make()) break;
        this.tell("saving");
        this.#take(await this.send(this.#request.body, this.#request.key));
        if (this.#failures && this.#request) await this.#pause();
      }
    } finally {
      this.#isRunning = false;
    }
  }

  #make() {
    const isSubmit = this.#submitting !== null;
    const status = isSubmit || this.status === "submitted" ? "submitted" : "draft";
    if (status === "submitted" && !this.isComplete()) {
      this.tell("unsaved", "answer what is missing");
      this.#submitting = null;
      return false;
    }
    this.#isDirty = false;
    this.#request = {
      key: this.newKey(),
      isSubmit,
      body: { ...this.snapshot(), base_version: this.version, status },
    };
    return true;
  }

  #take(answer) {
    const request = this.#request;
    if (answer.kind === "saved") {
      this.#request = null;
      this.#failures = 0;
      this.version = answer.version;
      this.status = answer.status;
      this.tell(this.#isDirty ? "unsaved" : "saved");
      if (request.isSubmit && !this.#isDirty) {
        this.#submitting?.resolve();
        this.#submitting = null;
      }
    } else if (answer.kind === "moved") {
      // What was typed since goes the same way; then the page has to be opened anew.
      this.#request = null;
      this.#failures = 0;
      this.#submitting = null;
      this.version = answer.version;
      this.tell(this.#isDirty ? "unsaved" : "saved");
      if (!this.#isDirty) {
        this.#isStopped = "moved";
        this.onMoved();
      }
    } else if (answer.kind === "again") {
      this.#failures += 1;
      this.after = answer.after;
    } else {
      // Decided: this request was not kept, and never will be as it is.
      this.#failures = 0;
      this.#isStopped = answer.kind;
      if (answer.kind === "signed-out") {
        this.tell("failed");
        this.onSignedOut(answer.message);
        return;
      }
      this.#request = null;
      this.#isDirty = true;
      this.tell("failed");
      this.#submitting = null; // whoever pressed it decides again
      if (answer.kind === "stale") this.onStale(answer.current, answer.message);
      else this.onRefused(answer.message, answer.fields || {}, answer.code);
    }
  }

  async #pause() {
    const isOffline = globalThis.navigator?.onLine === false;
    const seconds = this.after ?? PAUSES[Math.min(this.#failures, PAUSES.length) - 1];
    this.tell(isOffline ? "offline" : "failed", `trying again in ${Math.ceil(seconds)} s`);
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, seconds * 1000);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = null;
  }
}
