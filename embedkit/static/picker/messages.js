/* What is shown in place of results, or after them: first use, nothing found, errors, more; and what is spoken. */

import { button, element, externalLink, focusedBeside, icon } from "./dom.js";
import { titleOf } from "./images.js";

const SETTING = "EMBEDKIT_API_KEY"; // what an error about the key asks for
const SANDBOX_SAMPLES = ["solar eclipse", "hot air balloon", "basketball"]; // what it has, whatever the language
const DEFAULT_WAIT_S = 10; // after a throttle that does not say how long
const SPEECH_DELAY_MS = 500; // of quiet before results are announced
const CONFIRMATION_MS = 4_000; // in which nothing else is announced
const MAX_RELATED = 8;
const MAX_NEWEST = 12;
const SKELETON_TILES = 18;
const SCROLLER = ".main, .picker"; // a pointer goes down on them where their scrollbar is dragged
const NEAR_END = "600px";

const STATE_ICONS = {
  offline: "offline", setup: "setup", key: "setup", token: "lock", forbidden: "lock", throttled: "slow",
  quota: "slow", server: "server",
};
const QUOTING_STATES = ["token", "forbidden", "key", "reference", "request"]; // the service's own words help
const SETUP_STATES = ["setup", "key"]; // documentation helps

/** Live regions, in the page before they speak, as screen readers need. */
export class Announcer {
  status = element("div", { class: "unseen", role: "status" });
  alarm = element("div", { class: "unseen", role: "alert" });
  #timer = 0;
  #confirmedUntil = 0;

