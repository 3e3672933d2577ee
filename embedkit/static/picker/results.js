/* The results: tiles in justified rows, messages, and announcements. */

import { fillDrag } from "./details.js";
import { button, element, externalLink, focusedBeside, icon, Part } from "./dom.js";
import { rightsOf, titleOf } from "./model.js";

const MIN_RATIO = 0.5; // of a tile, which crops
const MAX_RATIO = 3.2;
const ROW_HEIGHT = 176; // in pixels
const COMPACT_ROW_HEIGHT = 132;
const SMALL_ROW_HEIGHT = 104;
const SMALL_SPACE = 480;
const MEAN_RATIO = 1.4; // of width to height
const MAX_TILES_IN_ROW = 24;
const MAX_STRETCH = 1.35; // of a last row, or it stays short
const SHORT_ROW_SCALE = 1.1;
const SHORT_ROW_COST = 0.15;

export class ResultsGrid extends Part {
  tiles = [];
  activeIndex = 0;
  #pageStarts = []; // rows don't change when pages are added
  #width = 0;
  #clicked = null; // a second click may hit another

  constructor(context) {
    super(context);
    const { words, state, config, service, emit } = context;
    this.list = element("div", {
      class: "grid", role: "listbox", "aria-label": words("results"), "aria-describedby": "help",
      "aria-multiselectable": config.isMultiple && "true",
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

  clear() {
    this.tiles = [];
    this.#pageStarts = [];
    this.activeIndex = 0;
    this.list.replaceChildren();
  }

  update(total) {
    const start = this.tiles.length;
    const tiles = this.context.state.images.slice(start).map((image, index) => this.#tile(image, start + index));
    this.#pageStarts.push(start);
    this.tiles.push(...tiles);
    this.list.append(...tiles);
    for (const tile of this.tiles) tile.ariaSetSize = total;
    this.layout();
    this.mark();
  }

  show(index) {
    if (!this.tiles[index]) return;
    this.#activate(index);
    this.tiles[index].scrollIntoView({ block: "nearest" });
  }

  focus(index) {
    this.tiles[index]?.focus();
    this.tiles[index]?.scrollIntoView({ block: "nearest" });
  }

  mark() {
    const { words, state, config } = this.context;
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
    const { words, state, config } = this.context;
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
        tabindex: index === this.activeIndex ? 0 : -1, "aria-label": label, "aria-posinset": index + 1,
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
    const candidate = ({ url, width }) => `${url.replace(/[\s,]/g, encodeURIComponent)} ${width}w`; // a comma ends it
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
      const images = this.context.state.images.slice(start, this.#pageStarts[page + 1]);
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
    const { config } = this.context;
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
    this.tiles[this.activeIndex].tabIndex = -1;
    this.activeIndex = index;
    this.tiles[index].tabIndex = 0;
  }

  #click(index, event) {
    const selects = event.shiftKey || event.ctrlKey || event.metaKey || event.target.closest(".mark");
    this.#activate(index);
    const { state, config, chooser, picker } = this.context;
    this.#clicked = state.images[index];
    if (config.isMultiple && selects) chooser.select(index, { isRange: event.shiftKey });
    else picker.open(index, { keepsFocus: true });
  }

  #insert({ target }) {
    const image = this.context.state.images[this.activeIndex];
    if (image === this.#clicked && !target.closest(".mark")) this.context.chooser.insertAtOnce(image);
  }

  #key(index, event) {
    const { key, ctrlKey, shiftKey } = event;
    if (event.altKey || event.metaKey) return;
    const { config, chooser, picker } = this.context;
    if (key === " " && config.isMultiple) chooser.select(index, { isRange: shiftKey });
    else if (key === " " || (key === "Enter" && !ctrlKey)) picker.open(index);
    else {
      const goal = this.#goal(index, key, ctrlKey);
      if (!goal) return;
      this.focus(this.tiles.indexOf(goal));
    }
    event.preventDefault();
  }

  #goal(index, key, ctrlKey) {
    const tile = this.tiles[index];
    const rows = [...Map.groupBy(this.tiles, ({ offsetTop }) => offsetTop).values()];
    const row = rows.findIndex((tiles) => tiles.includes(tile));
    const ends = ctrlKey ? this.tiles : rows[row];
    const step = (distance) => within(this.tiles, index + distance);
    const move = (distance) => nearest(tile, within(rows, row + distance));
    const forward = this.context.isRightToLeft ? -1 : 1;
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
    const tile = this.tiles[this.activeIndex];
    return Math.max(1, Math.floor(this.list.parentElement.clientHeight / tile.offsetHeight) - 1);
  }
}

function within(items, index) {
  return items[Math.min(items.length - 1, Math.max(0, index))];
}

function nearest(tile, row) {
  const center = ({ offsetLeft, offsetWidth }) => offsetLeft + offsetWidth / 2;
  const distance = (other) => Math.abs(center(other) - center(tile));
  return row.reduce((best, other) => (distance(other) < distance(best) ? other : best));
}

/** Break tiles into rows near the target height, all together, as Knuth and Plass break paragraphs. */
export function justify(ratios, space, target, gap) {
  const best = bestBreaks(ratios, space, target, gap);
  const rows = [];
  for (let end = ratios.length; end > 0; end = best[end].start) {
    const { start, height } = best[end];
    rows.unshift(sizeRow(ratios.slice(start, end), height, space, gap));
  }
  return rows;
}

/** For each number of tiles: the last row, and the cost of all rows. */
function bestBreaks(ratios, space, target, gap) {
  const best = [{ cost: 0, start: 0, height: 0 }];
  for (let end = 1; end <= ratios.length; end++) {
    best[end] = { cost: Infinity, start: 0, height: 0 };
    let sum = 0;
    for (let start = end - 1; start >= 0 && end - start <= MAX_TILES_IN_ROW; start--) {
      sum += ratios[start];
      const full = (space - gap * (end - start - 1)) / sum;
      const isShort = end === ratios.length && full > target * MAX_STRETCH;
      const height = isShort ? target * SHORT_ROW_SCALE : full;
      const cost = best[start].cost + (isShort ? SHORT_ROW_COST : Math.log(full / target) ** 2);
      if (cost < best[end].cost) best[end] = { cost, start, height };
      if (height < target / 3) break;
    }
  }
  return best;
}

/** Round to whole pixels; the last tile gets the rest. */
function sizeRow(ratios, height, space, gap) {
  const tall = Math.max(1, Math.round(height));
  const row = ratios.map((ratio) => ({ width: Math.max(1, Math.floor(ratio * height)), height: tall }));
  const rest = space - gap * (row.length - 1) - row.reduce((sum, tile) => sum + tile.width, 0);
  if (rest < row.length * 2) row[row.length - 1].width += Math.floor(rest);
  return row;
}

const SANDBOX_SAMPLES = ["solar eclipse", "hot air balloon", "basketball"]; // in any language
const DEFAULT_WAIT_S = 10; // without Retry-After
const SPEECH_DELAY_MS = 500;
const CONFIRMATION_MS = 4_000;
const MAX_RELATED = 8;
const MAX_NEWEST = 12;
const SKELETON_TILES = 18;
const SCROLLER = ".main, .picker"; // pressed to drag a scrollbar

const STATE_ICONS = {
  offline: "offline", setup: "setup", key: "setup", token: "lock", forbidden: "lock", throttled: "slow",
  quota: "slow", server: "server",
};
const QUOTING_STATES = ["token", "forbidden", "key", "reference", "request"]; // the service's message helps
const SETUP_STATES = ["setup", "key"];

/** Live regions, in the page before they have text. */
export class Announcer {
  status = element("div", { class: "unseen", role: "status" });
  alarm = element("div", { class: "unseen", role: "alert" });
  #timer;
  #confirmedUntil = 0;

  say(text) {
    this.stop();
    const delay = Math.max(SPEECH_DELAY_MS, this.#confirmedUntil - Date.now());
    this.#timer = setTimeout(() => this.#show(text), delay);
  }

  /** Announce at once, even the same text again. */
  confirm(text, className = "toast") {
    this.#confirmedUntil = Date.now() + CONFIRMATION_MS;
    this.#show("");
    setTimeout(() => this.#show(text, className));
    this.say(text); // later only for screen readers
  }

  #show(text, className = "unseen") {
    this.status.className = className;
    if (this.status.textContent !== text) this.status.textContent = text;
  }

  alert(text, place) {
    this.alarm.textContent = text;
    if (!place) return;
    place.replaceChildren(text);
    place.hidden = false;
  }

  stop() {
    clearTimeout(this.#timer);
  }
}

export class KeyHelp extends Part {
  #before = null;

  constructor(context) {
    super(context);
    const { words } = context;
    const close = () => context.finder.keepFocus(this.#before);
    const rows = words.list("keys").map((line) => line.split("|"));
    this.node = element(
      "dialog", { class: "keys", "aria-labelledby": "keys-title", close },
      element("h3", { id: "keys-title" }, words("keys_title")),
      element("dl", {}, rows.map(([keys, text]) =>
        element("div", {}, element("dt", {}, element("kbd", {}, keys)), element("dd", {}, text)))),
      button({ class: "pill", click: () => this.node.close() }, words("close")),
    );
  }

  show() {
    this.#before = focusedBeside(this.node);
    this.node.showModal();
  }
}

export class Messages extends Part {
  panel = element("div", { class: "panel", part: "state", hidden: true });
  notice = element("div", { class: "notice", hidden: true });
  related = element("div", {
    class: "related", role: "group", "aria-label": this.context.words("related"), hidden: true,
  });
  skeleton = element(
    "div", { class: "grid bones", hidden: true }, Array.from({ length: SKELETON_TILES }, () => element("i")),
  );

  clear(state) {
    this.panel.replaceChildren();
    this.panel.hidden = true;
    this.panel.className = `panel ${state}`;
    this.notice.hidden = true;
    this.skeleton.hidden = state !== "loading";
    if (state !== "results") this.related.hidden = true;
  }

  showRelated(queries) {
    const buttons = queries.slice(0, MAX_RELATED).map((query) => this.#queryButton(query, query));
    this.related.replaceChildren(...buttons);
    this.related.hidden = !queries.length;
  }

  showBudget(left) {
    this.#notify(this.context.words("budget", { count: left }));
  }

  showStale(retry) {
    const { words } = this.context;
    this.#notify(element("span", {}, words("stale")), button({ class: "link", click: retry }, words("retry")));
  }

  #notify(...children) {
    this.notice.replaceChildren(...children);
    this.notice.hidden = false;
  }

  async showFirst(searches, pictures) {
    const { words } = this.context;
    const samples = this.#samples();
    const search = (_, { id }) => this.context.picker.searchFor(`id:${id}`);
    this.#show(
      element("h3", {}, words("first_title")), element("p", {}, words("first_text")),
      searches.length > 0 && this.#recent(searches), samples,
    );
    const found = await pictures;
    if (found.length && samples.isConnected) samples.after(this.#pictures("used", found, search));
  }

  showNewest(images) {
    const show = (index) => this.context.picker.openNewest(index);
    this.panel.append(this.#pictures("newest", images.slice(0, MAX_NEWEST), show));
  }

  showNone(query, filters, related) {
    const { words, picker } = this.context;
    const shorter = query.split(/\s+/).slice(0, -1).join(" ");
    const clear = button({ class: "primary", click: () => picker.unfilter() }, words("filters_clear"));
    const drop = ({ text, reset }) => button({
      class: "pill", "aria-label": `${words("remove")}: ${text}`, click: () => picker.unfilter(reset),
    }, text, icon("close"));
    const others = related.slice(0, MAX_RELATED).map((text) => this.#queryButton(text, text));
    this.#show(
      icon("search"), element("h3", {}, words("none_title", { query })),
      element("p", {}, words(filters.length ? "none_filters" : "none_text")),
      element(
        "div", { class: "row" },
        filters.map(drop), filters.length > 0 && clear,
        shorter && this.#queryButton(shorter, words("none_shorter", { query: shorter })),
      ),
      others.length ? this.#group("related", others) : this.#samples(),
    );
  }

  showError(error, retry) {
    this.#show(icon(STATE_ICONS[error.state] ?? "picture"), ...this.#error(error, retry));
  }

  showErrorIn(node, error, retry) {
    node.replaceChildren(element("div", { class: "failed" }, this.#error(error, retry)));
  }

  sentence(error) {
    return this.#describe(error).join(". ");
  }

  #describe({ state }) {
    return [this.context.words(`${state}_title`), this.context.words(`${state}_text`, { setting: "EMBEDKIT_API_KEY" })];
  }

  #show(...children) {
    this.panel.replaceChildren(...children.filter(Boolean));
    this.panel.hidden = false;
  }

  #error(error, retry) {
    const { words } = this.context;
    const [title, text] = this.#describe(error);
    const { state, detail, docs } = error;
    return [
      element("h3", {}, title),
      element("p", {}, text),
      QUOTING_STATES.includes(state) && detail && element("p", { class: "detail" }, words("service_says", { detail })),
      element(
        "div", { class: "row" },
        !error.isFinal && this.#retryButton(error, retry),
        SETUP_STATES.includes(state) && docs && externalLink(words, docs, "docs"),
      ),
    ];
  }

  /** Counts down until the service accepts a retry. */
  #retryButton({ state, retryAfter }, retry) {
    const { words } = this.context;
    const rest = { throttled: retryAfter ?? DEFAULT_WAIT_S, quota: retryAfter ?? 0 }[state] ?? 0;
    const end = Date.now() + rest * 1000;
    const secondsLeft = () => Math.ceil((end - Date.now()) / 1000);
    const node = button({ class: "primary", click: () => secondsLeft() > 0 || retry() });
    const update = () => {
      const left = secondsLeft();
      node.ariaDisabled = left > 0;
      node.textContent = left > 0 ? words("retry_in", { time: clockTime(left) }) : words("retry");
    };
    update();
    const timer = rest && setInterval(() => {
      update();
      if (secondsLeft() <= 0 || !node.isConnected) clearInterval(timer);
    }, 1000);
    return node;
  }

  #recent(searches) {
    const { words } = this.context;
    const clear = button({ class: "link", click: () => this.context.finder.forgetRecent() }, words("recent_clear"));
    return this.#group("recent", searches.map((query) => this.#queryButton(query, icon("clock"), query)), clear);
  }

  #samples() {
    const queries = this.context.config.isSandbox ? SANDBOX_SAMPLES : this.context.words.list("samples");
    return this.#group("samples_label", queries.map((query) => this.#queryButton(query, icon("search"), query)));
  }

  #pictures(key, images, choose) {
    return this.#group(key, images.map((image, index) => button(
      { class: "used", "aria-label": titleOf(image, this.context.words), click: () => choose(index, image) },
      element("img", { alt: "", src: image.thumb?.url }),
    )));
  }

  #group(key, items, extra) {
    const title = this.context.words(key);
    return element(
      "div", { class: `chips chips-${key}`, role: "group", "aria-label": title },
      element("div", { class: "row" }, element("h4", {}, title), extra),
      element("ul", {}, items.map((item) => element("li", {}, item))),
    );
  }

  #queryButton(query, ...label) {
    return button({ class: "pill", dir: "auto", click: () => this.context.picker.searchFor(query) }, ...label);
  }
}

