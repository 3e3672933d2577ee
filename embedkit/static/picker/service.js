/* The service of embedkit: what is asked of it, its answers, and its errors as states of the picker. */

import { asText, httpUrl, pictureFromEvent, pictureFromRecord, pictureFromSearch } from "./images.js";

const ANSWER_TIMEOUT_MS = 15_000;
const MAX_AGE_MS = 300_000; // for which a search is answered from memory
const MAX_ANSWERS = 40; // searches kept in memory

// Codes of the service, and of fetch, by the state that is shown; every other code is "server".
const STATES = {
  offline: "offline", "not-configured": "setup", "token-required": "token", forbidden: "forbidden",
  unauthorized: "key", throttled: "throttled", "rate-limited": "throttled", "quota-exhausted": "quota",
  "not-found": "withdrawn", "not-embeddable": "refused", unsupported: "reference", "invalid-request": "request",
};
const FINAL_STATES = ["withdrawn", "refused", "reference", "request"];
const TEMPORARY_STATES = ["server", "throttled", "quota", "offline"];

export class ServiceError extends Error {
  /** @param {string} type - a code of the service, "offline" or "unreachable" */
  constructor(type, { status = 0, retryAfter = null, detail = "", docs = "" } = {}) {
    super(type);
    this.name = "ServiceError";
    this.type = type || "error";
    this.status = status;
    this.retryAfter = retryAfter; // in seconds
    this.detail = detail; // the service's own words
    this.docs = docs;
  }

  /** What the picker shows: a key of its words, such as "throttled". */
  get state() {
    return STATES[this.type] ?? "server";
  }

  /** Asking again would change nothing. */
  get isFinal() {
    return FINAL_STATES.includes(this.state);
  }

  /** An older answer may stand in. */
  get isTemporary() {
    return TEMPORARY_STATES.includes(this.state);
  }
}

/** @param {string|null} header - Retry-After: seconds or a date (RFC 9110, 10.2.3) */
function retrySeconds(header) {
  const seconds = /^\d+$/.test(header) ? Number(header) : Math.ceil((Date.parse(header) - Date.now()) / 1000);
  return seconds > 0 ? seconds : null;
}

function errorFrom(response, answer) {
  return new ServiceError(asText(answer?.code), {
    status: response.status,
    retryAfter: retrySeconds(response.headers.get("Retry-After")),
    detail: asText(answer?.detail),
    docs: httpUrl(answer?.type, response.url),
  });
}

/** From the site's own server, which holds the token: {"grant": …}, as POST /v1/grants answers. */
async function fetchGrant(url) {
  const response = await fetch(url, {
    credentials: "same-origin", cache: "no-store", headers: { Accept: "application/json" },
    signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
  });
  return response.ok ? (await response.json()).grant : "";
}

export class Service {
  #config;
  #keepGrant;
  #renewal = null; // a promise, while a grant is renewed
  #answers = new Map(); // {time, found} by path, the oldest first
  #facades = new Map(); // {request, html} by ID

  /** @param {PickerConfig} config @param {(grant: string) => void} keepGrant */
  constructor(config, keepGrant) {
    this.#config = config;
    this.#keepGrant = keepGrant;
  }

