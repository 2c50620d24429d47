/**
 * Files to be sent, two at a time: each is a request of its own, so nothing is lost when one fails.
 *
 * Pure but for what is given to it: `send(item, onProgress)` answers with a promise of {kind, …}.
 * An item's state is waiting, sending, reading, done, mapping or failed.
 */

export const AT_ONCE = 2;

const ENDED = new Set(["done", "done_with_rejects"]);

/** What a state of the server's means for a row, with words for it. `told` is the API's ingest. */
export function phaseOf(told) {
  const { read, rejected } = told.counts;
  const records = `${read.toLocaleString("en-GB")} record${read === 1 ? "" : "s"}`;
  const bad = rejected ? `, ${rejected.toLocaleString("en-GB")} rejected` : "";
  if (ENDED.has(told.state)) return { state: "done", words: `done: ${records}${bad}` };
  if (told.state === "needs_mapping") return { state: "mapping", words: "needs a mapping" };
  if (told.state === "failed") return { state: "failed", words: told.error || "It could not be read.", isRead: true };
  if (told.state === "cancelled") return { state: "failed", words: "cancelled", isRead: true };
  if (told.state === "queued") return { state: "reading", words: "sent; waiting for a worker" };
  return { state: "reading", words: `reading: ${records}${bad}` };
}

/** One sentence for all rows. */
export function summary(items) {
  const count = (...states) => items.filter((item) => states.includes(item.state)).length;
  const parts = [`${count("done")} of ${items.length} file${items.length === 1 ? "" : "s"} done`];
  const sending = count("waiting", "sending");
  if (sending) parts.push(`${sending} to send`);
  if (count("reading")) parts.push(`${count("reading")} being read`);
  if (count("mapping")) parts.push(`${count("mapping")} waiting for a mapping`);
  if (count("failed")) parts.push(`${count("failed")} failed`);
  return `${parts.join(", ")}.`;
}

export class UploadQueue {
  constructor({ send, show }) {
    this.items = [];
    this.send = send;
    this.show = show;
  }

  add(files) {
    const added = files.map(({ file, path }) => ({ file, path, state: "waiting", words: "waiting", sent: 0, read: 0 }));
    this.items.push(...added);
    added.forEach((item) => this.show(item));
    this.next();
  }

  retry(item) {
    this.change(item, { state: "waiting", words: "waiting", sent: 0, read: 0, told: null });
    this.next();
  }

  get isSending() {
    return this.items.some((item) => item.state === "waiting" || item.state === "sending");
  }

  change(item, changes) {
    Object.assign(item, changes);
    this.show(item);
  }

  next() {
    const busy = this.items.filter((item) => item.state === "sending").length;
    for (const item of this.items.filter((each) => each.state === "waiting").slice(0, AT_ONCE - busy)) this.start(item);
  }

  async start(item) {
    this.change(item, { state: "sending", words: "sending" });
    const answer = await this.send(item, (part) => {
      this.change(item, { sent: part, words: part < 1 ? `sending: ${Math.floor(part * 100)} %` : "sent; being stored" });
    });
    if (answer.taken) this.change(item, { state: "reading", words: "sent; waiting for a worker", sent: 1, told: answer.taken });
    else this.change(item, { state: "failed", words: answer.message });
    this.next();
  }
}