/** A button for more results, which also load when a pointer scrolls near the end. */
export class LoadMore extends Part {
  node = element("div", { class: "tail" });
  #button = button({ class: "pill more", click: () => this.context.finder.more({ movesFocus: true }) });
  #usesPointer = false;
  #observer;

  constructor(context) {
    super(context);
    const { frame, signal, config } = context;
    this.#observer = new IntersectionObserver((entries) => {
      const isNear = entries.some(({ isIntersecting }) => isIntersecting);
      if (isNear && this.#usesPointer && config.autoloads) context.finder.more();
    }, { scrollMargin: "600px" });
    const notice = ({ type, target }) => {
      if (type === "pointerdown" && !target.matches(SCROLLER)) return;
      const usedPointer = this.#usesPointer;
      this.#usesPointer = type !== "keydown";
      if (this.#usesPointer && !usedPointer) this.look();
    };
    for (const name of ["pointerdown", "wheel", "touchmove", "keydown"]) {
      frame.addEventListener(name, notice, { capture: true, passive: true, signal });
    }
  }

  render({ hasMore, isLoading, isReference }, shown) {
    const { words } = this.context;
    if (!hasMore) {
      const end = element("p", { class: "end" }, words("end", { n: shown }));
      this.node.replaceChildren(...(isReference ? [] : [end]));
      return;
    }
    this.#button.textContent = words(isLoading ? "more_loading" : "more");
    this.#button.ariaDisabled = isLoading;
    if (!this.#button.parentNode) this.node.replaceChildren(this.#button); // else it keeps the focus
  }

  get hasFocus() {
    return this.node.contains(focusedBeside(this.node));
  }

  /** Safari does not focus a clicked button. */
  focus() {
    this.node.querySelector("button")?.focus({ preventScroll: true });
  }

  /** Check again: observers report only changes. */
  look() {
    this.#observer.disconnect();
    this.#observer.observe(this.node);
  }
}

/** Seconds as 0:09, 1:05 or 01:00:00. */
function clockTime(seconds) {
  return new Date(seconds * 1000).toISOString().slice(11, 19).replace(/^00:0?/, "");
}
