/* A client for embedkit's service, for builds in JavaScript: it batches texts, and waits if the service asks to.
 *
 *   import { Service } from "./client.js";
 *   const service = new Service({ url: "https://embeds.example.org", token: process.env.EMBEDS_TOKEN });
 *   const { content, problems } = await service.render("[getty 74917285]", { input: "markdown" });
 *
 * Call render() for all texts of a build at once, so that they are sent together. If the service can't fetch a picture
 * yet, or Getty is down, the text is sent again on its own, and its incomplete result is discarded. A promise resolves
 * with the complete text, or rejects with an Error: then don't write the page.
 */

const MAX_TEXTS = 100; // per request
const MAX_BYTES = 1_500_000; // of texts per request; the service accepts 2 MiB
const COLLECT_MS = 30; // how long the first text of a build waits for others
const TIMEOUT_MS = 300_000; // per request, which may fetch a hundred pictures
const FAILED_S = 2; // before a service that can't be reached is tried again
const MENTIONS = /getty|gty\.im/i; // in every reference to a picture

const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

export class Service {
  #url;
  #headers;
  #target;
  #patience;
  #waiting = [];
  #running = false;
  #fault = ""; // why the service couldn't be reached last time

  /**
   * @param {string} url the URL of the service
   * @param {string} token one of its TOKENS, which has a higher limit for fetching pictures; never use it in browsers
   * @param {string} target the target to render; by default the service's
   * @param {number} patience seconds without a finished text after which render() fails
   */
  constructor({ url, token = "", target = null, patience = 300 }) {
    this.#url = `${url.replace(/\/$/, "")}/v1/render`;
    this.#headers = { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) };
    this.#target = target;
    this.#patience = patience;
  }

  /**
   * @param {string} content the text
   * @param {string} input html, markdown, commonmark or text
   * @param {string} target the target for this text
   * @returns {Promise<{content: string, embeds: object[], problems: {line, column, code, detail}[]}>}
   */
  render(content, { input = "html", target = this.#target } = {}) {
    if (!MENTIONS.test(content)) return Promise.resolve({ content, embeds: [], problems: [] });
    return new Promise((resolve, reject) => {
      this.#waiting.push({ text: { content, input }, target, resolve, reject });
      if (!this.#running) this.#run();
    });
  }

  async #run() {
    this.#running = true;
    await pause(COLLECT_MS / 1000);
    let finished = Date.now();
    while (this.#waiting.length) {
      const batch = this.#take();
      const { done, again, later, wait } = await this.#ask(batch);
      if (done) finished = Date.now();
      this.#waiting = [...again, ...this.#waiting, ...later];
      if (Date.now() + wait * 1000 > finished + this.#patience * 1000) {
        const why = this.#fault || `embedkit's service asks to wait another ${wait} seconds.`;
        this.#fail(`${why} Start the build again later.`);
      } else if (wait && this.#waiting.length === later.length) {
        await pause(wait);
      }
    }
    this.#running = false;
  }

  /** Take as many texts as fit into one request, all for the same target. */
  #take() {
    const { target } = this.#waiting[0];
    const batch = [];
    let bytes = 0;
    for (const one of this.#waiting) {
      bytes += Buffer.byteLength(JSON.stringify(one.text));
      if (one.target !== target || batch.length === MAX_TEXTS || (batch.length && bytes > MAX_BYTES)) break;
      batch.push(one);
    }
    this.#waiting.splice(0, batch.length);
    return batch;
  }

  /** Send a batch. Return the texts for the next request (`again`), and those to send after `wait` seconds (`later`). */
  async #ask(batch) {
    const answer = await this.#post({ texts: batch.map((one) => one.text), target: batch[0].target });
    if (!answer.texts) return { done: 0, again: [], later: batch, wait: answer.wait };
    const outcome = { done: 0, again: [], later: [], wait: 0 };
    answer.texts.forEach((found, index) => settle(batch[index], found, index, outcome));
    return outcome;
  }

  /** Return the rendered texts, or how long to wait. If the request is rejected, every text gets the error. */
  async #post(body) {
    let response;
    try {
      const init = { method: "POST", headers: this.#headers, body: JSON.stringify(body) };
      response = await fetch(this.#url, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
      this.#fault = "";
      if (response.ok) return await response.json();
    } catch (error) {
      this.#notice(error.cause?.code ?? error.message);
      return { wait: FAILED_S };
    }
    const wait = Number(response.headers.get("Retry-After"));
    if (wait || response.status >= 500) return { wait: wait || FAILED_S };
    const { detail = response.statusText } = await response.json().catch(() => ({}));
    return { texts: body.texts.map(() => ({ error: { detail } })) };
  }

  /** Warn at once, but only once, if the service can't be reached: its URL may be wrong. */
  #notice(fault) {
    const why = `embedkit's service can't be reached at ${this.#url} (${fault}).`;
    if (!this.#fault) console.warn(`${why} Retrying for ${this.#patience} seconds.`);
    this.#fault = why;
  }

  #fail(why) {
    for (const one of this.#waiting.splice(0)) one.reject(new Error(why));
  }
}

/** Handle the result of one text: it is done, has failed, or is sent again. */
function settle(one, found, index, outcome) {
  const waits = (found.problems ?? []).map((problem) => problem.retry_after ?? 0).filter(Boolean);
  if (found.error?.code === "too-large" && index) outcome.again.push(one);
  else if (waits.length) {
    outcome.later.push(one);
    outcome.wait = Math.max(outcome.wait, ...waits);
  } else {
    outcome.done += 1;
    if (found.error) one.reject(new Error(`embedkit: ${found.error.detail}`));
    else one.resolve(found);
  }
}

/** Return the options of a plugin, with defaults from the environment. */
export function fromEnvironment(options = {}) {
  const { EMBEDS_URL: url, EMBEDS_TOKEN: token } = process.env;
  const found = { url, token, ...options };
  if (!found.url) throw new Error("embedkit: set EMBEDS_URL, or the option url, to the URL of the service.");
  return found;
}

/** Report the problems of a page; with `strict`, fail the build. */
export function report(problems, name, strict = false) {
  const lines = problems.map(({ line, column, code, detail }) => `${name}:${line}:${column}: ${code}: ${detail}`);
  if (lines.length && strict) throw new Error(lines.join("\n"));
  for (const line of lines) console.warn(line);
}
