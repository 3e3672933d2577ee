/* What a picker knows: attributes, words, state, the service, pictures as text. No elements. */

const FILES_URL = new URL("..", import.meta.url);
const IN_RELEASE = /\/picker-[0-9a-f]+\/$/; // a folder named after its content
const SERVICE_URL = new URL(IN_RELEASE.test(FILES_URL.pathname) ? "../.." : "..", FILES_URL);
const OUTPUTS = ["url", "html", "markdown", "json"];
const DEFAULT_PAGE_SIZE = 30;
const PAGE_SIZES = [1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 25, 30, 50, 60, 75, 100]; // the service refuses others
const MAX_RECENT = 8;
const LANGUAGES = ["en", "de", "fr", "es", "pt-BR", "ja", "ar"];

/** Attributes, as embedkit-picker.d.ts documents them. */
export class PickerConfig {
  #host;

  constructor(host) {
    this.#host = host;
  }

  #text(name) {
    return this.#host.getAttribute(name);
  }

  #has(name) {
    return this.#host.hasAttribute(name);
  }

  get endpoint() {
    const endpoint = this.#text("endpoint");
    const url = endpoint === null ? SERVICE_URL : new URL(endpoint, document.baseURI);
    return url.href.replace(/\/*([?#].*)?$/, "");
  }
  get grant() {
    return this.#text("grant");
  }
  get grantSource() {
    return this.#host.grantSource ?? this.#text("grant-url");
  }
  get language() {
    const nearest = this.#text("lang") || this.#host.parentElement?.closest("[lang]")?.lang;
    return nearest || document.documentElement.lang || navigator.language || "en";
  }
  get pageSize() {
    const wanted = Number(this.#text("page-size")) || DEFAULT_PAGE_SIZE;
    return PAGE_SIZES.find((size) => size >= wanted) ?? PAGE_SIZES.at(-1);
  }
  get columns() {
    return Number(this.#text("columns"));
  }
  get isCompact() {
    return this.#has("compact");
  }
  get isMultiple() {
    return this.#has("multiple");
  }
  get maxSelected() {
    return Number(this.#text("max")) || Infinity;
  }
  get filters() {
    return this.#text("filters")?.replace("type", "family").split(/[\s,]+/);
  }
  get isSandbox() {
    return this.#has("sandbox");
  }
  get remembers() {
    return this.#text("remember") !== "off";
  }
  get defaults() {
    return keptEdits(Object.fromEntries(new URLSearchParams(this.#text("defaults") ?? "")));
  }
  get targets() {
    return (this.#text("targets") ?? "web facade").split(/[\s,]+/).filter(Boolean);
  }
  get showsNewest() {
    return this.#text("newest") !== "off";
  }
  get autoloads() {
    return this.#text("autoload") !== "off";
  }
  get output() {
    const output = this.#text("output");
    return OUTPUTS.includes(output) ? output : "shortcode";
  }
  get needsMarkup() {
    return ["html", "markdown", "json"].includes(this.output);
  }
  get isField() {
    return Boolean(this.#text("name"));
  }
}

/** Shared by all pickers. */
export const STYLE = new CSSStyleSheet();

const texts = new Map(); // promises by file name

/** @returns {Promise<string|null>} null for a failure, which is not cached */
function fetchText(name) {
  if (!texts.has(name)) {
    const text = fetch(new URL(name, FILES_URL)).then((response) => (response.ok ? response.text() : null), () => null);
    text.then((found) => found ?? texts.delete(name));
    texts.set(name, text);
  }
  return texts.get(name);
}

export async function loadStyle() {
  const rules = await fetchText("embedkit-picker.css");
  if (rules && !STYLE.cssRules.length) STYLE.replaceSync(rules);
}

async function fetchTable(language) {
  const text = await fetchText(`locales/${language}.json`);
  return text && JSON.parse(text);
}

/** @param {string} tag - such as de-AT @param {object} [overrides] @returns {Promise<Words>} English by default */
export async function loadWords(tag, overrides = {}) {
  const base = (name) => name.toLowerCase().split("-")[0];
  const wanted = LANGUAGES.find((name) => base(name) === base(tag)) ?? "en";
  const found = await fetchTable(wanted);
  const language = found ? wanted : "en";
  const table = { ...(found ?? (await fetchTable("en"))), ...overrides };
  return Object.assign(translator(table, language), {
    language,
    isRightToLeft: table.direction === "rtl",
    date: dateFormatter(language),
    list: (key) => [table[key] ?? []].flat(),
  });
}

function translator(table, language) {
  const plurals = new Intl.PluralRules(language);
  const numbers = new Intl.NumberFormat(language);
  const choosePlural = (forms, values) => forms[plurals.select(values.n ?? values.total ?? 0)] ?? forms.other;
  const write = (value) => (typeof value === "number" ? numbers.format(value) : value);
  return (key, values = {}) => {
    const entry = table[key] ?? key;
    const sentence = typeof entry === "object" ? choosePlural(entry, values) : entry;
    return String(sentence).replace(/\{(\w+)\}/g, (hole, name) => write(values[name]) ?? hole);
  };
}

function dateFormatter(language) {
  const days = new Intl.DateTimeFormat(language, { dateStyle: "long", timeZone: "UTC" });
  return (value) => {
    const time = Date.parse(value ?? "");
    return Number.isNaN(time) ? "" : days.format(time);
  };
}

const NO_EDITS = { alt: null, align: "", width: "", caption: "none", words: null, target: "" };
const KEPT_EDITS = ["align", "width", "caption", "target"]; // from one picture to the next

function keptEdits(edits) {
  return Object.fromEntries(Object.entries(edits).filter(([name]) => KEPT_EDITS.includes(name)));
}

export class PickerState {
  filters;
  images = [];
  total = 0; // images that the search has found
  openIndex = -1; // of the open picture
  selection = new Map(); // pictures by ID, in order
  textLanguage = null;
  recentSearches;
  usedPictures; // IDs
  #config;
  #session;
  #anchorIndex = -1; // the start of a selected range
  #edits = new Map();

  constructor(config, filters) {
    this.#config = config;
    this.#session = new StoredValue(config, "sessionStorage", "session");
    this.recentSearches = new RecentList(config, "localStorage", "recent");
    this.usedPictures = new RecentList(config, "localStorage", "used");
    this.filters = { ...filters, ...this.remembered.filters };
  }

  /** {query, filters, index, edits}, all optional */
  get remembered() {
    return this.#session.read() || {};
  }

  remember(values) {
    this.#session.write({ ...this.remembered, ...values });
  }

  rememberEdits(id) {
    this.remember({ edits: keptEdits(this.editsOf(id)) });
  }

  get isOpen() {
    return this.openIndex >= 0;
  }

  get selected() {
    return [...this.selection.values()];
  }

  get openImage() {
    return this.images[this.openIndex];
  }

  get textAttributes() {
    return { dir: "auto", lang: this.textLanguage };
  }

  /** @returns {Edits} */
  editsOf(id) {
    if (!this.#edits.has(id)) this.setEdits(id, { ...this.#config.defaults, ...this.remembered.edits });
    return this.#edits.get(id);
  }

  setEdits(id, edits) {
    this.#edits.set(id, { ...NO_EDITS, ...edits });
  }

  /** @param {string} [kept] - the ID of the open picture */
  forgetEdits(kept) {
    for (const id of this.#edits.keys()) if (id !== kept) this.#edits.delete(id);
  }

  setFilters(values) {
    for (const name in this.filters) if (name in values) this.filters[name] = values[name];
    if ((values.date_from || values.date_to) && !values.period) this.filters.period = "range";
  }

  clearImages() {
    this.images = [];
    this.openIndex = -1;
  }

  /** Add a page, without pictures of earlier pages. */
  addImages(images) {
    const known = new Set(this.images.map(({ id }) => id));
    const added = images.filter(({ id }) => !known.has(id));
    this.images.push(...added);
    return added;
  }

  /** Select or deselect a picture, or select a range. @returns {boolean} false if it exceeds max */
  toggleSelected(index, isRange, max) {
    const anchor = isRange && this.#anchorIndex >= 0 ? this.#anchorIndex : index;
    this.#anchorIndex = index;
    const range = this.images.slice(Math.min(index, anchor), Math.max(index, anchor) + 1);
    if (!isRange && this.selection.delete(range[0].id)) return true;
    for (const image of range) {
      if (this.selection.has(image.id) || this.selection.size < max) this.selection.set(image.id, image);
    }
    return range.every(({ id }) => this.selection.has(id));
  }
}

class StoredValue {
  #config;
  #storage;
  #key;

  constructor(config, storage, name) {
    this.#config = config;
    this.#storage = storage;
    this.#key = `embedkit:${name}`;
  }

  read() {
    try {
      return this.#config.remembers ? JSON.parse(globalThis[this.#storage].getItem(this.#key)) : null;
    } catch {
      return null;
    }
  }

  write(value) {
    try {
      if (this.#config.remembers) globalThis[this.#storage].setItem(this.#key, JSON.stringify(value));
    } catch { /* blocked or full */ }
  }
}

/** Strings, the newest first. */
class RecentList extends StoredValue {
  get items() {
    const items = this.read();
    return Array.isArray(items) ? items.filter((item) => typeof item === "string") : [];
  }

  add(item) {
    const others = this.items.filter((other) => other.toLowerCase() !== item.toLowerCase());
    this.write([item, ...others].slice(0, MAX_RECENT));
  }

  clear() {
    this.write([]);
  }
}

const TIMEOUT_MS = 15_000;
const MAX_AGE_MS = 300_000; // of cached searches
const MAX_CACHED = 40;
const AGENCY = "Getty Images";

// Of a picture, or of a slideshow.
const ID = /^[0-9A-Za-z-]{1,24}(?:,[0-9A-Za-z-]{1,24}){0,4}$/;

// By error code. Any other code is "server".
const STATES = {
  offline: "offline", "not-configured": "setup", "token-required": "token", forbidden: "forbidden",
  unauthorized: "key", throttled: "throttled", "rate-limited": "throttled", "quota-exhausted": "quota",
  "not-found": "withdrawn", "not-embeddable": "refused", unsupported: "reference", "invalid-request": "request",
};
const FINAL_STATES = ["withdrawn", "refused", "reference", "request"];
const TEMPORARY_STATES = ["server", "throttled", "quota", "offline"];

export class ServiceError extends Error {
  constructor(type, { status = 0, retryAfter = null, detail = "", docs = "" } = {}) {
    super(type);
    this.type = type || "error";
    this.status = status;
    this.retryAfter = retryAfter; // in seconds
    this.detail = detail;
    this.docs = docs;
  }

  /** A prefix of keys in locales. */
  get state() {
    return STATES[this.type] ?? "server";
  }

  get isFinal() {
    return FINAL_STATES.includes(this.state);
  }

  get isTemporary() {
    return TEMPORARY_STATES.includes(this.state);
  }
}

/** Parse Retry-After: seconds or a date (RFC 9110, section 10.2.3). */
function retrySeconds(header) {
  const seconds = Number(header) || Math.ceil((Date.parse(header) - Date.now()) / 1000);
  return seconds > 0 ? seconds : null;
}

/** Fetch a grant from the site's own server. */
async function fetchGrant(url) {
  const response = await fetch(url, {
    cache: "no-store", headers: { Accept: "application/json" }, signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  return response.ok ? (await response.json()).grant : "";
}

export class Service {
  #config;
  #keepGrant;
  #renewal = null; // a promise
  #searches = new Map(); // {time, found} by path
  #facades = new Map(); // {request, html} by ID

  /** @param {PickerConfig} config @param {(grant: string) => void} keepGrant */
  constructor(config, keepGrant) {
    this.#config = config;
    this.#keepGrant = keepGrant;
  }

  /** @returns {Promise<Results>} instead of a temporary error, an expired page if one is cached */
  async search(query, filters, page, words, signal) {
    const { pageSize, language } = this.#config;
    const path = pathOf({ ...(query && { q: query }), page, page_size: pageSize, lang: language }, filters);
    const cached = this.#searches.get(path);
    if (cached && Date.now() - cached.time < MAX_AGE_MS) return cached.found;
    try {
      const { answer, response } = await this.#callWithGrant(path, signal);
      const found = pageFrom(answer, response, words);
      this.#searches.delete(path); // makes it the newest
      this.#searches.set(path, { time: Date.now(), found });
      if (this.#searches.size > MAX_CACHED) this.#searches.delete(this.#searches.keys().next().value);
      return found;
    } catch (error) {
      if (!cached || !error.isTemporary) throw error;
      return { ...cached.found, stale: error };
    }
  }

  /** @returns {Promise<Results>} rejected if none is found */
  async resolve(refs, signal) {
    const { answer } = await this.#call("/v1/embeds", { signal, body: { refs } });
    const records = answer.embeds ?? [];
    const images = records.filter((record) => !record.error).map(pictureFromRecord).filter(Boolean);
    if (!images.length) {
      const error = records.find((record) => record.error)?.error;
      throw new ServiceError(asText(error?.code), { detail: asText(error?.detail) });
    }
    return { total: images.length, images, related: [] };
  }

  async boards() {
    const { answer } = await this.#callWithGrant("/v1/boards").catch(() => ({ answer: null }));
    return (answer?.boards ?? []).filter(({ id, name }) => asText(id) && asText(name));
  }

  /** Fetch all fields. @returns {Promise<Picture|undefined>} */
  async describe(id) {
    const params = new URLSearchParams({ lang: this.#config.language });
    const { answer } = await this.#callWithGrant(`/v1/images/${id}?${params}`);
    return pictureFromSearch(answer);
  }

  /** @returns {{request: Promise<void>, html?: string}} rejected if the picture can't be embedded */
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

  /** @returns {Promise<(string|null)[]>} null for each item that fails */
  async markup(items, target) {
    const refs = items.map(({ id, options: { width: maxwidth, ...others } }) => ({ ref: id, maxwidth, ...others }));
    try {
      const { answer } = await this.#call("/v1/embeds", { body: { refs, target: target || undefined } });
      return items.map((_, index) => asText(answer.embeds?.[index]?.html) || null);
    } catch {
      return items.map(() => null);
    }
  }

  frameUrl(id, target, maxwidth, caption) {
    const params = new URLSearchParams({ target: target || "web", maxwidth, ...(caption && { caption }) });
    return `${this.#config.endpoint}/embed/${id}?${params}`;
  }

  /** Renew a missing or expired grant once. */
  async #callWithGrant(path, signal) {
    const isNew = !this.#config.grant && (await this.#renewGrant());
    const call = () => this.#call(path, { signal, grant: this.#config.grant });
    try {
      return await call();
    } catch (error) {
      if (error.state !== "token" || isNew || !(await this.#renewGrant())) throw error;
      return call();
    }
  }

  /** Concurrent calls share a request. @returns {Promise<boolean>} false without a new grant */
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
        signal: AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), ...(signal ? [signal] : [])]),
      });
      answer = await response.json();
    } catch (error) {
      if (signal?.aborted) throw error;
      if (!response) throw new ServiceError(navigator.onLine === false ? "offline" : "unreachable");
    }
    if (response.ok && answer) return { answer, response };
    throw new ServiceError(asText(answer?.code), {
      status: response.status,
      retryAfter: retrySeconds(response.headers.get("Retry-After")),
      detail: asText(answer?.detail),
      docs: httpUrl(answer?.type, response.url),
    });
  }
}

function pathOf(params, filters) {
  const { board, show, editorial_segments: segment, sort_order: order, date_from, date_to } = filters;
  if (board) return `/v1/boards/${encodeURIComponent(board)}?${new URLSearchParams(params)}`;
  if (!show) return `/v1/search?${new URLSearchParams({ ...params, ...filters })}`;
  const narrowed = {
    ...params, ...(date_from && { date_from }), ...(date_to && { date_to }),
    ...(segment && { editorial_segment: segment }),
    ...(["newest", "oldest"].includes(order) && { sort_order: order }),
  };
  return `/v1/events?${new URLSearchParams(narrowed)}`;
}

function pageFrom(answer, response, words) {
  return {
    total: Number(answer.total) || 0,
    pageSize: Number(answer.page_size) || 30,
    images: [
      ...(answer.images ?? []).map(pictureFromSearch),
      ...(answer.events ?? []).map((event) => pictureFromEvent(event, words)),
    ].filter(Boolean),
    related: textsFrom(answer.related),
    language: response.headers.get("Content-Language") ?? "",
    budget: Number(response.headers.get("Search-Budget-Limit")),
    budgetLeft: Number(response.headers.get("Search-Budget-Remaining")),
  };
}

function asText(value) {
  return typeof value === "string" ? value : "";
}

/** Return an absolute URL, or "": a javascript: URL must not become a link. */
function httpUrl(value, base = document.baseURI) {
  const url = asText(value) && URL.parse(value, base);
  return url && /^https?:$/.test(url.protocol) ? url.href : "";
}

function sizeFrom(value) {
  const url = httpUrl(value?.url);
  return url ? { url, width: Number(value.width) || 0, height: Number(value.height) || 0 } : null;
}

function textsFrom(values) {
  return Array.isArray(values) ? values.map(asText).filter(Boolean) : [];
}

function creditFrom({ line, photographer, collection, agency }) {
  return {
    line: asText(line), photographer: asText(photographer), collection: asText(collection), agency: asText(agency),
  };
}

function orientationOf(width, height) {
  if (width === height) return "square";
  return width > height ? "horizontal" : "vertical";
}

/** @returns {Picture|undefined} undefined without a valid ID */
function pictureFromSearch(raw) {
  if (!ID.test(asText(raw?.id))) return undefined;
  const preview = sizeFrom(raw.preview);
  const thumb = sizeFrom(raw.thumb) ?? preview;
  const width = Number(raw.width) || thumb?.width || 3;
  const height = Number(raw.height) || thumb?.height || 2;
  return {
    id: raw.id,
    title: asText(raw.title),
    caption: asText(raw.caption),
    photographer: asText(raw.photographer),
    collection: asText(raw.collection),
    date: asText(raw.date_created) || null,
    family: asText(raw.family),
    orientation: asText(raw.orientation) || orientationOf(width, height),
    width,
    height,
    thumb,
    preview: preview ?? thumb,
    pageUrl: httpUrl(raw.page_url),
    restrictions: textsFrom(raw.restrictions),
    keywords: textsFrom(raw.keywords),
    collectionCode: asText(raw.collection_code),
    eventId: Number(raw.event_ids?.[0]) || 0,
    credit: creditFrom(raw.credit ?? {}),
  };
}

function pictureFromEvent(raw, words) {
  const { id, name, image_count: count, city, country, start_date: date, thumb } = raw ?? {};
  const about = [words.date(date), count > 0 && words("event_pictures", { n: count }), city, country];
  const picture = pictureFromSearch({ id: `event-${id}`, title: name, thumb });
  return picture && { ...picture, photographer: about.filter(Boolean).join(" · "), event: id };
}

/** From a record of /v1/embeds, which has fewer fields. @returns {Picture|undefined} */
function pictureFromRecord(record) {
  const { photographer, collection } = record;
  const line = [...new Set([photographer, collection, AGENCY])].filter(Boolean).join(" / ");
  const picture = pictureFromSearch({
    ...record,
    id: record.ref,
    thumb: { url: record.thumbnail_url, width: record.thumbnail_width, height: record.thumbnail_height },
    credit: { line, photographer, collection, agency: AGENCY },
  });
  return picture && { ...picture, isPartial: !picture.id.includes(",") };
}

export const MAX_CAPTION_CHARS = 900;

const NAMED_ID = /^(?:id\s*:|#)\s*(?=\S*\d)([\w-]+(?:\s*,\s*[\w-]+)*)$/;
// IDs such as a0075-000067a, URLs without a scheme, shortcodes, embed code.
const REFERENCES = [
  /^\d{5,24}(?:\s*,\s*\d{5,24}){0,4}$/,
  /^[a-z]?\d{3,}-\d{3,}\w?$/i,
  /^(?:https?:)?\/\/\S+$/i,
  /^(?:www\.)?(?:gty\.im|gettyimages\.\S+?)\/\S+$/i,
  /^\[getty\b/i,
  /<[a-z]|gie\.widgets/i,
];
const SWITCH = /^(?:true|yes|on|false|no|off)$/i; // not read as a caption's text
const SPECIAL = /[\\[\]`&<>"']|\0./g; // in shortcodes, HTML or Markdown; or after NUL

export function titleOf({ title, id }, words) {
  return title || words("untitled", { id });
}

export function rightsOf({ restrictions, family }, words) {
  return restrictions.join(" ") || (family === "editorial" ? words("editorial_only") : "");
}

/** Return the reference in a text, or "" if it is a search. */
export function reference(text) {
  const named = NAMED_ID.exec(text);
  if (named) return named[1];
  return REFERENCES.some((pattern) => pattern.test(text)) ? text : "";
}

/** As embedkit.shortcodes.format. @param {string} id @param {EmbedOptions & {target?: string}} [options] */
export function shortcode(id, { width, caption, align, title, target } = {}) {
  const attributes = Object.entries({ width, caption, align, title, target }).filter(([, value]) => value);
  if (!attributes.length) return `[getty ${id}]`;
  return `[getty src="${id}"${attributes.map(([name, value]) => ` ${name}="${escapeValue(name, value)}"`).join("")}]`;
}

function escapeValue(name, value) {
  const line = String(value).replace(/\s+/g, " ").trim();
  const looksLikeSwitch = name === "caption" && value !== true && SWITCH.test(line);
  const marked = looksLikeSwitch ? `\0${line}` : line; // escaping its first letter keeps it a text
  return marked.replace(SPECIAL, (match) => `&#${match.charCodeAt(match.length - 1)};`);
}

/** Read a shortcode, or one in JSON. @returns {(Partial<Edits> & {id: string})|null} null for others */
export function editsFrom(value) {
  const inJson = /"shortcode":("(?:[^"\\]|\\.)*")/.exec(value);
  const tag = inJson ? JSON.parse(inJson[1]) : value;
  const [, id] = /^\[getty (?:src=")?([\w,-]+)/.exec(tag) ?? [];
  if (!id) return null;
  const unescape = (text) => text.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(code));
  const attributes = [...tag.matchAll(/ (\w+)="([^"]*)"/g)].map(([, name, text]) => [name, unescape(text)]);
  const { width = "", align = "", title: alt = null, target = "", caption } = Object.fromEntries(attributes);
  return { id, width, align, alt, target, ...captionFrom(caption) };
}

function captionFrom(text) {
  if (!text) return { caption: "none" };
  return text === "true" ? { caption: "getty" } : { caption: "own", words: text };
}

export function shortCaption({ caption }) {
  return caption.slice(0, MAX_CAPTION_CHARS);
}

/** @returns {EmbedOptions} */
export function embedOptions(picture, edits) {
  const captions = { getty: true, own: edits.words ?? shortCaption(picture) };
  return {
    width: Number(edits.width) || undefined,
    caption: captions[edits.caption] || undefined,
    align: edits.align || undefined,
    title: edits.alt || undefined,
  };
}

/** @returns {Choice} without markup */
export function choiceOf(picture, edits) {
  const { id, title, caption, photographer, collection, date, orientation, width, height, pageUrl } = picture;
  const options = embedOptions(picture, edits);
  return {
    id, title, caption, photographer, credit: { ...picture.credit }, collection, date, orientation, width, height,
    alt: options.title ?? title, thumb: picture.thumb?.url ?? null, pageUrl, embeddable: true,
    shortcode: shortcode(id, { ...options, target: edits.target }), url: `https://gty.im/${id}`,
    html: null, markdown: null, oembed: null,
  };
}

/** Join texts. Everything else is that of the first choice. */
export function joinChoices(choices) {
  const join = (name, separator) =>
    choices.some((choice) => choice[name] === null) ? null : choices.map((choice) => choice[name]).join(separator);
  return {
    ...choices[0],
    id: join("id", ","),
    shortcode: join("shortcode", "\n\n"),
    url: join("url", "\n"),
    html: join("html", "\n"),
    markdown: join("markdown", "\n\n"),
    oembed: join("oembed", "\n"),
    items: choices.map((choice) => ({ ...choice })),
  };
}

export function slideshowOf(pictures, words) {
  const [first, ...others] = pictures;
  const title = words("slideshow_title", { title: first.title || first.id, n: others.length });
  return { ...first, id: pictures.map(({ id }) => id).join(","), title, caption: "" };
}