  say(text) {
    this.stop();
    const delay = Math.max(SPEECH_DELAY_MS, this.#confirmedUntil - Date.now());
    this.#timer = setTimeout(() => this.#show(text), delay);
  }

  /** Announce what was done, at once; first nothing, so that the same words are news. */
  confirm(text, className = "toast") {
    this.#confirmedUntil = Date.now() + CONFIRMATION_MS;
    this.#show("");
    setTimeout(() => this.#show(text, className));
    this.say(text); // by then it is no longer seen
  }

  #show(text, className = "unseen") {
    this.status.className = className;
    if (this.status.textContent !== text) this.status.textContent = text;
  }

  /** Interrupt with what went wrong, and show it if there is a place. */
  alert(text, place = null) {
    this.alarm.textContent = text;
    if (!place) return;
    place.replaceChildren(text);
    place.hidden = false;
  }

  stop() {
    clearTimeout(this.#timer);
  }
}

export class KeyHelp {
  #before = null; // what had the focus

  /** @param {Context} context */
  constructor(context) {
    const { words } = context;
    const close = () => context.finder.keepFocus(this.#before);
    this.node = element("dialog", { class: "keys", "aria-labelledby": "keys-title", close });
    const rows = words.list("keys").map((line) => line.split("|"));
    this.node.append(
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

export class Messages {
  panel = element("div", { class: "panel", part: "state", hidden: true });
  notice = element("div", { class: "notice", hidden: true });
  skeleton = element(
    "div", { class: "grid bones", hidden: true }, Array.from({ length: SKELETON_TILES }, () => element("i")),
  );
  #context;

  /** @param {Context} context */
  constructor(context) {
    const { words } = context;
    this.#context = context;
    this.related = element("div", { class: "related", role: "group", "aria-label": words("related"), hidden: true });
  }

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
    this.#notify(this.#context.words("budget", { count: left }));
  }

  showStale(retry) {
    const again = button({ class: "link", click: retry }, this.#context.words("retry"));
    this.#notify(element("span", {}, this.#context.words("stale")), again);
  }

  #notify(...children) {
    this.notice.replaceChildren(...children);
    this.notice.hidden = false;
  }

  /** With recent searches, and with pictures chosen recently once they have come. */
  async showFirst(searches, pictures) {
    const { words } = this.#context;
    const samples = this.#samples();
    const search = (_, { id }) => this.#context.picker.searchFor(`id:${id}`);
    this.#show(
      element("h3", {}, words("first_title")), element("p", {}, words("first_text")),
      searches.length > 0 && this.#recent(searches), samples,
    );
    const found = await pictures;
    if (found.length && samples.isConnected) samples.after(this.#pictures("used", found, search));
  }

  showNewest(images) {
    const show = (index) => this.#context.explorer.showNewest(index);
    this.panel.append(this.#pictures("newest", images.slice(0, MAX_NEWEST), show));
  }

  /** With ways out: filters to drop, as narrowedBy() tells them, a shorter query, related ones. */
  showNone(query, filters, related) {
    const { words, picker } = this.#context;
    const shorter = query.split(/\s+/).slice(0, -1).join(" ");
    const clear = () => button({ class: "primary", click: () => picker.unfilter() }, words("filters_clear"));
    const drop = ({ text, instead }) => button({
      class: "pill", "aria-label": `${words("remove")}: ${text}`, click: () => picker.unfilter(instead),
    }, text, icon("close"));
    const others = related.slice(0, MAX_RELATED).map((text) => this.#queryButton(text, text));
    this.#show(
      icon("search"), element("h3", {}, words("none_title", { query })),
      element("p", {}, words(filters.length ? "none_filters" : "none_text")),
      element(
        "div", { class: "row" },
        filters.map(drop), filters.length > 0 && clear(),
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

  /** An error as it is spoken. */
  sentence(error) {
    return this.#describe(error).join(". ");
  }

  #describe({ state }) {
    return [this.#context.words(`${state}_title`), this.#context.words(`${state}_text`, { setting: SETTING })];
  }

  #show(...children) {
    this.panel.replaceChildren(...children.filter(Boolean));
    this.panel.hidden = false;
  }

  #error(error, retry) {
    const { words } = this.#context;
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

  /** A button to try again; it counts down first if the service asks for a rest. */
  #retryButton({ state, retryAfter }, retry) {
    const { words } = this.#context;
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
    const { words } = this.#context;
    const clear = button({ class: "link", click: () => this.#context.finder.forgetRecent() }, words("recent_clear"));
    return this.#group("recent", searches.map((query) => this.#queryButton(query, icon("clock"), query)), clear);
  }

  #samples() {
    const queries = this.#context.config.isSandbox ? SANDBOX_SAMPLES : this.#context.words.list("samples");
    return this.#group("samples_label", queries.map((query) => this.#queryButton(query, icon("search"), query)));
  }

  #pictures(key, images, choose) {
    return this.#group(key, images.map((image, index) => button(
      { class: "used", "aria-label": titleOf(image, this.#context.words), click: () => choose(index, image) },
      element("img", { alt: "", src: image.thumb?.url }),
    )));
  }

  #group(key, items, extra) {
    const title = this.#context.words(key);
    return element(
      "div", { class: `chips chips-${key}`, role: "group", "aria-label": title },
      element("div", { class: "row" }, element("h4", {}, title), extra),
      element("ul", {}, items.map((item) => element("li", {}, item))),
    );
  }

  #queryButton(query, ...label) {
    return button({ class: "pill", dir: "auto", click: () => this.#context.picker.searchFor(query) }, ...label);
  }
}

/** After the tiles: a button for more, or the end. For pointer users more loads by itself. */
export class LoadMore {
  node = element("div", { class: "tail" });
  #context;
  #usesPointer = false;
  #observer;

  // The frame's events tell who scrolls with a pointer from who uses keys or only clicks.
  constructor(context) {
    const { frame, signal } = context;
    this.#context = context;
    this.#observer = new IntersectionObserver((entries) => {
      const isNear = entries.some(({ isIntersecting }) => isIntersecting);
      if (isNear && this.#usesPointer && context.config.autoloads) context.finder.more();
    }, { scrollMargin: NEAR_END });
    const notice = ({ type, target }) => {
      if (type !== "pointerdown" || target.matches(SCROLLER)) this.#notice(type !== "keydown");
    };
    for (const name of ["pointerdown", "wheel", "touchmove", "keydown"]) {
      frame.addEventListener(name, notice, { capture: true, passive: true, signal });
    }
  }

  /** @param {CurrentSearch} search @param {number} shown */
  render({ hasMore, isLoading, isReference }, shown) {
    const { words } = this.#context;
    if (!hasMore) {
      const end = element("p", { class: "end" }, words("end", { n: shown }));
      this.node.replaceChildren(...(isReference ? [] : [end]));
      return;
    }
    const more = this.#moreButton();
    more.textContent = words(isLoading ? "more_loading" : "more");
    more.ariaDisabled = isLoading;
  }

  get hasFocus() {
    return this.node.contains(focusedBeside(this.node));
  }

  /** By hand: what had the focus may be gone, and Safari gives it to no button that is clicked. */
  focus() {
    this.node.querySelector("button")?.focus({ preventScroll: true });
  }

  /** Look again whether the end is near: observers report changes only. */
  look() {
    this.#observer.disconnect();
    this.#observer.observe(this.node);
  }

  /** The same button while more loads: it keeps the focus. */
  #moreButton() {
    const first = this.node.firstElementChild;
    if (first?.matches(".more")) return first;
    const node = button({ class: "pill more", click: () => this.#context.finder.more({ movesFocus: true }) });
    this.node.replaceChildren(node);
    return node;
  }

  #notice(usesPointer) {
    const began = usesPointer && !this.#usesPointer;
    this.#usesPointer = usesPointer;
    if (began) this.look();
  }
}

/** Seconds as 0:09, 1:05 or 01:00:00. */
function clockTime(seconds) {
  return new Date(seconds * 1000).toISOString().slice(11, 19).replace(/^00:0?/, "");
}
