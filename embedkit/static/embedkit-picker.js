/* embedkit's picker: search the pictures of Getty Images that may be embedded, choose, insert.
 *
 *   <script type="module" src="…/static/embedkit-picker.js"></script>
 *   <embedkit-picker endpoint="https://embeds.example.org" grant="…"></embedkit-picker>
 *
 *   import { EmbedKit } from "…/static/embedkit-picker.js";      // also the global EmbedKit
 *   const choice = await EmbedKit.open({ endpoint, grant });      // a dialog; null if nothing was chosen
 *
 * Attributes  endpoint (default: where this file is from), grant (of POST /v1/grants, never a token), query, lang, dir,
 *             theme (auto, light, dark), multiple, max, filters ("type,orientation,people,color,sort,nudity"), columns,
 *             page-size, compact, autofocus, output (shortcode, url, html, markdown, json), name, value, required,
 *             disabled, sandbox (pictures are samples), modal (shown by open() alone), recent="off", autoload="off"
 * Properties  i18n: words instead of those of locales/<lang>.json; value, form, most attributes
 * Methods     open() resolves to the choice or null; close() focus() reset(); search(query, {family, orientations,
 *             number_of_people, color, sort_order, exclude_nudity})
 * Events      embedkit-ready -search -results {total, page} -focus {id} -select (cancelable; the choice and value)
 *             -select-sync (within the click, without markup) -cancel -error {type, status, retryAfter} -quota
 * Choice      {id, title, caption, photographer, credit {line, photographer, collection, agency}, collection, date,
 *             orientation, width, height, alt, thumb, pageUrl, embeddable, shortcode, url, html (of the target chosen),
 *             markdown, oembed (for pages without our stylesheet), items (each of several)}
 * Style       ::part(picker search filters tile details state footer button badge dialog),
 *             --ek-accent --ek-on-accent --ek-gap --ek-row --ek-radius --ek-font
 *
 * No parser is handed what others wrote (Trusted Types), no attribute holds style (style-src 'self').
 */

const HERE = new URL(".", import.meta.url);
const VERSION = new URL(import.meta.url).search; // ?v=…: words and style are cached as long as this file
const LANGUAGES = ["en", "de", "fr", "es", "pt-BR", "ja", "ar"];

const DEBOUNCE = 300; // ms after the last key
const PATIENCE = 15_000; // ms for an answer of the service
const FRESH = 300_000; // ms for which an answer is shown again without asking
const SPEECH = 500; // ms of quiet before results are announced
const MARKUP = 4_000; // ms that inserting waits for markup that nobody asked for
const RECENT = 8;
const SLIDES = 5; // pictures in one embed
const LONGEST = 900; // characters of a caption
const LONGEST_TAG = 2048; // of a shortcode
const NARROW = 640; // px
const SAMPLES = ["solar eclipse", "hot air balloon", "basketball"]; // what the sandbox has, whatever the language

const ID = /^[0-9a-z-]{1,24}(?:,[0-9a-z-]{1,24}){0,4}$/;
const CJK = /[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]/;
const NAMED = /^(?:id\s*:|#)\s*(?=\S*\d)([\w-]+(?:\s*,\s*[\w-]+)*)$/;
// Ids, such as a0075-000067a; addresses; a shortcode; embed code.
const REFERENCE = /^(?:\d{5,24}(?:\s*,\s*\d{5,24}){0,4}|[a-z]?\d{3,}-\d{3,}\w?|(?:https?:)?\/\/\S+|(?:www\.)?(?:gty\.im|gettyimages\.\S+?)\/\S+|\[getty\b.*|.*(?:<[a-z]|gie\.widgets).*)$/is;

const PANORAMA = "panoramic_horizontal,panoramic_vertical";
const COLORS = {
  red: "d92b2b", orange: "f08a24", yellow: "f4d03f", green: "3f9b4f", teal: "1f9e97", blue: "2f6fd0",
  purple: "7d4fb3", pink: "e77fa8", brown: "8a5a3c", black: "111111", grey: "8c8c8c", white: "ffffff",
};
// Filters by what words call them: their name for the service, and what they may be. "not" is a family without it.
const FILTERS = {
  family: { name: "family", values: { all: "all", creative: "creative", editorial: "editorial" } },
  orientation: {
    name: "orientations",
    values: { any: "", horizontal: "horizontal", vertical: "vertical", square: "square", panoramic: PANORAMA },
  },
  people: { name: "number_of_people", values: { any: "", none: "none", one: "one", two: "two", group: "group" } },
  color: { name: "color", values: { any: "", ...COLORS }, not: "editorial" },
  sort: {
    name: "sort_order",
    values: { best_match: "", most_popular: "most_popular", newest: "newest", oldest: "oldest" },
  },
  nudity: { name: "exclude_nudity", not: "editorial" },
};
const UNFILTERED = Object.freeze({
  family: "all", orientations: "", number_of_people: "", color: "", sort_order: "", exclude_nudity: true,
});
const TARGETS = ["web", "facade", "card", "widget", "oembed", "wordpress", "amp", "feed", "email", "markdown", "text"];
const FRAMED = ["", "web", "facade"]; // targets that the service has a page for

// Codes of the service (and of fetch) by the state that they are shown as; everything else is "server".
const STATES = {
  offline: "offline", "not-configured": "setup", "token-required": "token", forbidden: "forbidden",
  unauthorized: "key", throttled: "throttled", "rate-limited": "throttled", "quota-exhausted": "quota",
  "not-found": "withdrawn", "not-embeddable": "refused", unsupported: "reference", "invalid-request": "request",
};
const FINAL = ["withdrawn", "refused", "reference", "request"]; // asking again would change nothing
const QUOTING = ["token", "forbidden", "key", "reference", "request"]; // where the service's own words help
const SETTING = "EMBEDKIT_API_KEY";
const WAIT = 10; // seconds, where a throttle does not say how long

const ICONS = {
  search: "M10 4a6 6 0 1 0 .1 0M15 15l5 5",
  close: "M6 6l12 12M18 6 6 18",
  down: "M6 9l6 6 6-6",
  filter: "M4 7h16M7 12h10M10 17h4",
  clock: "M12 4a8 8 0 1 0 .1 0M12 8v4l3 2",
  previous: "M15 6l-6 6 6 6",
  next: "M9 6l6 6-6 6",
  check: "M5 12l5 5 9-10",
  out: "M14 5h5v5M19 5l-8 8M17 14v5H5V7h5",
  picture: "M4 6h16v12H4zM4 16l5-5 4 4 3-3 4 4M15 9v.1",
  none: "M4 12h16",
  left: "M4 5h16M4 19h16M4 9h7v6H4zM15 10h5M15 14h5",
  center: "M4 5h16M4 19h16M8 9h8v6H8z",
  right: "M4 5h16M4 19h16M13 9h7v6h-7zM4 10h5M4 14h5",
  offline: "M3 9a13 13 0 0 1 18 0M7 13a7 7 0 0 1 10 0M11 17h2M4 4l16 16",
  setup: "M16 4a4 4 0 1 0 .1 0M13 11l-8 8M8 16l2 2",
  lock: "M6 11h12v9H6zM8 11V8a4 4 0 0 1 8 0v3",
  slow: "M7 4h10M7 20h10M8 4l8 16M16 4 8 20",
  server: "M5 5h14v5H5zM5 14h14v5H5zM8 7.5h.1M8 16.5h.1",
};
const STATE_ICONS = { key: "setup", token: "lock", forbidden: "lock", throttled: "slow", quota: "slow", none: "search" };

// -- making elements ------------------------------------------------------------------------------------------

/** An element. Functions are listeners, true and false are attributes that are there or not. Texts stay texts. */
function h(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (typeof value === "boolean") node.toggleAttribute(name, value);
    else if (value !== undefined && value !== null) node.setAttribute(name, value);
  }
  node.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== false));
  return node;
}

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name]);
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.append(path);
  return svg;
}

const button = (attributes, ...children) => h("button", { type: "button", part: "button", ...attributes }, ...children);
const text = (value) => (typeof value === "string" ? value : "");
const pixels = (node, name, value) => node.style.setProperty(name, `${value}px`);

/** An address on http or https, or "": what a service says is no reason to run a script. */
function address(value, base = document.baseURI) {
  if (!text(value)) return "";
  try {
    const url = new URL(value, base);
    return /^https?:$/.test(url.protocol) ? url.href : "";
  } catch {
    return "";
  }
}

// -- pictures and shortcodes ----------------------------------------------------------------------------------

function size(value) {
  const url = address(value?.url);
  return url ? { url, width: Number(value.width) || 0, height: Number(value.height) || 0 } : null;
}

/** A picture as the search answers it, checked; undefined if its id is none. */
function picture(raw) {
  if (!ID.test(text(raw?.id))) return undefined;
  const preview = size(raw.preview);
  const thumb = size(raw.thumb) ?? preview;
  const [width, height] = [Number(raw.width) || thumb?.width || 3, Number(raw.height) || thumb?.height || 2];
  return {
    id: raw.id, title: text(raw.title), caption: text(raw.caption), photographer: text(raw.photographer),
    collection: text(raw.collection), date: text(raw.date_created) || null, family: text(raw.family),
    orientation: text(raw.orientation) || (width > height ? "horizontal" : width < height ? "vertical" : "square"),
    width, height, thumb, preview: preview ?? thumb, pageUrl: address(raw.page_url),
    restrictions: Array.isArray(raw.restrictions) ? raw.restrictions.map(text).filter(Boolean) : [],
    credit: Object.fromEntries(
      ["line", "photographer", "collection", "agency"].map((name) => [name, text(raw.credit?.[name])]),
    ),
  };
}

