/**
 * What went wrong with a request, in words, in the live region #notices.
 *
 * htmx swaps nothing for these statuses, so without this the page would just stay silent.
 * The server can speak here too: HX-Trigger: {"notice": {"text": "Saved.", "level": "ok"}}.
 */

const WORDS = {
  400: "The server could not read that request. Reload the page and try again.",
  403: "You may not do that. If you signed in again in another tab, reload this page.",
  404: "That is no longer here. Reload the page to see what is.",
  409: "Somebody changed this meanwhile. Reload the page to see the newer state; nothing was overwritten.",
  413: "That is larger than the server accepts.",
  429: "Too many requests in a short time. Wait a little, then try again.",
};
const NO_ANSWER = "No answer from the server. What you did last may not be saved.";
const LATE = "The server took too long to answer. What you did last may not be saved.";

let isLeaving = false;

/** What to say for a status, preferring the server's own short words over ours. */
export function wordsFor(status, contentType = "", body = "") {
  if (/json/.test(contentType)) {
    try {
      const message = JSON.parse(body)?.error?.message;
      if (typeof message === "string" && message) return message;
    } catch {
      // Not the JSON it claims to be: say what we know ourselves.
    }
  }
  if (/text\/plain/.test(contentType) && body.trim() && body.length <= 300) return body.trim();
  if (WORDS[status]) return WORDS[status];
  if (status >= 500) return `The server failed (${status}). It has been noted; try again in a moment.`;
  return `That did not work (status ${status}).`;
}

/** Where to sign in and come back from. */
export function loginAddress(loginUrl, here) {
  return `${loginUrl}?next=${encodeURIComponent(here)}`;
}

/** Show a line; the same line again only counts, as polling must not fill the screen. */
export function notice(text, level = "bad", kind = "") {
  const region = document.getElementById("notices");
  if (!region) return;
  const same = [...region.children].find((box) => box.dataset.text === text);
  if (same) {
    const count = Number(same.dataset.count || 1) + 1;
    same.dataset.count = count;
    same.querySelector("[data-count-shown]").textContent = ` (${count} times)`;
    return;
  }
  const box = document.createElement("div");
  box.className = `message-box message-box-${level}`;
  box.dataset.text = text;
  box.dataset.kind = kind;
  const line = document.createElement("p");
  const count = document.createElement("span");
  count.className = "faint num";
  count.dataset.countShown = "";
  line.append(text, count);
  const close = document.createElement("button");
  close.type = "button";
  close.className = "button button-quiet button-small";
  close.setAttribute("aria-label", "Dismiss");
  close.textContent = "✕";
  close.addEventListener("click", () => box.remove());
  box.append(line, close);
  region.append(box);
  if (level === "ok") setTimeout(() => box.remove(), 5000);
}

function onResponseError(event) {
  const xhr = event.detail.xhr;
  const { loginUrl } = document.body.dataset;
  if (xhr.status === 401 && loginUrl) {
    isLeaving = true;
    location.assign(loginAddress(loginUrl, location.pathname + location.search));
    return;
  }
  notice(wordsFor(xhr.status, xhr.getResponseHeader("Content-Type") || "", xhr.responseText));
}

function onAfterRequest(event) {
  if (!event.detail.successful) return;
  document.querySelectorAll('#notices [data-kind="connection"]').forEach((box) => box.remove());
}

if (typeof document !== "undefined") {
  document.addEventListener("htmx:responseError", onResponseError);
  document.addEventListener("htmx:sendError", () => isLeaving || notice(NO_ANSWER, "bad", "connection"));
  document.addEventListener("htmx:timeout", () => notice(LATE, "bad", "connection"));
  document.addEventListener("htmx:afterRequest", onAfterRequest);
  document.addEventListener("notice", (event) => notice(event.detail.text, event.detail.level || "ok"));
  window.addEventListener("pagehide", () => { isLeaving = true; });
  window.addEventListener("pageshow", () => { isLeaving = false; });
}