  get origin() {
    return new URL(this.#config.endpoint).origin;
  }

  /**
   * One page of a search, from memory if it was asked for in the last minutes; the words tell what events are.
   *
   * @returns {Promise<Results>} an older answer if there is one, in place of a temporary error
   */
  async search(query, filters, page, words, signal) {
    const { pageSize, language } = this.#config;
    const asked = { ...(query && { q: query }), page, page_size: pageSize, lang: language };
    const path = pathOf(asked, filters);
    const kept = this.#answers.get(path);
    if (kept && Date.now() - kept.time < MAX_AGE_MS) return kept.found;
    try {
      const { answer, response } = await this.#callWithGrant(path, signal);
      return this.#keep(path, pageFrom(answer, response, words));
    } catch (error) {
      if (!kept || !error.isTemporary) throw error;
      return { ...kept.found, stale: error };
    }
  }

  /** Pictures by references of any form. @returns {Promise<Results>} fails if none of them names a picture */
  async resolve(refs, signal) {
    const { answer } = await this.#call("/v1/embeds", { signal, body: { refs } });
    const records = answer.embeds ?? [];
    const images = records.filter((record) => !record.error).map(pictureFromRecord).filter(Boolean);
    if (!images.length) {
      const error = records.find((record) => record.error)?.error;
      throw new ServiceError(asText(error?.code), { detail: asText(error?.detail) });
    }
    return { total: images.length, pageSize: images.length, images, related: [], language: "" };
  }

  /** Boards of the customer whom the service acts for; none where it has none, or does not answer. */
  async boards() {
    const { answer } = await this.#callWithGrant("/v1/boards").catch(() => ({ answer: null }));
    return (answer?.boards ?? []).filter(({ id, name }) => asText(id) && asText(name));
  }

  /** All that is known of a picture, of which a record has less. @returns {Promise<Picture|undefined>} */
  async describe(id) {
    const params = new URLSearchParams({ lang: this.#config.language });
    const { answer } = await this.#callWithGrant(`/v1/images/${id}?${params}`);
    return pictureFromSearch(answer);
  }

  /** @returns {{request: Promise<void>, html?: string}} a request fails if the picture can't be embedded */
  facade(id) {
    if (!this.#facades.has(id)) {
      const request = this.#call(`/v1/embeds/${id}?target=facade`).then(({ answer }) => {
        this.#facades.get(id).html = asText(answer.html);
      });
      this.#facades.set(id, { request });
      request.catch(() => this.#facades.delete(id));
    }
    return this.#facades.get(id);
  }

  /** Markup of each, in the form of a target or the service's default. @returns {Promise<(string|null)[]>} */
  async markup(items, target) {
    const refs = items.map(({ id, options: { width: maxwidth, ...others } }) => ({ ref: id, maxwidth, ...others }));
    try {
      const { answer } = await this.#call("/v1/embeds", { body: { refs, target: target || undefined } });
      return items.map((_, index) => asText(answer.embeds?.[index]?.html) || null);
    } catch {
      return items.map(() => null);
    }
  }

  /** The URL of a page with the embed, at most so wide in pixels. */
  frameUrl(id, target, maxwidth, caption = "") {
    const params = new URLSearchParams({ target: target || "web", maxwidth, ...(caption && { caption }) });
    return `${this.#config.endpoint}/embed/${id}?${params}`;
  }

  #keep(path, found) {
    this.#answers.delete(path); // so that it is the newest
    this.#answers.set(path, { time: Date.now(), found });
    if (this.#answers.size > MAX_ANSWERS) this.#answers.delete(this.#answers.keys().next().value);
    return found;
  }

  /** Without a grant, or with one that has run out, another is got, once. */
  async #callWithGrant(path, signal = undefined) {
    const isNew = !this.#config.grant && (await this.#renewGrant());
    try {
      return await this.#call(path, { signal, grant: this.#config.grant });
    } catch (error) {
      if (error.state !== "token" || isNew || !(await this.#renewGrant())) throw error;
      return this.#call(path, { signal, grant: this.#config.grant });
    }
  }

  /** @returns {Promise<boolean>} whether there is another; all who ask meanwhile wait for the same */
  #renewGrant() {
    const source = this.#config.grantSource;
    if (!source) return Promise.resolve(false);
    this.#renewal ??= Promise.resolve(source)
      .then((from) => (typeof from === "function" ? from() : fetchGrant(from)))
      .then((grant) => {
        if (asText(grant)) this.#keepGrant(grant);
        return Boolean(asText(grant));
      })
      .catch(() => false)
      .finally(() => { this.#renewal = null; });
    return this.#renewal;
  }

  /** @param {string} path @param {{signal?: AbortSignal, body?: object, grant?: string}} [options] */
  async #call(path, { signal, body, grant } = {}) {
    let response;
    let answer;
    try {
      response = await fetch(this.#config.endpoint + path, {
        method: body ? "POST" : "GET",
        headers: {
          ...(body && { "Content-Type": "application/json" }),
          ...(grant && { Authorization: `Bearer ${grant}` }),
        },
        body: body && JSON.stringify(body),
        redirect: "error", // a grant must not follow a redirect to another host
        signal: AbortSignal.any([AbortSignal.timeout(ANSWER_TIMEOUT_MS), ...(signal ? [signal] : [])]),
      });
      answer = await response.json();
    } catch (error) {
      if (signal?.aborted) throw error;
      if (!response) throw new ServiceError(navigator.onLine === false ? "offline" : "unreachable");
    }
    if (!response.ok || !answer) throw errorFrom(response, answer);
    return { answer, response };
  }
}

/** Where pictures, or events, are asked for. */
function pathOf(asked, filters) {
  const { board, show, editorial_segments: segment, sort_order: order, date_from, date_to } = filters;
  if (board) return `/v1/boards/${encodeURIComponent(board)}?${new URLSearchParams(asked)}`;
  if (!show) return `/v1/search?${new URLSearchParams({ ...asked, ...filters })}`;
  const params = {
    ...asked, ...(date_from && { date_from }), ...(date_to && { date_to }),
    ...(segment && { editorial_segment: segment }),
    ...(["newest", "oldest"].includes(order) && { sort_order: order }),
  };
  return `/v1/events?${new URLSearchParams(params)}`;
}

function pageFrom(answer, response, words) {
  return {
    total: Number(answer.total) || 0,
    pageSize: Number(answer.page_size) || 30,
    images: [
      ...(answer.images ?? []).map(pictureFromSearch),
      ...(answer.events ?? []).map((event) => pictureFromEvent(event, words)),
    ].filter(Boolean),
    related: (answer.related ?? []).map(asText).filter(Boolean),
    language: response.headers.get("Content-Language") ?? "",
    budget: Number(response.headers.get("Search-Budget-Limit")),
    budgetLeft: Number(response.headers.get("Search-Budget-Remaining")),
  };
}