function resolved(record) {
  const agency = "Getty Images";
  const { photographer, collection } = record;
  const thumb = { url: record.thumbnail_url, width: record.thumbnail_width, height: record.thumbnail_height };
  const line = [photographer, collection, agency].filter((name, place, all) => name && all.indexOf(name) === place);
  return picture({
    ...record, id: record.ref, thumb, credit: { line: line.join(" / "), photographer, collection, agency },
  });
}

const SWITCHES = /^(?:true|yes|on|false|no|off)$/i;
const entity = (sign) => `&#${sign.charCodeAt(0)};`;

/** The shortcode of a picture, as embedkit.shortcodes.format writes it. */
export function shortcode(id, { width, caption, align, title, target } = {}) {
  const said = Object.entries({ width, caption, align, title, target }).filter(([, value]) => value);
  if (!said.length) return `[getty ${id}]`;
  const written = said.map(([name, value]) => {
    let words = String(value).replace(/\s+/g, " ").trim();
    if (name === "caption" && value !== true && SWITCHES.test(words)) words = `\0${words}`; // a text, no switch
    return ` ${name}="${words.replace(/[\\[\]`&<>"']|\0./g, (sign) => entity(sign.at(-1)))}"`;
  });
  return `[getty src="${id}"${written.join("")}]`;
}

/** The reference in a text that is one (a link, an id, embed code), else "": then it is searched for. */
export function reference(written) {
  const named = NAMED.exec(written);
  if (named) return named[1];
  return REFERENCE.test(written) ? written : "";
}

// -- the layout -----------------------------------------------------------------------------------------------

/** Rows of tiles, [[{width, height}, …], …], each as wide as the space, breaks chosen for all rows together. */
export function justify(ratios, space, target, gap) {
  const best = [{ cost: 0, from: 0, height: 0 }];
  for (let end = 1; end <= ratios.length; end++) {
    let sum = 0;
    best[end] = { cost: Infinity };
    for (let from = end - 1; from >= 0 && end - from <= 24; from--) {
      sum += ratios[from];
      let height = (space - gap * (end - from - 1)) / sum;
      let off = Math.log(height / target) ** 2;
      if (end === ratios.length && height > target * 1.35) [height, off] = [target * 1.1, 0.15];
      const cost = best[from].cost + off;
      if (cost < best[end].cost) best[end] = { cost, from, height };
      if (height < target / 3) break;
    }
  }
  const rows = [];
  for (let end = ratios.length; end > 0; end = best[end].from) {
    const { from, height } = best[end];
    const tall = Math.max(1, Math.round(height));
    const row = ratios.slice(from, end).map((ratio) => ({ width: Math.max(1, Math.floor(ratio * height)), height: tall }));
    const left = space - gap * (row.length - 1) - row.reduce((all, tile) => all + tile.width, 0);
    if (left < row.length * 2) row.at(-1).width += Math.floor(left); // what rounding took
    rows.unshift(row);
  }
  return rows;
}

// -- the service ----------------------------------------------------------------------------------------------

class Problem extends Error {
  constructor(type, said) {
    super(type);
    Object.assign(this, { type: type || "error", status: 0, retryAfter: null, ...said });
  }
  get state() {
    return STATES[this.type] ?? "server";
  }
}

function secondsLeft(header) {
  const seconds = /^\d+$/.test(header) ? Number(header) : Math.ceil((Date.parse(header) - Date.now()) / 1000);
  return seconds > 0 ? seconds : null;
}

/** What is asked of embedkit's service, and what was answered a moment ago. */
class Service {
  #host;
  #answers = new Map();
  #facades = new Map();

  constructor(host) {
    this.#host = host;
  }

  get base() {
    const said = this.#host.getAttribute("endpoint");
    return (said === null ? new URL("..", HERE) : new URL(said, document.baseURI)).href.replace(/\/*([?#].*)?$/, "");
  }

  async #call(path, { signal, body, grant, patience = PATIENCE } = {}) {
    const asked = {
      method: body ? "POST" : "GET",
      headers: { ...(body && { "Content-Type": "application/json" }), ...(grant && { Authorization: `Bearer ${grant}` }) },
      body: body && JSON.stringify(body),
      redirect: "error", // a grant follows nobody elsewhere
      signal: AbortSignal.any([AbortSignal.timeout(patience), ...(signal ? [signal] : [])]),
    };
    let response;
    let answer;
    try {
      response = await fetch(this.base + path, asked);
      answer = await response.json();
    } catch (error) {
      if (signal?.aborted) throw error;
      if (!response) throw new Problem(navigator.onLine === false ? "offline" : "unreachable");
    }
    if (response.ok && answer) return { answer, response };
    throw new Problem(text(answer?.code), {
      status: response.status, retryAfter: secondsLeft(response.headers.get("Retry-After")),
      detail: text(answer?.detail), docs: address(answer?.type, response.url),
    });
  }

  /** One page of a search; a copy of the last minutes does, and an older one where there is no answer now. */
  async search(query, filters, page, signal) {
    const said = { q: query, page, page_size: Number(this.#host.getAttribute("page-size")) || 30, ...filters };
    const path = `/v1/search?${new URLSearchParams({ ...said, lang: this.#host.language })}`;
    const held = this.#answers.get(path);
    if (held && Date.now() - held.at < FRESH) return held.found;
    try {
      const { answer, response } = await this.#call(path, { signal, grant: this.#host.getAttribute("grant") });
      const found = {
        total: Number(answer.total) || 0, page, images: (answer.images ?? []).map(picture).filter(Boolean),
        related: (answer.related ?? []).map(text).filter(Boolean), pageSize: Number(answer.page_size) || 30,
        language: response.headers.get("Content-Language") ?? "",
        left: response.headers.get("Search-Budget-Remaining"), budget: response.headers.get("Search-Budget-Limit"),
      };
      this.#answers.delete(path);
      this.#answers.set(path, { at: Date.now(), found });
      if (this.#answers.size > 40) this.#answers.delete(this.#answers.keys().next().value);
      return found;
    } catch (error) {
      if (!held || !["server", "throttled", "quota", "offline"].includes(error.state)) throw error;
      return { ...held.found, stale: error };
    }
  }

  /** The pictures that references name, as a page of results; an error only if there is none. */
  async resolve(refs, signal) {
    const { answer } = await this.#call("/v1/embeds", { signal, body: { refs } });
    const failed = answer.embeds?.find((one) => one.error)?.error;
    const images = (answer.embeds ?? []).filter((one) => !one.error).map(resolved).filter(Boolean);
    if (!images.length) throw new Problem(text(failed?.code), { detail: text(failed?.detail) });
    return { total: images.length, page: 1, pageSize: images.length, images, related: [], language: "" };
  }

  /** The façade of a picture, asked for once. It tells whether the picture may be embedded, and is what is dragged. */
  facade(id) {
    if (!this.#facades.has(id)) {
      const asked = this.#call(`/v1/embeds/${id}?target=facade`).then(({ answer }) => {
        this.#facades.get(id).html = text(answer.html);
      });
      this.#facades.set(id, { asked });
      asked.catch(() => this.#facades.delete(id));
    }
    return this.#facades.get(id);
  }

  async markup(wanted, target, patience) {
    const refs = wanted.map(({ id, said: { width: maxwidth, ...said } }) => ({ ref: id, maxwidth, ...said }));
    try {
      const { answer } = await this.#call("/v1/embeds", { body: { refs, target: target || undefined }, patience });
      return wanted.map((_, place) => text(answer.embeds?.[place]?.html) || null);
    } catch {
      return wanted.map(() => null);
    }
  }

  frame(id, target, maxwidth, caption = "") {
    return `${this.base}/embed/${id}?${new URLSearchParams({ target: target || "web", maxwidth, ...(caption && { caption }) })}`;
  }
}

// -- words and style ------------------------------------------------------------------------------------------

const files = new Map();

/** A file from beside this one, once for all pickers; null where it cannot be had. */
function beside(name) {
  if (!files.has(name)) {
    const got = fetch(new URL(name + VERSION, HERE)).then((response) => (response.ok ? response.text() : null), () => null);
    got.then((found) => found ?? files.delete(name));
    files.set(name, got);
  }
  return files.get(name);
}

const SHEET = new CSSStyleSheet();

async function style() {
  const rules = await beside("embedkit-picker.css");
  if (rules && !SHEET.cssRules.length) SHEET.replaceSync(rules);
}

/** The language of ours for a tag such as de-AT or pt; only its first part counts. */
function nearest(tag) {
  const base = (one) => one.toLowerCase().split("-")[0];
  return LANGUAGES.find((one) => base(one) === base(tag)) ?? "en";
}

/** What a picker says, in one language: words(key, {values}). Plurals go by n; numbers are written as is usual. */
async function dictionary(tag, own) {
  let language = nearest(tag);
  let found = await beside(`locales/${language}.json`);
  if (!found) found = await beside(`locales/${(language = "en")}.json`);
  const table = { ...JSON.parse(found ?? "{}"), ...own };
  const plural = new Intl.PluralRules(language);
  const number = new Intl.NumberFormat(language);
  const say = (key, values = {}) => {
    const entry = table[key] ?? key;
    const written = typeof entry === "object" ? entry[plural.select(values.n ?? values.total ?? 0)] ?? entry.other : entry;
    return String(written).replace(/\{(\w+)\}/g, (hole, name) => {
      const value = values[name];
      return typeof value === "number" ? number.format(value) : value ?? hole;
    });
  };
  const date = (value) => {
    const time = Date.parse(value ?? "");
    return Number.isNaN(time) ? "" : new Intl.DateTimeFormat(language, { dateStyle: "long", timeZone: "UTC" }).format(time);
  };
  return Object.assign(say, { language, date, list: (key) => [table[key] ?? []].flat(), rtl: table.direction === "rtl" });
}

// -- what the browser remembers -------------------------------------------------------------------------------

/** A short list in localStorage, newest first. Storage may be blocked: then there is nothing to remember. */
class Memory {
  constructor(name) {
    this.name = `embedkit:${name}`;
  }
  get all() {
    try {
      return JSON.parse(localStorage.getItem(this.name)).filter((one) => typeof one === "string").slice(0, RECENT);
    } catch {
      return [];
    }
  }
  set all(values) {
    try {
      localStorage.setItem(this.name, JSON.stringify(values));
    } catch { /* blocked, or full */ }
  }
  add(value) {
    this.all = [value, ...this.all.filter((one) => one.toLowerCase() !== value.toLowerCase())].slice(0, RECENT);
  }
}

// -- the results ----------------------------------------------------------------------------------------------

/** The listbox: tiles in rows, one of them in the tab order. Order of keys, of reading and of sight are one. */
class Grid {
  images = [];
  tiles = [];
  #rows = []; // [{first, centres}]
  #pages = []; // where each page of results starts: its rows never change when more come
  #active = 0;

  constructor(picker) {
    this.picker = picker;
    const on = (act) => (event) => {
      const place = this.tiles.indexOf(event.target.closest(".tile"));
      if (place >= 0) act(place, event);
    };
    this.list = h("div", {
      class: "grid", role: "listbox", "aria-label": picker.words("results"), "aria-describedby": "help",
      "aria-multiselectable": picker.multiple ? "true" : null,
      keydown: on((place, event) => this.#key(place, event)),
      click: on((place, event) => this.#click(place, event)),
      focusin: on((place) => {
        this.#enter(place);
        picker.emit("focus", { id: this.images[place].id, title: this.images[place].title });
      }),
      dragstart: on((place, event) => picker.carry(event, this.images[place])),
      pointerdown: on((place) => picker.service.facade(this.images[place].id)),
    });
  }

  clear() {
    [this.images, this.tiles, this.#pages, this.#active] = [[], [], [], 0];
    this.list.replaceChildren();
  }

  add(images, total) {
    this.#pages.push(this.images.length);
    const first = this.images.length;
    this.images.push(...images);
    const tiles = images.map((image, place) => this.#tile(image, first + place));
    this.tiles.push(...tiles);
    this.list.append(...tiles);
    for (const tile of this.tiles) tile.setAttribute("aria-setsize", total);
    this.layout();
    this.mark();
  }

  #tile(image, place) {
    const { words } = this.picker;
    const title = this.picker.titleOf(image);
    const name = image.photographer ? words("option", { title, who: image.photographer }) : title;
    const tile = h("div", {
      class: "tile", part: "tile", role: "option", id: `tile-${place}`, tabindex: place === this.#active ? 0 : -1,
      "aria-label": name, "aria-posinset": place + 1, draggable: "true", lang: this.picker.textLanguage,
    });
    const shot = h("div", { class: "shot" });
    if (image.thumb) shot.append(this.#image(image));
    tile.append(shot, h("span", { class: "by", dir: "auto" }, image.photographer || title));
    if (this.picker.multiple) tile.append(h("span", { class: "mark" }));
    return tile;
  }

  #image({ thumb, preview }) {
    const sources = [thumb, preview].filter((one) => one.width).map((one) => `${one.url.replace(/[\s,]/g, encodeURIComponent)} ${one.width}w`);
    const img = h("img", {
      alt: "", loading: "lazy", decoding: "async", draggable: "false",
      load: () => img.classList.add("there"), error: () => img.remove(),
    });
    if (sources.length > 1) img.srcset = sources.join(", ");
    img.sizes = "200px";
    img.src = thumb.url;
    return img;
  }

  layout() {
    const style = getComputedStyle(this.list);
    const space = this.list.clientWidth;
    if (!space || !this.tiles.length) return;
    const gap = parseFloat(style.columnGap) || 0;
    const target = this.#target(style, space);
    this.#rows = [];
    this.#pages.forEach((start, page) => {
      const part = this.images.slice(start, this.#pages[page + 1]);
      const ratios = part.map((image) => Math.min(3.2, Math.max(0.5, image.width / image.height)));
      let place = start;
      for (const row of justify(ratios, space, target, gap)) {
        let across = 0;
        this.#rows.push({ first: place, centres: row.map(({ width }) => (across += width + gap) - gap - width / 2) });
        for (const tile of row) this.#put(this.tiles[place++], tile);
      }
    });
  }

  #put(tile, { width, height }) {
    pixels(tile, "inline-size", width);
    pixels(tile.firstChild, "block-size", height);
    const img = tile.querySelector("img");
    if (img) img.sizes = `${width}px`;
  }

  #target(style, space) {
    const columns = Number(this.picker.host.getAttribute("columns"));
    if (columns > 0) return space / columns / 1.4;
    const said = parseFloat(style.getPropertyValue("--ek-row"));
    return said || (space < 480 ? 104 : this.picker.host.hasAttribute("compact") ? 132 : 176);
  }

  get active() {
    return this.#active;
  }

  focus(place) {
    this.tiles[place]?.focus();
    this.tiles[place]?.scrollIntoView({ block: "nearest" });
  }

  #enter(place) {
    this.tiles[this.#active]?.setAttribute("tabindex", "-1");
    this.#active = place;
    this.tiles[place]?.setAttribute("tabindex", "0");
  }

  /** Show what is chosen: aria-selected is what is selected, or whose details are open. */
  mark() {
    const { selection, multiple, open } = this.picker;
    const order = [...selection.keys()];
    this.images.forEach((image, place) => {
      const turn = order.indexOf(image.id);
      const tile = this.tiles[place];
      tile.setAttribute("aria-selected", String(multiple ? turn >= 0 : open === place));
      tile.classList.toggle("open", open === place);
      if (multiple) tile.lastChild.textContent = turn >= 0 ? this.picker.words("{n}", { n: turn + 1 }) : "";
    });
  }

  #click(place, event) {
    const { picker } = this;
    const picks = event.shiftKey || event.ctrlKey || event.metaKey || event.target.closest(".mark");
    this.#enter(place);
    picker.multiple && picks ? picker.pick(place, event.shiftKey) : picker.show(place, { pointer: true });
  }

  #key(place, event) {
    const { picker } = this;
    const { key } = event;
    if (event.altKey || event.metaKey) return;
    if (key === " " && picker.multiple) picker.pick(place, event.shiftKey);
    else if (key === " " || (key === "Enter" && !event.ctrlKey)) picker.show(place);
    else {
      const goal = this.#goal(event, place);
      if (goal === undefined) return;
      this.focus(goal);
    }
    event.preventDefault();
  }

  #goal({ key, ctrlKey }, place) {
    const forward = this.picker.rtl ? "ArrowLeft" : "ArrowRight";
    const last = this.tiles.length - 1;
    const row = this.#rows.findLastIndex(({ first }) => first <= place);
    const end = (this.#rows[row + 1]?.first ?? last + 1) - 1;
    switch (key) {
      case "ArrowRight": case "ArrowLeft": return Math.min(last, Math.max(0, place + (key === forward ? 1 : -1)));
      case "ArrowDown": return this.#across(row, 1, place);
      case "ArrowUp": return this.#across(row, -1, place);
      case "PageDown": return this.#across(row, this.#screen, place);
      case "PageUp": return this.#across(row, -this.#screen, place);
      case "Home": return ctrlKey ? 0 : this.#rows[row].first;
      case "End": return ctrlKey ? last : end;
      default: return undefined;
    }
  }

  #across(row, by, place) {
    const goal = Math.min(this.#rows.length - 1, Math.max(0, row + by));
    if (goal === row) return place;
    const here = this.#rows[row].centres[place - this.#rows[row].first];
    const { first, centres } = this.#rows[goal];
    const distance = (at) => Math.abs(centres[at] - here);
    return first + centres.reduce((near, _, at) => (distance(at) < distance(near) ? at : near), 0);
  }

  get #screen() {
    return Math.max(1, Math.floor(this.picker.main.clientHeight / this.tiles[this.#active].offsetHeight) - 1);
  }
}

// -- the details of one picture -------------------------------------------------------------------------------

const untouched = () => ({ alt: null, align: "", width: "", caption: "none", words: null, target: "" });

/** The pane: made anew for every picture, filled with what was said of it before. */
class Details {
  #view = "picture";
  #secret = "";
  #pause = 0;

  constructor(picker) {
    this.picker = picker;
    this.node = h("section", { class: "side", part: "details", hidden: true, "aria-labelledby": "details-title" });
  }

  close() {
    clearTimeout(this.#pause);
    this.node.hidden = true;
    this.node.replaceChildren();
    this.image = null;
  }

  show(image, place, total) {
    const { picker } = this;
    this.image = image;
    this.gone = false;
    this.said = picker.saidOf(image.id);
    this.heading = h("h3", { id: "details-title", tabindex: "-1", ...picker.foreign }, picker.titleOf(image));
    this.problem = h("p", { class: "problem", hidden: true });
    this.stage = h("div", { class: "stage" });
    const change = () => this.#said();
    this.form = h("form", { class: "sheet", input: change, change, submit: (event) => {
      event.preventDefault();
      if (!this.gone) picker.insert([image]);
    } },
      h("div", { class: "scroll" }, this.stage, this.#views(), this.heading, this.#caption(), this.problem, this.#facts(),
        this.#options()),
      this.#actions());
    this.node.replaceChildren(this.#bar(place, total), this.form);
    this.node.hidden = false;
    this.#look();
    this.#said();
  }

  #bar(place, total) {
    const { picker, picker: { words } } = this;
    const plain = (name, label, act, off = false) => button(
      { class: `plain ${name}`, "aria-label": words(label), "aria-disabled": String(off), click: () => off || act() }, icon(name));
    return h("div", { class: "bar" },
      plain("previous", "previous", () => picker.step(-1), place === 0),
      plain("next", "next", () => picker.step(1), place + 1 >= total),
      h("span", { class: "count" }, words("count", { shown: place + 1, total })),
      plain("close", "details_close", () => picker.hide()));
  }

  #views() {
    const { words } = this.picker;
    const change = (event) => {
      event.stopPropagation();
      this.#view = event.target.value;
      this.#look();
    };
    return h("fieldset", { class: "views segments", change }, h("legend", { class: "unseen" }, words("view")),
      ["picture", "embed"].map((value) => radio("view", value, this.#view === value, words(`view_${value}`))));
  }

  #look() {
    const page = this.#view === "embed";
    this.stage.classList.toggle("page", page);
    this.stage.style.removeProperty("block-size");
    if (page) this.#preview();
    else this.stage.replaceChildren(this.#picture());
  }

  #picture() {
    const { image, picker } = this;
    const { url, width = image.width, height = image.height } = image.preview ?? {};
    if (!url) return h("div", { class: "blank" }, icon("picture"));
    const img = h("img", { alt: image.title, src: url, draggable: "true", dragstart: (event) => picker.carry(event, image) });
    img.style.setProperty("aspect-ratio", `${width} / ${height}`);
    return img;
  }

  /** The service's page of the embed, among lines that stand for text; or the markup, where that is no page. */
  async #preview() {
    const { image, said, picker, stage } = this;
    const { words } = picker;
    if (!FRAMED.includes(said.target)) {
      const code = h("pre", { class: "markup", tabindex: "0", dir: "ltr" }, words("preview_loading"));
      stage.style.removeProperty("block-size");
      stage.replaceChildren(code);
      code.textContent = (await picker.html(image)) ?? words("html_failed");
      return;
    }
    this.#secret = Math.random().toString(36).slice(2);
    const wide = Math.min(Number(said.width) || 594, /t$/.test(said.align) ? 320 : 592); // left and right float
    const { caption } = picker.optionsOf(image);
    this.frame = h("iframe", {
      src: `${picker.service.frame(image.id, said.target, wide, caption)}#?secret=${this.#secret}`, scrolling: "no",
      title: words("preview", { title: picker.titleOf(image) }), class: `frame ${said.align}`,
      referrerpolicy: "strict-origin-when-cross-origin",
    });
    pixels(this.frame, "inline-size", wide);
    pixels(this.frame, "block-size", (wide * image.height) / image.width + 34);
    const lines = (name) => h("div", { class: `lines ${name}` });
    this.paper = h("div", { class: "paper" }, lines("short"), this.frame, lines(""), lines("clear"));
    stage.replaceChildren(this.paper);
    this.fit();
  }

  /** The paper is 640 px wide, as text on a page may be, and shown as large as there is room. */
  fit() {
    if (!this.paper?.isConnected) return;
    const scale = this.stage.clientWidth / 640;
    this.paper.style.setProperty("transform", `scale(${scale})`);
    pixels(this.stage, "block-size", Math.min(460, this.paper.offsetHeight * scale));
  }

  /** The frame tells its height to who knows the secret: WordPress's handshake, from our own service alone. */
  heard({ source, origin, data }) {
    if (source !== this.frame?.contentWindow || origin !== new URL(this.picker.service.base).origin) return;
    if (data?.message !== "height" || data.secret !== this.#secret || !(data.value > 0)) return;
    pixels(this.frame, "block-size", Math.min(2000, data.value));
    this.fit();
  }

  #caption() {
    const { image, picker: { words, foreign } } = this;
    if (!image.caption) return null;
    const caption = h("p", { class: "caption", ...foreign }, image.caption);
    const more = button({ class: "link", hidden: true, "aria-expanded": "false", click: () => {
      const open = caption.classList.toggle("all");
      more.setAttribute("aria-expanded", String(open));
      more.textContent = words(open ? "text_less" : "text_more");
    } }, words("text_more"));
    requestAnimationFrame(() => { more.hidden = caption.scrollHeight <= caption.clientHeight + 1; });
    return [caption, more];
  }

  #facts() {
    const { image, picker: { words, foreign } } = this;
    const kind = /^(creative|editorial)$/.test(image.family) && words(`family_${image.family}`);
    const facts = [
      ["photographer", image.photographer, foreign], ["collection", image.collection, foreign],
      ["date", words.date(image.date)], ["size", words("size_value", { width: image.width, height: image.height })],
      ["use", [kind, ...image.restrictions].filter(Boolean).join(" · ")], ["id", image.id, foreign],
    ];
    return [
      h("dl", {}, facts.filter(([, fact]) => fact).map(([name, fact, lang]) =>
        h("div", {}, h("dt", {}, words(name)), h("dd", { ...lang }, fact)))),
      image.pageUrl && outward(words, image.pageUrl, "page"),
    ];
  }

  #options() {
    const { image, said, picker: { words } } = this;
    const field = (name, label, control, hint) =>
      h("div", { class: `field ${name}` }, h("label", { for: `said-${name}` }, words(label)), control, hint);
    const control = (tag, name, value, attributes, ...children) => {
      const node = h(tag, { id: `said-${name}`, name, ...attributes }, ...children);
      if (value !== undefined) node.value = value;
      return node;
    };
    const choose = (name, values) => h("span", { class: "pick" }, control("select", name, undefined, {},
      ...values.map((value) => option(value, words(`${name}_${value || "default"}`), value === said[name]))), icon("down"));
    const align = (value) => {
      const one = radio("align", value, said.align === value, icon(value || "none"));
      one.title = words(`align_${value || "none"}`);
      one.firstChild.setAttribute("aria-label", one.title);
      return one;
    };
    this.hint = h("p", { id: "alt-hint", class: "hint" });
    this.own = control("textarea", "words", said.words ?? image.caption.slice(0, LONGEST), { rows: 3, maxlength: LONGEST, dir: "auto" });
    return h("fieldset", { class: "options" }, h("legend", {}, words("options")),
      field("alt", "alt", control("textarea", "alt", said.alt ?? image.title,
        { rows: 2, maxlength: 300, dir: "auto", "aria-describedby": "alt-hint" }), this.hint),
      h("fieldset", { class: "field align" }, h("legend", {}, words("align")),
        h("div", {}, ["", "left", "center", "right"].map(align))),
      field("width", "width", control("input", "width", said.width,
        { type: "number", min: 100, max: 2000, inputmode: "numeric", placeholder: words("width_hint") })),
      field("caption", "caption", choose("caption", ["none", "getty", "own"])),
      field("words", "caption_text", this.own),
      field("target", "target", choose("target", ["", ...TARGETS])));
  }

  #actions() {
    const { image, picker, picker: { words } } = this;
    this.code = h("code", {
      class: "code", dir: "ltr", tabindex: "0", role: "textbox", "aria-readonly": "true", "aria-label": words("copy_shortcode"),
    });
    const copy = (name, what) => button({
      class: "small", "aria-label": words(`copy_${name}_label`),
      click: ({ currentTarget }) => picker.copy(currentTarget, words(`copy_${name}`), what()),
    }, words(`copy_${name}`));
    this.select = picker.multiple && button({ class: "select", click: () => picker.pick(picker.open) });
    this.insert = h("button", { part: "button", class: "primary", "aria-keyshortcuts": "Control+Enter" }, words("insert"));
    return h("div", { class: "actions" }, this.code,
      h("div", { class: "row copies", role: "group", "aria-label": words("copy") }, h("span", { "aria-hidden": "true" }, words("copy")),
        copy("shortcode", () => picker.choice(image).shortcode), copy("html", () => picker.html(image)),
        copy("link", () => picker.choice(image).url)),
      h("div", { class: "row" }, this.select, this.insert));
  }

  #said() {
    const { image, said, picker } = this;
    const { alt, align, width, caption, words, target } = this.form.elements;
    const before = JSON.stringify(said);
    const other = (field, first) => (field.value.trim() === first.trim() ? null : field.value.trim());
    Object.assign(said, {
      alt: other(alt, image.title), align: align.value, width: width.validity.valid ? width.value : "", caption: caption.value,
      words: other(words, image.caption.slice(0, LONGEST)), target: target.value,
    });
    this.own.parentNode.hidden = said.caption !== "own";
    this.hint.textContent = said.alt ? "" : picker.words("alt_hint");
    const { shortcode: written } = picker.choice(image);
    this.code.textContent = written;
    this.own.setCustomValidity(written.length > LONGEST_TAG ? picker.words("too_long") : "");
    this.mark();
    if (before === JSON.stringify(said) || this.#view !== "embed") return;
    clearTimeout(this.#pause);
    this.#pause = setTimeout(() => this.#preview(), DEBOUNCE);
  }

  mark() {
    if (!this.select || !this.image) return;
    const on = this.picker.selection.has(this.image.id);
    this.select.setAttribute("aria-pressed", String(on));
    this.select.replaceChildren(on ? icon("check") : "", this.picker.words("select"));
  }

  busy(on) {
    this.insert?.setAttribute("aria-disabled", String(on || this.gone));
    this.insert?.replaceChildren(this.picker.words(on ? "inserting" : "insert"));
  }

  /** Say what is wrong with this picture: it is gone, or may not be embedded, and is not inserted. */
  fail({ state }) {
    const { words } = this.picker;
    this.gone = true;
    this.busy(false);
    this.picker.alert(`${words(`${state}_title`)}. ${words(`${state}_text`)}`, this.problem);
  }
}

function option(value, says, selected) {
  const one = h("option", { value }, says);
  one.selected = selected;
  return one;
}

function radio(name, value, checked, ...says) {
  const input = h("input", { type: "radio", name, value });
  input.checked = checked;
  return h("label", { class: "segment" }, input, h("span", {}, ...says));
}

const outward = (words, href, key) => h("a", { class: "link", href, target: "_blank", rel: "noopener noreferrer" },
  words(key), h("span", { class: "unseen" }, ` ${words("new_tab")}`), icon("out"));

// -- the whole of it ------------------------------------------------------------------------------------------

/** What is to be seen, and what happens: search, results, details, selection. The element is its door. */
class Panel {
  selection = new Map(); // pictures by id, in the order of choice
  filters = { ...UNFILTERED };
  open = -1; // whose details are shown
  textLanguage = null;
  frame = h("section", { class: "picker", part: "picker", "aria-labelledby": "title" });
  #said = new Map();
  #recent = new Memory("recent");
  #used = new Memory("used");
  #turn = 0;
  #asked = null; // what the results are of: {query, filters, page, total, more}
  #failed = null;
  #pointer = false; // not the keyboard
  #timers = {};

  constructor(host) {
    this.host = host;
    this.service = new Service(host);
    this.frame.addEventListener("keydown", (event) => this.#key(event));
    for (const name of ["pointerdown", "wheel", "touchmove", "keydown"]) {
      this.frame.addEventListener(name, () => {
        const before = this.#pointer;
        this.#pointer = name !== "keydown";
        if (!before && this.#pointer) this.#near();
      }, { capture: true, passive: true });
    }
    this.resizes = new ResizeObserver(() => this.#resize());
    this.nearEnd = new IntersectionObserver((seen) => {
      if (seen.some((one) => one.isIntersecting) && this.#pointer && host.getAttribute("autoload") !== "off") this.more();
    }, { scrollMargin: "600px" });
  }

  get multiple() {
    return this.host.hasAttribute("multiple");
  }
  get rtl() {
    return this.frame.dir === "rtl";
  }
  get modal() {
    return this.frame.hasAttribute("data-modal");
  }
  get narrow() {
    return this.frame.hasAttribute("data-narrow");
  }

  get remembers() {
    return this.host.getAttribute("recent") !== "off";
  }
  /** What texts that came with the pictures are: in the language asked for, or in English. */
  get foreign() {
    return { dir: "auto", lang: this.textLanguage };
  }

  titleOf({ title, id }) {
    return title || this.words("untitled", { id });
  }

  emit(name, detail = {}, cancelable = false) {
    return this.host.dispatchEvent(new CustomEvent(`embedkit-${name}`, { detail, cancelable, bubbles: true, composed: true }));
  }

  // -- making it ----------------------------------------------------------------------------------------------

  build(words) {
    this.words = words;
    this.frame.lang = words.language;
    this.frame.dir = this.host.getAttribute("dir") || (words.rtl ? "rtl" : getComputedStyle(this.host).direction);
    const query = this.input?.value ?? "";
    this.#asked = null;
    this.details = new Details(this);
    this.grid = new Grid(this);
    this.status = h("div", { class: "unseen", role: "status" });
    this.alarm = h("div", { class: "unseen", role: "alert" });
    this.notice = h("div", { class: "notice", hidden: true });
    this.suggestions = h("div", { class: "related", role: "group", "aria-label": words("related"), hidden: true });
    this.panel = h("div", { class: "panel", part: "state", hidden: true });
    this.tail = h("div", { class: "tail" });
    this.bones = h("div", { class: "grid bones", hidden: true }, Array.from({ length: 18 }, () => h("i")));
    this.footer = h("div", { class: "footer", part: "footer", hidden: true, role: "group", "aria-label": words("selection") });
    this.chosen = h("div", { class: "footer chosen", part: "footer", hidden: true });
    this.main = h("div", { class: "main" },
      this.notice, this.panel, this.suggestions, this.bones, this.grid.list, this.tail,
      h("p", { id: "help", hidden: true }, words(this.multiple ? "results_help_multiple" : "results_help")));
    this.frame.replaceChildren(this.#top(), this.#tools(), h("div", { class: "progress" }),
      h("div", { class: "body" }, this.main, this.details.node), this.footer, this.chosen, this.status, this.alarm);
    this.resizes.disconnect();
    for (const node of [this.frame, this.grid.list]) this.resizes.observe(node);
    this.input.value = query;
    this.#resize();
    this.sync();
  }

  #top() {
    const { words, host } = this;
    this.input = h("input", {
      type: "search", "aria-label": words("search_label"), placeholder: words("search_hint"), enterkeyhint: "search",
      autocapitalize: "none", autocomplete: "off", spellcheck: "false", dir: "auto",
      input: (event) => event.isComposing || this.#typed(), compositionend: () => this.#typed(),
    });
    this.wipe = button({ class: "plain", "aria-label": words("search_clear"), hidden: true, click: () => {
      this.input.value = "";
      this.input.focus();
      this.#run();
    } }, icon("close"));
    const search = h("form", { class: "search", role: "search", part: "search", submit: (event) => {
      event.preventDefault();
      this.#run().then(() => this.#remember());
    } }, h("button", { class: "plain", "aria-label": words("search") }, icon("search")), this.input, this.wipe);
    return h("div", { class: "top" },
      h("h2", { id: "title" }, words("title")), search,
      host.hasAttribute("sandbox") && h("p", { class: "badge", part: "badge" }, words("sandbox")),
      button({ class: "plain close", "aria-label": words("close"), click: () => host.cancel() }, icon("close")));
  }

  // -- filters ------------------------------------------------------------------------------------------------

  #tools() {
    const wanted = this.host.getAttribute("filters")?.replace("type", "family").split(/[\s,]+/);
    this.controls = Object.keys(FILTERS).filter((key) => wanted?.includes(key) ?? true).map((key) => this.#filter(key));
    this.toggle = button({ class: "pill toggle", "aria-expanded": "false", "aria-controls": "filters", click: () => {
      const open = this.toggle.getAttribute("aria-expanded") !== "true";
      this.toggle.setAttribute("aria-expanded", String(open));
      this.frame.toggleAttribute("data-filters", open);
    } });
    this.clear = button({ class: "link", hidden: true, click: () => this.filter(UNFILTERED, true) }, this.words("filters_clear"));
    this.count = h("p", { class: "count" });
    return h("div", { class: "tools" },
      this.controls.length > 0 && this.toggle,
      h("div", { class: "filters", part: "filters", id: "filters", role: "group", "aria-label": this.words("filters") },
        this.controls.map(({ node }) => node), this.clear),
      this.count);
  }

  #filter(key) {
    const { words } = this;
    const { name, values } = FILTERS[key];
    const change = ({ target }) => this.filter({ [name]: target.type === "checkbox" ? target.checked : target.value });
    if (key === "family") {
      const kinds = Object.keys(values).map((value) => radio(key, value, false, words(`family_${value}`)));
      const node = h("fieldset", { class: "segments", change }, h("legend", { class: "unseen" }, words(key)), kinds);
      return { key, node, set: (value) => kinds.forEach(({ firstChild: one }) => { one.checked = one.value === value; }) };
    }
    if (key === "nudity") {
      const box = h("input", { type: "checkbox", change });
      return { key, node: h("label", { class: "tick" }, box, words(key)), set: (value) => { box.checked = value; } };
    }
    const select = h("select", { "aria-label": words(key), change });
    const node = h("span", { class: `pick pill ${key}` }, select, icon("down"));
    return { key, node, set: (value) => this.#offer(key, select, node, value) };
  }

  /** The choices of a select, the first of them named as the filter is; "oldest" is for editorial pictures alone. */
  #offer(key, select, node, value) {
    const { values } = FILTERS[key];
    const names = Object.keys(values).filter((name) => name !== "oldest" || this.filters.family === "editorial");
    select.replaceChildren(...names.map((name) =>
      option(values[name], this.words(name === "any" ? key : `${key}_${name}`), values[name] === value)));
    node.classList.toggle("set", select.value !== "");
    if (key === "color") node.style.setProperty("--ek-dot", value ? `#${value}` : "transparent");
  }

  filter(said, focus = false) {
    Object.assign(this.filters, said);
    this.sync();
    this.#run();
    if (focus) this.input.focus();
  }

  sync() {
    for (const { key, node, set } of this.controls) {
      node.hidden = FILTERS[key].not === this.filters.family;
      set(this.filters[FILTERS[key].name]);
    }
    const n = this.#narrowing.length;
    this.clear.hidden = n === 0;
    this.toggle.replaceChildren(icon("filter"), this.words("filters"), ...(n ? [h("span", { class: "number", "aria-hidden": "true" }, this.words("{n}", { n }))] : []));
    n ? this.toggle.setAttribute("aria-label", this.words("filters_set", { n })) : this.toggle.removeAttribute("aria-label");
  }

  /** The filters in force, by their names for the service: none that the family does not take. */
  get #inForce() {
    const { family } = this.filters;
    return Object.fromEntries(Object.values(FILTERS).map(({ name, not }) => [name, this.filters[name], not])
      .filter(([, value, not]) => value !== "" && not !== family && (value !== "oldest" || family === "editorial")));
  }

  get #narrowing() {
    return Object.entries(this.#inForce).filter(([name, value]) => value !== UNFILTERED[name]);
  }

  // -- searching ----------------------------------------------------------------------------------------------

  #typed() {
    const query = this.input.value.trim();
    this.wipe.hidden = !this.input.value;
    clearTimeout(this.#timers.typing);
    if (!query) this.#run();
    else if (query.length >= (CJK.test(query) ? 2 : 3)) this.#timers.typing = setTimeout(() => this.#run(), DEBOUNCE);
  }

  search(query, filters = {}) {
    this.input.value = query;
    Object.assign(this.filters, Object.fromEntries(Object.entries(filters).filter(([name]) => name in UNFILTERED)));
    this.sync();
    return this.#run();
  }

  /** Ask for what stands in the box. A later question ends an earlier one, whose answer no longer counts. */
  async #run({ again = false } = {}) {
    clearTimeout(this.#timers.typing);
    const query = this.input.value.trim();
    const filters = this.#inForce;
    this.wipe.hidden = !this.input.value;
    const key = JSON.stringify([query, filters]);
    if (!again && query && this.#asked?.key === key) return;
    const turn = ++this.#turn;
    this.#stop?.abort();
    const stop = (this.#stop = new AbortController());
    this.#asked = { key, query, filters, page: 1, total: 0, more: false };
    if (!query) return this.#first();
    this.#waiting();
    this.emit("search", { query, filters, page: 1 });
    const ref = reference(query);
    try {
      const found = await (ref ? this.service.resolve([ref], stop.signal) : this.service.search(query, filters, 1, stop.signal));
      if (turn === this.#turn) this.#results(found, Boolean(ref));
    } catch (error) {
      if (turn === this.#turn) this.#fail(error, () => this.#run({ again: true }));
    }
  }
  #stop = null;

  #results(found, resolved) {
    const asked = Object.assign(this.#asked, { total: found.total, resolved });
    this.textLanguage = found.language || null;
    this.hide({ focus: false });
    this.grid.clear();
    this.emit("results", { query: asked.query, total: found.total, page: 1 });
    if (!found.images.length) return this.#none(found.related);
    this.#show("results");
    this.#few(found);
    this.#stale(found.stale);
    this.#related(found.related);
    this.main.scrollTop = 0;
    this.grid.add(found.images, found.total);
    this.#after(found);
    const values = { n: found.total, query: asked.query, shown: this.grid.images.length };
    this.#say(this.words(resolved ? "resolved" : "found", values));
    if (resolved && found.images.length === 1) this.show(0, { pointer: true });
  }

  /** The next page; from the keyboard, focus goes to the first of the new tiles. */
  async more({ focus = false } = {}) {
    const asked = this.#asked;
    if (!asked?.more || asked.loading || this.#failed) return;
    asked.loading = true;
    this.#end();
    const turn = this.#turn;
    this.emit("search", { query: asked.query, filters: asked.filters, page: asked.page + 1 });
    try {
      const found = await this.service.search(asked.query, asked.filters, asked.page + 1, this.#stop.signal);
      if (turn !== this.#turn) return;
      const known = new Set(this.grid.images.map(({ id }) => id));
      const images = found.images.filter(({ id }) => !known.has(id));
      const first = this.grid.images.length;
      Object.assign(asked, { loading: false, page: asked.page + 1 });
      this.grid.add(images, asked.total);
      this.emit("results", { query: asked.query, total: asked.total, page: asked.page });
      this.#after(found);
      this.#remember();
      this.#say(this.words("more_loaded", { n: images.length }));
      if (focus) this.grid.focus(Math.min(first, this.grid.images.length - 1));
    } catch (error) {
      if (turn !== this.#turn) return;
      asked.loading = false;
      this.#fail(error, () => {
        this.#failed = null;
        this.more({ focus: true });
      }, this.tail);
    }
  }

  /** Ask anew whether the end is near: an observer tells of changes alone. */
  #near() {
    this.nearEnd.disconnect();
    if (this.tail) this.nearEnd.observe(this.tail);
  }

  #after(found) {
    this.#asked.more = !this.#asked.resolved && found.images.length > 0 && this.#asked.page * found.pageSize < found.total;
    this.#end();
    this.#near();
  }

  #end() {
    const { more, loading, total, resolved } = this.#asked;
    const shown = this.grid.images.length;
    this.count.textContent = resolved ? "" : this.words("count", { shown, total });
    if (!more) return this.tail.replaceChildren(...(resolved ? [] : [h("p", { class: "end" }, this.words("end", { n: shown }))]));
    if (this.tail.firstChild?.matches?.(".more")) {
      this.tail.firstChild.textContent = this.words(loading ? "more_loading" : "more");
      this.tail.firstChild.setAttribute("aria-disabled", String(Boolean(loading)));
      return undefined;
    }
    return this.tail.replaceChildren(button({ class: "pill more", click: () => this.more({ focus: true }) }, this.words("more")));
  }

  #remember() {
    const { query, resolved, total } = this.#asked ?? {};
    if (total && !resolved && this.remembers) this.#recent.add(query);
  }

  // -- states -------------------------------------------------------------------------------------------------

  #show(state, ...children) {
    this.#failed = null;
    this.frame.dataset.state = state;
    this.frame.toggleAttribute("data-busy", false);
    this.grid.list.removeAttribute("aria-busy");
    this.panel.replaceChildren(...children.filter(Boolean));
    this.panel.hidden = !children.length;
    this.panel.className = `panel ${state}`;
    this.bones.hidden = true;
    this.notice.hidden = true;
    this.alarm.textContent = "";
    this.grid.list.hidden = state !== "results";
    if (state !== "results") {
      this.count.textContent = "";
      this.suggestions.hidden = true;
      this.tail.replaceChildren();
    }
  }

  /** Old tiles stay, dimmed; where there are none, grey ones. */
  #waiting() {
    this.#say(this.words("loading"));
    if (this.grid.tiles.length && this.frame.dataset.state === "results") {
      this.frame.toggleAttribute("data-busy", true);
      this.grid.list.setAttribute("aria-busy", "true");
      return;
    }
    this.#show("loading");
    this.frame.toggleAttribute("data-busy", true);
    this.bones.hidden = false;
  }

  #ask(query, attributes, ...says) {
    return button({ class: "pill", dir: "auto", ...attributes, click: () => {
      this.search(query).then(() => this.#remember());
      this.input.focus();
    } }, ...says);
  }

  #chips(label, items, extra) {
    const title = this.words(label);
    return h("div", { class: "chips", role: "group", "aria-label": title }, h("div", { class: "row" }, h("h4", {}, title), extra),
      h("ul", {}, items.map((item) => h("li", {}, item))));
  }

  #samples() {
    const queries = this.host.hasAttribute("sandbox") ? SAMPLES : this.words.list("samples");
    return this.#chips("samples_label", queries.map((query) => this.#ask(query, {}, icon("search"), query)));
  }

  #first() {
    this.hide({ focus: false });
    this.grid.clear();
    const { words, remembers } = this;
    const recent = remembers ? this.#recent.all : [];
    const clear = button({ class: "link", click: () => {
      this.#recent.all = this.#used.all = [];
      this.#first();
      this.input.focus();
    } }, words("recent_clear"));
    this.#show("first", h("h3", {}, words("first_title")), h("p", {}, words("first_text")),
      recent.length > 0 && this.#chips("recent", recent.map((query) => this.#ask(query, {}, icon("clock"), query)), clear),
      this.#samples());
    this.#say("");
    if (remembers && this.#used.all.length) this.#recall();
  }

  /** Pictures chosen lately, by their ids: nothing else of them is kept. */
  async #recall() {
    const { lastChild: last } = this.panel;
    const found = await this.service.resolve(this.#used.all).catch(() => null);
    if (!found || !last.isConnected) return;
    last.after(this.#chips("used", found.images.map((image) => this.#ask(`id:${image.id}`,
      { class: "used", "aria-label": this.titleOf(image) }, h("img", { alt: "", src: image.thumb?.url })))));
  }

  #none(related) {
    const { words } = this;
    const { query } = this.#asked;
    const fewer = query.split(/\s+/).slice(0, -1).join(" ");
    const narrowed = this.#narrowing.length > 0;
    this.#show("none", icon("search"), h("h3", {}, words("none_title", { query })),
      h("p", {}, words(narrowed ? "none_filters" : "none_text")),
      h("div", { class: "row" },
        narrowed && button({ class: "primary", click: () => this.filter(UNFILTERED, true) }, words("filters_clear")),
        fewer && this.#ask(fewer, {}, words("none_shorter", { query: fewer }))),
      related.length ? this.#chips("related", related.slice(0, 5).map((said) => this.#ask(said, {}, said))) : this.#samples());
    this.#say(words("none_title", { query }));
  }

  #related(queries) {
    this.suggestions.replaceChildren(...queries.slice(0, 8).map((query) => this.#ask(query, {}, query)));
    this.suggestions.hidden = !queries.length;
  }

  /** Less than a tenth of the service's searches of today is left. */
  #few({ left, budget }) {
    if (!(left * 10 < budget)) return;
    this.notice.replaceChildren(this.words("budget", { count: left }));
    this.notice.hidden = false;
  }

  #stale(problem) {
    if (!problem) return;
    this.notice.replaceChildren(h("span", {}, this.words("stale")), button({ class: "link", click: () => this.#run({ again: true }) }, this.words("retry")));
    this.notice.hidden = false;
    this.#tell(problem);
  }

  #tell({ type, status, retryAfter, state }) {
    this.emit("error", { type, status, retryAfter });
    if (state === "quota") this.emit("quota", { retryAfter });
  }

  /** Say what went wrong and offer the way on, in place of the results or below them. */
  #fail(error, again, place = null) {
    if (!(error instanceof Problem)) throw error;
    const { state } = error;
    const { words } = this;
    const title = words(`${state}_title`);
    const says = words(`${state}_text`, { setting: SETTING });
    const parts = [
      h("h3", {}, title), h("p", {}, says),
      QUOTING.includes(state) && error.detail && h("p", { class: "detail" }, words("service_says", { detail: error.detail })),
      h("div", { class: "row" },
        !FINAL.includes(state) && this.#retry(error, again),
        /setup|key/.test(state) && error.docs && outward(words, error.docs, "docs")),
    ];
    if (place) {
      this.#end();
      place.replaceChildren(h("div", { class: "failed" }, parts));
    } else {
      this.hide({ focus: false });
      this.grid.clear();
      this.#show(state, icon(STATE_ICONS[state] ?? (ICONS[state] ? state : "picture")), ...parts);
      this.#asked.key = null; // the same question may be asked again
    }
    this.#failed = { state, again };
    this.alert(`${title}. ${says}`);
    this.#tell(error);
  }

  /** A button, which counts down first where the service asks for a rest. */
  #retry({ state, retryAfter }, again) {
    const rest = { throttled: retryAfter ?? WAIT, quota: retryAfter ?? 0 }[state] ?? 0;
    const until = Date.now() + rest * 1000;
    const left = () => Math.ceil((until - Date.now()) / 1000);
    const one = button({ class: "primary", click: () => left() > 0 || again() });
    const tell = () => {
      one.setAttribute("aria-disabled", String(left() > 0));
      one.textContent = left() > 0 ? this.words("retry_in", { time: clock(left()) }) : this.words("retry");
    };
    tell();
    const timer = rest && setInterval(() => {
      tell();
      if (left() <= 0 || !one.isConnected) clearInterval(timer);
    }, 1000);
    return one;
  }

  revive(...states) {
    if (this.#failed && states.includes(this.#failed.state)) this.#failed.again();
  }

  // -- details ------------------------------------------------------------------------------------------------

  show(place, { pointer = false } = {}) {
    const image = this.grid.images[place];
    if (!image) return;
    if (this.open === place && !pointer) return this.details.heading.focus();
    const tile = this.grid.tiles[place];
    const before = tile.getBoundingClientRect().top;
    this.open = place;
    this.details.show(image, place, this.#asked.total);
    this.frame.toggleAttribute("data-details", true);
    this.#inert();
    this.grid.layout();
    this.grid.mark();
    this.main.scrollTop += tile.getBoundingClientRect().top - before; // the tile stays where it was
    tile.scrollIntoView({ block: "nearest" });
    this.#remember();
    this.service.facade(image.id).asked.catch((error) => {
      if (this.open === place && FINAL.includes(error.state)) this.details.fail(error);
    });
    if (!pointer || this.narrow) this.details.heading.focus();
  }

  async step(by) {
    if (this.open + by >= this.grid.images.length) await this.more();
    const place = this.open + by;
    if (!this.grid.images[place]) return;
    this.show(place, { pointer: true });
    this.details.node.querySelector(by > 0 ? ".next" : ".previous").focus();
  }

  hide({ focus = true } = {}) {
    if (this.open < 0) return;
    const place = this.open;
    this.open = -1;
    this.details.close();
    this.frame.toggleAttribute("data-details", false);
    this.#inert();
    this.grid.layout();
    this.grid.mark();
    if (focus) this.grid.focus(place);
  }

  /** A sheet over everything else, on narrow screens: nothing below it can be reached. */
  #inert() {
    const covered = this.narrow && this.open >= 0;
    for (const part of this.frame.children) part.inert = covered && part.matches(".top, .tools, .footer");
    this.main.inert = covered;
  }

  saidOf(id) {
    if (!this.#said.has(id)) this.#said.set(id, untouched());
    return this.#said.get(id);
  }

  /** What was said of a picture, as the service and the shortcode take it. */
  optionsOf({ id, caption }) {
    const said = this.saidOf(id);
    const words = { getty: true, own: said.words ?? caption.slice(0, LONGEST) }[said.caption];
    return { width: Number(said.width) || undefined, caption: words || undefined, align: said.align || undefined, title: said.alt || undefined };
  }

  choice(image) {
    const { width, height, credit, thumb, id, ...rest } = image;
    const options = this.optionsOf(image);
    const { title, caption, photographer, collection, date, orientation, pageUrl } = rest;
    return {
      id, title, caption, photographer, credit: { ...credit }, collection, date, orientation, width, height,
      alt: options.title ?? title, thumb: thumb?.url ?? null, pageUrl, embeddable: true,
      shortcode: shortcode(id, { ...options, target: this.saidOf(id).target }), url: `https://gty.im/${id}`,
      html: null, markdown: null, oembed: null,
    };
  }

  // -- choosing -----------------------------------------------------------------------------------------------

  pick(place, range = false) {
    const { selection } = this;
    const [from, to] = [place, range ? this.anchor ?? place : place].sort((one, other) => one - other);
    const most = Number(this.host.getAttribute("max")) || Infinity;
    const wanted = this.grid.images.slice(from, to + 1);
    let says = "";
    if (!range && selection.has(wanted[0].id)) selection.delete(wanted[0].id);
    else {
      for (const image of wanted) {
        if (selection.has(image.id) || selection.size < most) selection.set(image.id, image);
        else says = this.words("too_many", { n: most });
      }
    }
    this.anchor = place;
    this.#selected();
    if (says) this.alert(says);
    else this.#say(this.words("selected", { n: selection.size }), true);
  }

  #selected() {
    const { words, selection } = this;
    const n = selection.size;
    this.grid.mark();
    this.details.mark();
    this.footer.hidden = n === 0;
    if (!n) return this.footer.replaceChildren();
    const all = () => [...selection.values()];
    return this.footer.replaceChildren(
      h("strong", {}, words("selected", { n })),
      button({ class: "link", click: () => this.deselect() }, words("selection_clear")),
      h("span", { class: "room" }),
      n > 1 && n <= SLIDES ? button({ class: "pill", click: () => this.insert(all(), true) }, words("insert_slideshow")) : "",
      button({ class: "primary", click: () => this.insert(all()) }, words("insert_all", { n })));
  }

  deselect() {
    this.selection.clear();
    this.#selected();
    this.grid.focus(this.grid.active);
  }

  /** Hand pictures over: each for itself, or all as one slideshow. */
  async insert(images, slideshow = false) {
    if (this.inserting) return;
    const wanted = slideshow ? [this.#slideshow(images)] : images;
    const choices = wanted.map((image) => this.choice(image));
    this.emit("select-sync", together(choices));
    this.inserting = true;
    this.details.busy(true);
    try {
      await this.#complete(wanted, choices);
    } finally {
      this.inserting = false;
      this.details.busy(false);
    }
    const output = this.host.output;
    if (["html", "markdown"].includes(output) && choices.some((one) => one[output] === null)) {
      return this.alert(this.words("html_failed"), this.open >= 0 ? this.details.problem : this.notice);
    }
    const { modal } = this;
    if (!this.host.take(together(choices))) return undefined;
    if (this.remembers) for (const image of images) this.#used.add(image.id);
    this.#said.clear();
    this.selection.clear();
    this.#selected();
    this.hide({ focus: !modal });
    return this.#say(this.words("inserted", { title: choices.map(({ title, id }) => title || id).join(", ") }), true);
  }

  async #complete(wanted, choices) {
    const asked = wanted.map((image) => ({ id: image.id, said: this.optionsOf(image), target: this.saidOf(image.id).target }));
    const patience = ["html", "markdown"].includes(this.host.output) ? PATIENCE : MARKUP;
    const fill = async (name, target, which = asked) => {
      const found = await this.service.markup(which, target, patience);
      which.forEach((one, at) => { choices[asked.indexOf(one)][name] = found[at]; });
    };
    const targets = [...new Set(asked.map(({ target }) => target))];
    await Promise.all([
      ...targets.map((target) => fill("html", target, asked.filter((one) => one.target === target))),
      fill("markdown", "markdown"), fill("oembed", "oembed"),
    ]);
  }

  #slideshow(images) {
    const [first, ...others] = images;
    const title = this.words("slideshow_title", { title: first.title || first.id, n: others.length });
    return { ...first, id: images.map(({ id }) => id).join(","), title, caption: "" };
  }

  async html(image) {
    const [html] = await this.service.markup([{ id: image.id, said: this.optionsOf(image) }], this.saidOf(image.id).target, PATIENCE);
    return html;
  }

  /** To the clipboard, a text or the promise of one: Safari wants to be asked within the click. */
  async copy(control, what, given) {
    const copied = await this.#toClipboard(given);
    const value = await given;
    this.#say(value === null ? this.words("html_failed") : copied ? this.words("copied", { what }) : this.words("copy_failed"), true);
    if (!copied || value === null) return;
    control.classList.add("done");
    setTimeout(() => control.classList.remove("done"), 2000);
  }

  async #toClipboard(given) {
    try {
      if (typeof given === "string") await navigator.clipboard.writeText(given);
      else {
        const blob = given.then((html) => new Blob([html ?? ""], { type: "text/plain" }));
        await navigator.clipboard.write([new ClipboardItem({ "text/plain": blob })]);
      }
      return true;
    } catch {
      return this.#byHand((await given) ?? "");
    }
  }

  /** Without the permission, as in a frame of another origin: a field that is seen by nobody. */
  #byHand(value) {
    const focused = this.host.shadowRoot.activeElement;
    const field = h("textarea", { class: "unseen", "aria-hidden": "true" });
    field.value = value;
    this.frame.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    focused?.focus();
    return done;
  }

  carry(event, image) {
    const { shortcode: tag, pageUrl, title, credit } = this.choice(image);
    const link = h("p", {}, h("a", { href: pageUrl }, title || image.id), ` ${credit.line}`);
    event.dataTransfer.effectAllowed = "copy";
    event.dataTransfer.setData("text/plain", tag);
    if (pageUrl) event.dataTransfer.setData("text/uri-list", pageUrl);
    event.dataTransfer.setData("text/html", this.service.facade(image.id).html || link.outerHTML);
  }

  // -- the field of a form ------------------------------------------------------------------------------------

  /** Show what the field holds: a picture that is known, or one to be found by what was written. */
  async choose(value, known = null) {
    this.chosen.hidden = !(value && this.host.name);
    if (this.chosen.hidden) return;
    this.#hold(value, known);
    if (known) return;
    const id = /^\{"id":"([^"]+)/.exec(value)?.[1]; // of output=json
    const found = await this.service.resolve([id ?? value]).catch(() => null);
    if (found && this.host.value === value) this.#hold(value, this.choice(found.images[0]));
  }

  #hold(value, choice) {
    const remove = button({ class: "pill", click: () => {
      this.host.clear();
      this.#say(this.words("removed"), true);
      this.input.focus();
    } }, this.words("remove"));
    this.chosen.replaceChildren(
      choice?.thumb ? h("img", { src: choice.thumb, alt: "" }) : "",
      h("div", {}, h("span", {}, this.words("chosen")), h("b", { dir: "auto" }, choice?.title || value)),
      h("span", { class: "room" }), remove);
  }

  reset() {
    this.filters = { ...UNFILTERED };
    this.#said.clear();
    this.#selected();
    this.search("");
  }

  leave() {
    this.#stop?.abort();
    this.#turn++;
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
    this.resizes.disconnect();
    this.nearEnd.disconnect();
  }

  #say(words, now = false) {
    clearTimeout(this.#timers.speech);
    this.#timers.speech = setTimeout(() => { this.status.textContent = words; }, now ? 0 : SPEECH);
  }

  alert(words, seen = null) {
    this.alarm.textContent = words;
    seen?.replaceChildren(words);
    if (seen) seen.hidden = false;
  }

  #resize() {
    const { clientWidth: width } = this.frame;
    if (!width) return;
    this.frame.toggleAttribute("data-narrow", width < NARROW);
    this.frame.toggleAttribute("data-short", this.frame.clientHeight < 420 && !this.host.hasAttribute("compact"));
    this.#inert();
    if (this.grid.list.clientWidth !== this.laidOut) this.grid.layout();
    this.laidOut = this.grid.list.clientWidth;
    this.details.fit();
  }

  #key(event) {
    const { key, target } = event;
    const image = this.grid.images[this.open >= 0 ? this.open : this.grid.active];
    if (event.isComposing) return;
    if (key === "Escape") this.open >= 0 ? this.hide() : this.host.cancel();
    else if (key === "/" && !target.matches("input, textarea, select")) this.input.focus();
    else if (key === "Enter" && (event.ctrlKey || event.metaKey)) {
      if (this.selection.size) this.insert([...this.selection.values()]);
      else if (image && (target.matches(".tile") || (this.open >= 0 && !this.details.gone))) this.insert([image]);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

/** Several choices as one: texts joined, the rest that of the first. */
function together(choices) {
  const join = (name, between) => (choices.some((one) => one[name] === null) ? null : choices.map((one) => one[name]).join(between));
  return {
    ...choices[0], id: join("id", ","), shortcode: join("shortcode", "\n\n"), url: join("url", "\n"), html: join("html", "\n"),
    markdown: join("markdown", "\n\n"), oembed: join("oembed", "\n"), items: choices.map((one) => ({ ...one })),
  };
}

const clock = (seconds) => new Date(seconds * 1000).toISOString().slice(11, 19).replace(/^00:0?/, "");

// -- the element ----------------------------------------------------------------------------------------------

/** The door: attributes in, events out, a value for forms, a dialog where one is wanted. */
export class EmbedKitPicker extends HTMLElement {
  static formAssociated = true;
  static observedAttributes = [
    "lang", "dir", "multiple", "filters", "sandbox", "recent", "columns", "grant", "query", "value", "required",
  ];

  #internals = this.attachInternals();
  #panel = new Panel(this);
  #dialog = h("dialog", { class: "dialog", part: "dialog", "aria-labelledby": "title" });
  #settle = null;
  #away = null;
  #own = {};
  #value = "";
  #built = 0;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [SHEET];
    root.append(this.#dialog);
    this.#internals.role = "group";
    this.#dialog.addEventListener("cancel", (event) => {
      event.preventDefault(); // Esc was heard already; this is a gesture, or the browser's own button
      this.#panel.open >= 0 ? this.#panel.hide() : this.cancel();
    });
    this.addEventListener("click", (event) => event.composedPath()[0] === this && this.focus()); // its label
  }

  connectedCallback() {
    this.#away = new AbortController();
    const { signal } = this.#away;
    window.addEventListener("message", (event) => this.#panel.details?.heard(event), { signal });
    window.addEventListener("online", () => this.#panel.revive("offline", "server"), { signal });
    for (const field of this.querySelectorAll("[name]")) field.disabled = true; // of a form without this script
    this.#keep(this.#value);
    this.#place(this.#dialog.open || this.hasAttribute("modal"));
    this.#build();
  }

  disconnectedCallback() {
    this.#away.abort();
    this.#panel.leave();
    this.#finish(null);
  }

  attributeChangedCallback(name, before, now) {
    if (name === "value") this.value = now ?? "";
    if (name === "required") this.#check();
    if (!this.#panel.words || before === now) return;
    if (name === "query") this.search(now ?? "");
    else if (name === "grant") this.#panel.revive("token", "forbidden");
    else if (name === "columns") this.#panel.grid.layout();
    else if (!["value", "required"].includes(name)) this.#build();
  }

  async #build() {
    const turn = ++this.#built;
    const [words] = await Promise.all([dictionary(this.language, this.#own), style()]);
    if (turn !== this.#built || !this.isConnected) return;
    const first = !this.#panel.words;
    this.#panel.build(words);
    this.#check();
    this.#show();
    this.search(this.#panel.input.value || (first ? this.getAttribute("query") ?? "" : ""));
    if (this.#dialog.open || (first && this.hasAttribute("autofocus"))) this.focus();
    if (first) this.#panel.emit("ready");
  }

  #place(modal) {
    const { frame } = this.#panel;
    frame.toggleAttribute("data-modal", modal);
    if (modal) this.#dialog.append(frame);
    else this.shadowRoot.append(frame);
  }

  // -- for scripts --------------------------------------------------------------------------------------------

  get language() {
    const near = this.getAttribute("lang") || this.parentElement?.closest("[lang]")?.lang;
    return near || document.documentElement.lang || navigator.language || "en";
  }

  get i18n() {
    return this.#own;
  }
  set i18n(words) {
    this.#own = { ...words };
    if (this.isConnected) this.#build();
  }

  get output() {
    const said = this.getAttribute("output");
    return ["url", "html", "markdown", "json"].includes(said) ? said : "shortcode";
  }
  set output(said) {
    this.setAttribute("output", said);
  }

  open() {
    if (this.#dialog.open) this.#finish(null);
    this.#place(true);
    if (!this.#dialog.open) this.#dialog.showModal();
    this.focus();
    return new Promise((settle) => { this.#settle = settle; });
  }

  close(choice = null) {
    if (!this.#dialog.open) return;
    this.#dialog.close(); // the browser gives focus back
    if (!this.hasAttribute("modal")) this.#place(false);
    this.#finish(choice);
  }

  cancel() {
    this.#panel.emit("cancel");
    this.close();
  }

  #finish(choice) {
    this.#settle?.(choice);
    this.#settle = null;
  }

  /** Look for something, as if it had been typed; resolves when there is an answer. */
  async search(query, filters) {
    if (this.#panel.words) await this.#panel.search(String(query), filters);
    else this.addEventListener("embedkit-ready", () => this.search(query, filters), { once: true });
  }

  reset() {
    this.#panel.selection.clear();
    if (this.#panel.words) this.#panel.reset();
  }

  focus(options) {
    this.#panel.input?.focus(options);
  }

  /** Take what was chosen: it is the value while listeners look at it, and stays so unless one objects. */
  take(detail) {
    const before = this.#value;
    this.#keep(this.output === "json" ? JSON.stringify(detail) : detail[this.output]);
    if (!this.#panel.emit("select", { ...detail, value: this.#value }, true)) {
      this.#keep(before);
      return false;
    }
    this.#panel.choose(this.#value, detail);
    this.#changed();
    this.close(detail);
    return true;
  }

  // -- for forms ----------------------------------------------------------------------------------------------

  get value() {
    return this.#value;
  }
  set value(said) {
    this.#keep(String(said ?? ""));
    if (this.#panel.words) this.#show();
  }

  get form() {
    return this.#internals.form;
  }
  get validity() {
    return this.#internals.validity;
  }
  checkValidity() {
    return this.#internals.checkValidity();
  }
  reportValidity() {
    return this.#internals.reportValidity();
  }
  formResetCallback() {
    this.value = this.getAttribute("value") ?? "";
  }
  formDisabledCallback(disabled) {
    this.#panel.frame.inert = disabled;
  }
  formStateRestoreCallback(state) {
    this.value = state;
  }

  clear() {
    this.value = "";
    this.#changed();
  }

  #changed() {
    for (const name of ["input", "change"]) this.dispatchEvent(new Event(name, { bubbles: true, composed: true }));
  }

  #keep(value) {
    this.#value = value;
    this.#internals.setFormValue(value);
    this.#check();
  }

  #check() {
    const missing = this.hasAttribute("required") && !this.#value;
    const { words, input } = this.#panel;
    this.#internals.setValidity({ valueMissing: missing }, missing ? words?.("required") ?? "…" : "", input);
    this.#internals.ariaLabel = words?.("title") ?? null;
  }

  #show() {
    this.#panel.choose(this.#value);
  }
}

const property = (name, get, set) => Object.defineProperty(EmbedKitPicker.prototype, name, { get, set, configurable: true });
for (const name of ["endpoint", "grant", "query", "theme", "max", "filters", "columns", "name"]) {
  property(name, function () { return this.getAttribute(name) ?? ""; }, function (value) { this.setAttribute(name, value); });
}
for (const name of ["multiple", "compact", "sandbox", "required", "disabled"]) {
  property(name, function () { return this.hasAttribute(name); }, function (on) { this.toggleAttribute(name, Boolean(on)); });
}

if (!customElements.get("embedkit-picker")) customElements.define("embedkit-picker", EmbedKitPicker);

export const EmbedKit = {
  /** A picker in a dialog. Options are the attributes (pageSize is page-size), and i18n. */
  async open({ i18n, ...options } = {}) {
    const picker = document.createElement("embedkit-picker");
    for (const [name, value] of Object.entries({ ...options, modal: true })) {
      if (value === undefined || value === null || value === false) continue;
      picker.setAttribute(name.replace(/[A-Z]/g, (sign) => `-${sign.toLowerCase()}`), value === true ? "" : String(value));
    }
    if (i18n) picker.i18n = i18n;
    document.body.append(picker);
    try {
      return await picker.open();
    } finally {
      picker.remove();
    }
  },
};

globalThis.EmbedKit ??= EmbedKit;
