/* The results: a listbox of tiles in justified rows, and where these break, from numbers alone. */

import { element, icon } from "./dom.js";
import { rightsOf, titleOf } from "./images.js";
import { fillDrag } from "./insertion.js";

const MIN_RATIO = 0.5; // of a tile, which cuts what is beyond
const MAX_RATIO = 3.2;
const ROW_HEIGHT = 176; // in pixels
const COMPACT_ROW_HEIGHT = 132;
const SMALL_ROW_HEIGHT = 104;
const SMALL_SPACE = 480;
const MEAN_RATIO = 1.4; // of width to height
const MAX_TILES_IN_ROW = 24;
const MAX_STRETCH = 1.35; // of a last row; beyond it the row is left short
const SHORT_ROW_SCALE = 1.1; // how tall it is then
const SHORT_ROW_COST = 0.15; // and what it counts, on the scale of squared logarithms below

/** The tiles. One is in the tab order; arrow keys move between them, in the order that they are seen in. */
export class ResultsGrid {
  tiles = [];
  #activeIndex = 0;
  #pageStarts = []; // of tiles: the rows of a page do not change when more come
  #width = 0;
  #clicked = null; // a picture: a second click may meet another
  #context;

  /** @param {Context} context */
  constructor(context) {
    this.#context = context;
    const { words, state, config, service, emit } = context;
    this.list = element("div", {
      class: "grid", role: "listbox", "aria-label": words("results"), "aria-describedby": "help",
      "aria-multiselectable": config.isMultiple ? "true" : null,
      keydown: this.#onTile((index, event) => this.#key(index, event)),
      click: this.#onTile((index, event) => event.detail > 1 || this.#click(index, event)),
      dblclick: (event) => this.#insert(event),
      focusin: this.#onTile((index) => {
        this.#activate(index);
        emit("focus", { id: state.images[index].id, title: state.images[index].title });
      }),
      dragstart: this.#onTile((index, event) => fillDrag(event, state.images[index], context)),
      pointerdown: this.#onTile((index) => {
        const { id, event } = state.images[index];
        if (!event) service.facade(id); // a drag may follow
      }),
    });
  }

  get activeIndex() {
    return this.#activeIndex;
  }

  clear() {
    this.tiles = [];
    this.#pageStarts = [];
    this.#activeIndex = 0;
    this.list.replaceChildren();
  }

  /** Add tiles for the images of the state that have none: a page of results. */
  update(total) {
    const start = this.tiles.length;
    const tiles = this.#context.state.images.slice(start).map((image, index) => this.#tile(image, start + index));
    this.#pageStarts.push(start);
    this.tiles.push(...tiles);
    this.list.append(...tiles);
    for (const tile of this.tiles) tile.ariaSetSize = total;
    this.layout();
    this.mark();
  }

  /** Bring a tile into view, and into the tab order, without its focus. */
  show(index) {
    if (!this.tiles[index]) return;
    this.#activate(index);
    this.tiles[index].scrollIntoView({ block: "nearest" });
  }

  focus(index) {
    this.tiles[index]?.focus();
    this.tiles[index]?.scrollIntoView({ block: "nearest" });
  }

  /** Show what is selected; for a single choice, whose details are open. */
  mark() {
    const { words, state, config } = this.#context;
    const order = [...state.selection.keys()];
    state.images.forEach((image, index) => {
      const tile = this.tiles[index];
      const position = order.indexOf(image.id);
      const isOpen = state.openIndex === index;
      tile.ariaSelected = config.isMultiple ? position >= 0 : isOpen;
      tile.classList.toggle("open", isOpen);
      const number = tile.querySelector(".mark");
      if (number) number.textContent = position >= 0 ? words("{n}", { n: position + 1 }) : "";
    });
  }

  #tile(image, index) {
    const { words, state, config } = this.#context;
    const title = titleOf(image, words);
    const { photographer: who, event, credit } = image;
    const label = who && !event ? words("option", { title, who }) : [title, who].filter(Boolean).join(", ");
    const rights = rightsOf(image, words);
    const about = [image.family === "editorial" && words.date(image.date), credit.line].filter(Boolean).join(" · ");
    return element(
      "div",
      {
        class: event ? "tile event" : "tile", part: "tile", role: "option", id: `tile-${index}`,
        draggable: String(!event), lang: state.textLanguage,
        tabindex: index === this.#activeIndex ? 0 : -1, "aria-label": label, "aria-posinset": index + 1,
        "aria-description": rights || null,
      },
      element(
        "div", { class: "shot" }, image.thumb && this.#image(image),
        element("span", { class: "name", dir: "auto" }, element("b", {}, title), element("small", {}, about)),
      ),
      rights && element("span", { class: "rights", title: rights }, icon("rights")),
      element("span", { class: "by", dir: "auto" }, who && !event && icon("camera"), who || title),
      config.isMultiple && !event && element("span", { class: "mark" }),
    );
  }

  #image({ thumb, preview }) {
    const img = element("img", {
      alt: "", loading: "lazy", decoding: "async", draggable: "false",
      load: () => img.classList.add("there"),
      error: () => img.remove(),
    });
    const sources = [thumb, preview].filter(({ width }) => width);
    const candidate = ({ url, width }) => `${url.replace(/[\s,]/g, encodeURIComponent)} ${width}w`; // "," would end it
    if (sources.length > 1) img.srcset = sources.map(candidate).join(", ");
    img.sizes = "200px";
    img.src = thumb.url;
    return img;
  }

  fit() {
    if (this.list.clientWidth !== this.#width) this.layout();
    this.#width = this.list.clientWidth;
  }

  layout() {
    const style = getComputedStyle(this.list);
    const space = this.list.clientWidth;
    if (!space || !this.tiles.length) return;
    const gap = parseFloat(style.columnGap) || 0;
    const target = this.#rowHeight(style, space);
    this.#pageStarts.forEach((start, page) => {
      const images = this.#context.state.images.slice(start, this.#pageStarts[page + 1]);
      const ratios = images.map(({ width, height }) => Math.min(MAX_RATIO, Math.max(MIN_RATIO, width / height)));
      const sizes = justify(ratios, space, target, gap).flat();
      sizes.forEach((size, index) => this.#resize(this.tiles[start + index], size));
    });
  }

  #resize(tile, { width, height }) {
    tile.style.inlineSize = `${width}px`;
    tile.firstChild.style.blockSize = `${height}px`;
    const img = tile.querySelector("img");
    if (img) img.sizes = `${width}px`;
  }

  #rowHeight(style, space) {
    const { config } = this.#context;
    if (config.columns > 0) return space / config.columns / MEAN_RATIO;
    const wanted = parseFloat(style.getPropertyValue("--ek-row"));
    if (wanted) return wanted;
    if (space < SMALL_SPACE) return SMALL_ROW_HEIGHT;
    return config.isCompact ? COMPACT_ROW_HEIGHT : ROW_HEIGHT;
  }

  #onTile(act) {
    return (event) => {
      const index = this.tiles.indexOf(event.target.closest(".tile"));
      if (index >= 0) act(index, event);
    };
  }

  #activate(index) {
    this.tiles[this.#activeIndex].tabIndex = -1;
    this.#activeIndex = index;
    this.tiles[index].tabIndex = 0;
  }

  #click(index, event) {
    const selects = event.shiftKey || event.ctrlKey || event.metaKey || event.target.closest(".mark");
    this.#activate(index);
    const { state, config, chooser, picker } = this.#context;
    this.#clicked = state.images[index];
    if (config.isMultiple && selects) chooser.select(index, { isRange: event.shiftKey });
    else picker.open(index, { keepsFocus: true });
  }

  /** Insert what was clicked twice; its tile may be elsewhere by then. */
  #insert({ target }) {
    const image = this.#context.state.images[this.#activeIndex];
    if (image === this.#clicked && !target.closest(".mark")) this.#context.chooser.insertAtOnce(image);
  }

  #key(index, event) {
    const { key, ctrlKey, shiftKey } = event;
    if (event.altKey || event.metaKey) return;
    const { config, chooser, picker } = this.#context;
    if (key === " " && config.isMultiple) chooser.select(index, { isRange: shiftKey });
    else if (key === " " || (key === "Enter" && !ctrlKey)) picker.open(index);
    else {
      const goal = this.#goal(index, key, ctrlKey);
      if (!goal) return;
      this.focus(this.tiles.indexOf(goal));
    }
    event.preventDefault();
  }

  /** The tile that a key leads to; undefined for keys that do not move. */
  #goal(index, key, ctrlKey) {
    const tile = this.tiles[index];
    const rows = [...Map.groupBy(this.tiles, ({ offsetTop }) => offsetTop).values()];
    const row = rows.findIndex((tiles) => tiles.includes(tile));
    const ends = ctrlKey ? this.tiles : rows[row];
    const step = (distance) => within(this.tiles, index + distance);
    const move = (distance) => nearest(tile, within(rows, row + distance));
    const forward = this.#context.isRightToLeft ? -1 : 1;
    switch (key) {
      case "ArrowRight": return step(forward);
      case "ArrowLeft": return step(-forward);
      case "ArrowDown": return move(1);
      case "ArrowUp": return move(-1);
      case "PageDown": return move(this.#rowsOnScreen);
      case "PageUp": return move(-this.#rowsOnScreen);
      case "Home": return ends[0];
      case "End": return ends.at(-1);
      default: return undefined;
    }
  }

  get #rowsOnScreen() {
    const tile = this.tiles[this.#activeIndex];
    return Math.max(1, Math.floor(this.list.parentElement.clientHeight / tile.offsetHeight) - 1);
  }
}

