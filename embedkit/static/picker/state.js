/* What a picker is told by attributes, and what it knows while it is on a page. No elements, no requests. */

import { NO_FILTERS, NO_SCOPE } from "./filters.js";
import { FILES_URL } from "./words.js";

const IN_RELEASE = /\/picker-[0-9a-f]+\/$/; // our files may be in a folder that is named after their content
const SERVICE_URL = new URL(IN_RELEASE.test(FILES_URL.pathname) ? "../.." : "..", FILES_URL);
const OUTPUTS = ["url", "html", "markdown", "json"];
const DEFAULT_PAGE_SIZE = 30;
const PAGE_SIZES = [1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 25, 30, 50, 60, 75, 100]; // others are refused
const MAX_RECENT = 8;

/** What attributes ask for (embedkit-picker.d.ts has their meaning), read anew each time. */
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

  /** The URL of the service, without a slash at its end. */
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
  get direction() {
    return this.#text("dir");
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
    return knownEdits(Object.fromEntries(new URLSearchParams(this.#text("defaults") ?? "")));
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

const NO_EDITS = { alt: null, align: "", width: "", caption: "none", words: null, target: "" };
const KEPT_EDITS = ["align", "width", "caption", "target"]; // from one picture to the next

/** Of some values those that hold for any picture. */
function knownEdits(values) {
  return Object.fromEntries(Object.entries(values).filter(([name]) => KEPT_EDITS.includes(name)));
}

export class PickerState {
  filters;
  images = []; // the results, in their order
  total = 0; // of their search
  openIndex = -1; // of the picture whose details are open
  selection = new Map(); // pictures by ID, in the order of choice
  textLanguage = null; // of the texts that came with the pictures
  recentSearches;
  usedPictures; // their IDs
  #config;
  #session;
  #anchorIndex = -1; // where a range of a selection starts
  #edits = new Map();

  /** @param {PickerConfig} config */
  constructor(config) {
    this.#config = config;
    this.#session = new StoredValue(config, "sessionStorage", "session");
    this.recentSearches = new RecentList(config, "localStorage", "recent");
    this.usedPictures = new RecentList(config, "localStorage", "used");
    this.filters = { ...NO_FILTERS, ...NO_SCOPE, ...this.remembered.filters };
  }

  /** What was searched and chosen in this session: {query, filters, index, edits}, each if it is known. */
  get remembered() {
    return this.#session.read() || {};
  }

  remember(values) {
    this.#session.write({ ...this.remembered, ...values });
  }

  /** Keep what was chosen for one picture for the next ones. */
  rememberEdits(id) {
    this.remember({ edits: knownEdits(this.editsOf(id)) });
  }

  get isOpen() {
    return this.openIndex >= 0;
  }

  get textAttributes() {
    return { dir: "auto", lang: this.textLanguage };
  }

  /** @returns {Edits} to be read and changed */
  editsOf(id) {
    if (!this.#edits.has(id)) {
      this.#edits.set(id, { ...NO_EDITS, ...this.#config.defaults, ...this.remembered.edits });
    }
    return this.#edits.get(id);
  }

  setEdits(id, edits) {
    this.#edits.set(id, { ...NO_EDITS, ...edits });
  }

  /** @param {string} [kept] - the ID of the picture whose form is open */
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

  /** Add pictures but those of earlier pages: results move while one reads them. */
  addImages(images) {
    const known = new Set(this.images.map(({ id }) => id));
    const added = images.filter(({ id }) => !known.has(id));
    this.images.push(...added);
    return added;
  }

  /**
   * Select a picture, or no longer; in a range, all from the last one up to this one.
   *
   * @returns {boolean} false if that is more than max
   */
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

/** A value in a storage of the browser; null where nothing is remembered, or storage is blocked. */
class StoredValue {
  #config;
  #storage;
  #key;

  /** @param {PickerConfig} config @param {"localStorage"|"sessionStorage"} storage @param {string} name */
  constructor(config, storage, name) {
    this.#config = config;
    this.#storage = storage;
    this.#key = `embedkit:${name}`;
  }

  read() {
    try {
      return this.#config.remembers ? JSON.parse(window[this.#storage].getItem(this.#key)) : null;
    } catch {
      return null;
    }
  }

  write(value) {
    try {
      if (this.#config.remembers) window[this.#storage].setItem(this.#key, JSON.stringify(value));
    } catch { /* blocked, or full */ }
  }
}

/** The newest first. */
class RecentList extends StoredValue {
  get items() {
    const items = this.read();
    return Array.isArray(items) ? items.filter((item) => typeof item === "string").slice(0, MAX_RECENT) : [];
  }

  add(item) {
    const others = this.items.filter((other) => other.toLowerCase() !== item.toLowerCase());
    this.write([item, ...others].slice(0, MAX_RECENT));
  }

  clear() {
    this.write([]);
  }
}
