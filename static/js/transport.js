/**
 * Sends a revision to the server and says what became of it, in the words of saving.js.
 *
 * The server knows from `actor` whose page this is: work is never saved in the name of somebody who
 * signed in meanwhile.
 */

const TIMEOUT = 20_000;
const OTHER_USER = "Somebody else is signed in in this browser now. Your work is still on this page; sign in as yourself to save it.";

/** What a response means. Pure. */
export function meaning(status, body, retryAfter) {
  const error = body?.error || {};
  if (status === 200 || status === 201) return { kind: "saved", version: body.version, status: body.status };
  if (status === 401) return { kind: "signed-out", message: "" };
  if (status === 409 && error.code === "version_conflict") {
    return { kind: "stale", current: body.current, message: error.message };
  }
  if (status === 409 && error.code === "codebook_changed" && body.current) {
    return { kind: "moved", version: body.current.version };
  }
  if (status === 409 && error.code === "other_user") return { kind: "signed-out", message: error.message };
  if (status === 429 || status >= 500) {
    const seconds = Number(retryAfter);
    return { kind: "again", after: retryAfter && seconds >= 0 ? seconds : null };
  }
  return {
    kind: "refused",
    code: error.code || "",
    message: error.message || `The server did not take it (status ${status}).`,
    fields: error.fields || {},
  };
}

export class Transport {
  /** `token`: the form's CSRF token; `page`: this page's own address, asked for a new one. */
  constructor({ url, token, actor, task, textSha256, codebookVersion, page }) {
    Object.assign(this, { url, token, actor, task, textSha256, codebookVersion, page });
  }

  async send(body, key, isSecondTry = false) {
    const response = await this.#fetch(this.url, {
      method: "POST",
      headers: { "Content-Type": "application/json", "Idempotency-Key": key, "X-CSRFToken": this.token },
      body: JSON.stringify({
        ...body,
        task: this.task,
        actor: this.actor,
        text_sha256: this.textSha256,
        codebook_version: this.codebookVersion,
      }),
    });
    if (response === null) return { kind: "again", after: null };
    const read = await response.json().catch(() => null);
    if (response.status === 403 && !isSecondTry) {
      // Signing in again gives a new token; ours was from before.
      const found = await this.renewToken();
      if (found === "renewed") return this.send(body, key, true);
      if (found === "other-user") return { kind: "signed-out", message: OTHER_USER };
      if (found === "signed-out") return { kind: "signed-out", message: "" };
    }
    return meaning(response.status, read, response.headers.get("Retry-After"));
  }

  /** Fetch this page again for its token: "renewed", "signed-out", "other-user" or "no-answer". */
  async renewToken() {
    const response = await this.#fetch(this.page, { headers: { Accept: "text/html" } });
    if (response === null) return "no-answer";
    const html = await response.text();
    const actor = /data-actor="(\d+)"/.exec(html)?.[1];
    const token = /name="csrfmiddlewaretoken" value="(\w+)"/.exec(html)?.[1];
    if (!actor) return "signed-out";
    if (Number(actor) !== this.actor) return "other-user";
    if (!token || !response.ok) return "no-answer";
    this.token = token;
    return "renewed";
  }

  /** What this page would start from if it were opened now; null if that cannot be known. */
  async pageState() {
    const response = await this.#fetch(this.page, { headers: { Accept: "text/html" } });
    if (!response?.ok) return null;
    const opened = new DOMParser().parseFromString(await response.text(), "text/html");
    const state = opened.getElementById("page-state");
    return state && JSON.parse(state.textContent);
  }

  async #fetch(url, options) {
    try {
      return await fetch(url, { ...options, credentials: "same-origin", signal: AbortSignal.timeout(TIMEOUT) });
    } catch {
      return null; // offline, refused, cut off or too slow: all the same to us
    }
  }
}