/** The item of an index, or the first or the last one beyond. */
function within(items, index) {
  return items[Math.min(items.length - 1, Math.max(0, index))];
}

/** The one of a row whose center is nearest to that of a tile. */
function nearest(tile, row) {
  const center = ({ offsetLeft, offsetWidth }) => offsetLeft + offsetWidth / 2;
  const distance = (other) => Math.abs(center(other) - center(tile));
  return row.reduce((best, other) => (distance(other) < distance(best) ? other : best));
}

/**
 * Break tiles into rows. Breaks are chosen for all rows together, so that their heights come as near to the target as
 * they can (as Knuth and Plass break paragraphs).
 */
export function justify(ratios, space, target, gap) {
  const best = bestBreaks(ratios, space, target, gap);
  const rows = [];
  for (let end = ratios.length; end > 0; end = best[end].start) {
    const { start, height } = best[end];
    rows.unshift(sizeRow(ratios.slice(start, end), height, space, gap));
  }
  return rows;
}

/** For each number of tiles: the start and height of the last row, and the cost of all rows up to it. */
function bestBreaks(ratios, space, target, gap) {
  const best = [{ cost: 0, start: 0, height: 0 }];
  for (let end = 1; end <= ratios.length; end++) {
    best[end] = { cost: Infinity, start: 0, height: 0 };
    let sum = 0;
    for (let start = end - 1; start >= 0 && end - start <= MAX_TILES_IN_ROW; start--) {
      sum += ratios[start];
      const full = (space - gap * (end - start - 1)) / sum; // the height at which the row fills the space
      const isShort = end === ratios.length && full > target * MAX_STRETCH;
      const height = isShort ? target * SHORT_ROW_SCALE : full;
      const cost = best[start].cost + (isShort ? SHORT_ROW_COST : Math.log(full / target) ** 2);
      if (cost < best[end].cost) best[end] = { cost, start, height };
      if (height < target / 3) break;
    }
  }
  return best;
}

/** Sizes in whole pixels; what rounding took goes to the last tile. */
function sizeRow(ratios, height, space, gap) {
  const tall = Math.max(1, Math.round(height));
  const row = ratios.map((ratio) => ({ width: Math.max(1, Math.floor(ratio * height)), height: tall }));
  const rest = space - gap * (row.length - 1) - row.reduce((sum, tile) => sum + tile.width, 0);
  if (rest < row.length * 2) row[row.length - 1].width += Math.floor(rest);
  return row;
}
