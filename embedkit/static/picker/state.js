/* What a picker is told by attributes, and what it knows while it is on a page. No elements, no requests. */

import { NO_FILTERS } from "./filters.js";
import { FILES_URL } from "./words.js";

const IN_RELEASE = /\/picker-[0-9a-f]+\/$/; // our files may be in a folder that is named after their content
const SERVICE_URL = new URL(IN_RELEASE.test(FILES_URL.pathname) ? "../.." : "..", FILES_URL);
const OUTPUTS = ["url", "html", "markdown", "json"];
const DEFAULT_PAGE_SIZE = 30;
const PAGE_SIZES = [1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 25, 30, 50, 60, 75, 100]; // others are refused
const MAX_RECENT = 8;

/** What attributes ask for, read anew each time. */
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
  /** Tiles in a row, about; 0 if the page does not say. */
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
  /** Names of the filters to show; undefined for all. */
  get filters() {
    return this.#text("filters")?.replace("type", "family").split(/[\s,]+/);
  }
  get isSandbox() {
    return this.#has("sandbox");
  }
  get remembers() {
    return this.#text("recent") !== "off";
  }
  get autoloads() {
    return this.#text("autoload") !== "off";
  }
  get output() {
    const output = this.#text("output");
    return OUTPUTS.includes(output) ? output : "shortcode";
  }
  get needsMarkup() {
    return ["html", "markdown"].includes(this.output);
  }
  get isField() {
    return Boolean(this.#text("name"));
  }
}

const noEdits = () => ({ alt: null, align: "", width: "", caption: "none", words: null, target: "" });

export class PickerState {
  filters = { ...NO_FILTERS };
  images = []; // the results, in their order
  total = 0; // of their search
  openIndex = -1; // of the picture whose details are open
  selection = new Map(); // pictures by ID, in the order of choice
  textLanguage = null; // of the texts that came with the pictures
  recentSearches = new RecentList("recent");
  usedPictures = new RecentList("used"); // their IDs
  #anchorIndex = -1; // where a range of a selection starts
  #edits = new Map();

  get isOpen() {
    return this.openIndex >= 0;
  }

  /** Attributes of texts that came with the pictures. */
  get textAttributes() {
    return { dir: "auto", lang: this.textLanguage };
  }

  /** @returns {Edits} to be read and changed */
  editsOf(id) {
    if (!this.#edits.has(id)) this.#edits.set(id, noEdits());
    return this.#edits.get(id);
  }

  forgetEdits() {
    this.#edits.clear();
  }

  setFilters(values) {
    const known = Object.entries(values).filter(([name]) => name in NO_FILTERS);
    Object.assign(this.filters, Object.fromEntries(known));
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

/** In the browser's storage, the newest first; where storage is blocked it stays empty. */
class RecentList {
  #key;

  constructor(name) {
    this.#key = `embedkit:${name}`;
  }

  get items() {
    try {
      const items = JSON.parse(localStorage.getItem(this.#key));
      return items.filter((item) => typeof item === "string").slice(0, MAX_RECENT);
    } catch {
      return [];
    }
  }

  add(item) {
    const others = this.items.filter((other) => other.toLowerCase() !== item.toLowerCase());
    this.#write([item, ...others].slice(0, MAX_RECENT));
  }

  clear() {
    this.#write([]);
  }

  #write(items) {
    try {
      localStorage.setItem(this.#key, JSON.stringify(items));
    } catch { /* blocked, or full */ }
  }
}
