/* Searching: filters, scopes and their controls, the search box, and searches. */

import { button, element, focusedBeside, icon, Part, radio } from "./dom.js";
import { reference, ServiceError } from "./model.js";

const PANORAMA = "panoramic_horizontal,panoramic_vertical";
const COLORS = {
  red: "d92b2b", orange: "f08a24", yellow: "f4d03f", green: "3f9b4f", teal: "1f9e97", blue: "2f6fd0",
  purple: "7d4fb3", pink: "e77fa8", brown: "8a5a3c", black: "111111", grey: "8c8c8c", white: "ffffff",
};

const EDITORIAL = ["editorial"];
const NOT_EDITORIAL = ["all", "creative"];
const DAY_MS = 86_400_000;
const RANGE = "range";

const same = (...values) => Object.fromEntries(values.map((value) => [value, value]));

// By key of words: the service's name and values, and the families that have the filter if not all do.
const FILTERS = {
  family: { name: "family", values: same("all", "creative", "editorial") },
  show: { name: "show", values: { pictures: "", events: "events" }, families: EDITORIAL },
  orientation: {
    name: "orientations", values: { any: "", ...same("horizontal", "vertical", "square"), panoramic: PANORAMA },
  },
  people: { name: "number_of_people", values: { any: "", ...same("none", "one", "two", "group") } },
  color: { name: "color", values: { any: "", ...COLORS }, families: NOT_EDITORIAL },
  section: {
    name: "editorial_segments", families: EDITORIAL,
    values: { any: "", ...same("news", "sport", "entertainment", "archival") },
  },
  period: { name: "period", values: { any: "", day: "0", week: "7", month: "30", range: RANGE }, families: EDITORIAL },
  sort: { name: "sort_order", values: { best_match: "", ...same("most_popular", "newest", "oldest") } },
  nudity: { name: "exclude_nudity", families: NOT_EDITORIAL },
  rights: { name: "exclude_editorial_use_only", families: ["creative"] },
};
const OF_EVENTS = ["family", "show", "section", "period", "sort"];
const NOT_NARROWING = ["nudity", "sort"];
const OLDEST = "oldest"; // editorial only

export const NO_FILTERS = {
  family: "all", orientations: "", number_of_people: "", color: "", sort_order: "", exclude_nudity: true,
  show: "", editorial_segments: "", period: "", date_from: "", date_to: "", exclude_editorial_use_only: false,
};
/** At most one is set; about is its label. */
export const NO_SCOPE = {
  artists: "", collection_codes: "", event_ids: "", similar: "", series: "", by_image: "", board: "", newest: "",
  about: "",
};
const ALONE = ["similar", "series", "by_image", "board", "newest"]; // without filters or a query
export const NEWEST = { family: "editorial", sort_order: "newest" };

export const scopeOf = (filters) => Object.keys(NO_SCOPE).find((name) => name !== "about" && filters[name]);

export const isAlone = (filters) => ALONE.includes(scopeOf(filters));

const isOffered = (/** @type {any} */ { families }, family) => families?.includes(family) ?? true;

function datesOf({ period, date_from, date_to }) {
  if (period === RANGE) return { ...(date_from && { date_from }), ...(date_to && { date_to }) };
  // The local day; Swedish writes it as in ISO 8601.
  return { date_from: new Date(Date.now() - Number(period) * DAY_MS).toLocaleDateString("sv") };
}

/** The parameters of a search. */
export function activeFilters(filters) {
  const scope = scopeOf(filters);
  if (scope === "newest") return NEWEST;
  const set = isAlone(filters) ? [] : active(filters).map(([, { name }]) => [name, filters[name]]);
  const { period, ...others } = Object.fromEntries(set);
  return { ...others, ...(period && datesOf(filters)), ...(scope && { [scope]: filters[scope] }) };
}

function active(filters) {
  return Object.entries(FILTERS).filter(([key, filter]) => {
    const value = filters[filter.name];
    if (value === "" || !isOffered(filter, filters.family)) return false;
    if (key === "rights") return value; // nudity is always sent
    return value !== OLDEST || filters.family === "editorial";
  });
}

const changed = (filters) => active(filters).filter(([, { name }]) => filters[name] !== NO_FILTERS[name]);

/** Filters that exclude pictures, as {text, reset}. */
export function narrowingFilters(filters, words) {
  return changed(filters).filter(([key]) => !NOT_NARROWING.includes(key)).map(([key, { name, values = {} }]) => {
    const choice = Object.keys(values).find((value) => values[value] === filters[name]);
    return { text: words(choice ? `${key}_${choice}` : key), reset: { [name]: NO_FILTERS[name] } };
  });
}

export class FilterBar extends Part {
  #hasAskedBoards = false;
  #controls = Object.keys(FILTERS)
    .filter((key) => this.context.config.filters?.includes(key) ?? true)
    .map((key) => ({ key, ...this.#control(key) }));
  #toggle = button({
    class: "pill toggle", "aria-expanded": "false", "aria-controls": "filters",
    click: () => { this.#toggle.ariaExpanded = this.context.frame.toggleAttribute("data-filters"); },
  });
  #scope = button({ class: "pill set scope", hidden: true, click: () => this.context.picker.leaveScope() });
  #clear = button(
    { class: "link", hidden: true, click: () => this.context.picker.unfilter() }, this.context.words("filters_clear"),
  );
  #group = element(
    "div",
    { class: "filters", part: "filters", id: "filters", role: "group", "aria-label": this.context.words("filters") },
    this.#controls.map(({ node }) => node), this.#clear,
  );

  get nodes() {
    return [this.#controls.length > 0 && this.#toggle, this.#scope, this.#group];
  }

  async showBoards() {
    if (this.#hasAskedBoards) return;
    this.#hasAskedBoards = true;
    const { words, service, picker } = this.context;
    const boards = await service.boards();
    if (!boards.length) return;
    const select = element("select", {
      "aria-label": words("boards"), change: () => {
        const about = `${words("board")}: ${select.selectedOptions[0].label}`;
        picker.explore({ board: select.value, about });
        select.value = "";
      },
    }, new Option(words("boards"), ""), boards.map(({ id, name }) => new Option(name, id)));
    this.#clear.before(element("span", { class: "pick pill boards" }, select, icon("down")));
  }

  update(filters, isReference = false) {
    const { words } = this.context;
    const scope = scopeOf(filters);
    this.#scope.hidden = !scope;
    this.#scope.replaceChildren(
      element("span", { dir: "auto" }, filters.about || filters[scope] || ""),
      element("span", { class: "unseen" }, `: ${words("scope_leave")}`), icon("close"),
    );
    this.#toggle.hidden = this.#group.hidden = isReference || isAlone(filters);
    for (const { key, node, show } of this.#controls) {
      const isDead = filters.show && filters.family === "editorial" && !OF_EVENTS.includes(key);
      node.hidden = isDead || !isOffered(FILTERS[key], filters.family);
      show(filters[FILTERS[key].name], filters);
    }
    const n = changed(filters).length;
    this.#clear.hidden = !n;
    const number = n ? element("span", { class: "number", "aria-hidden": "true" }, words("{n}", { n })) : "";
    this.#toggle.replaceChildren(icon("filter"), words("filters"), number);
    this.#toggle.ariaLabel = n ? words("filters_set", { n }) : null;
  }

  /** @returns {any} a node, and show(value, filters) */
  #control(key) {
    const { name, values } = FILTERS[key];
    const change = ({ target }) => {
      this.context.picker.filter({ [name]: target.type === "checkbox" ? target.checked : target.value });
    };
    if (!values) return this.#checkbox(key, change);
    if (key === "family") return this.#segments(key, change);
    if (key === "color") return this.#swatches(key, change);
    return key === "period" ? this.#period(key, change) : this.#select(key, change);
  }

  #checkbox(key, change) {
    const input = element("input", { type: "checkbox", change });
    const node = element("label", { class: "tick" }, input, this.context.words(key));
    return { node, show: (value) => { input.checked = value; } };
  }

  #segments(key, change) {
    const { words } = this.context;
    const choices = Object.keys(FILTERS[key].values).map((value) => radio(key, value, false, words(`${key}_${value}`)));
    const legend = element("legend", { class: "unseen" }, words(key));
    return {
      node: element("fieldset", { class: "segments", change }, legend, choices),
      show: (value) => {
        for (const { firstChild: input } of choices) input.checked = input.value === value;
      },
    };
  }

  #swatches(key, change) {
    const { words, picker } = this.context;
    const paint = (node, value) => node.style.setProperty("--ek-dot", value ? `#${value}` : "transparent");
    const swatches = Object.entries(FILTERS[key].values).map(([name, value]) => {
      const node = radio(key, value, false, null, words(`${key}_${name}`));
      paint(node, value);
      return node;
    });
    const hex = element("input", {
      class: "hex", pattern: "#?[0-9A-Fa-f]{6}", maxlength: 7, placeholder: "#0B6B57", spellcheck: "false",
      "aria-label": words("color_hex"), change: (event) => {
        event.stopPropagation();
        if (hex.validity.valid) picker.filter({ [key]: hex.value.replace("#", "").toLowerCase() });
      },
    });
    const summary = element("summary", { class: "pill" }, element("i"), words(key), icon("down"));
    const node = element(
      "details",
      {
        class: "color",
        focusout: ({ relatedTarget }) => { node.open &&= node.contains(relatedTarget); },
        keydown: (event) => {
          if (event.key !== "Escape" || !node.open) return;
          event.preventDefault(); // the dialog stays open
          event.stopPropagation();
          node.open = false;
          summary.focus();
        },
      },
      summary,
      element("fieldset", { change }, element("legend", { class: "unseen" }, words(key)), swatches, hex),
    );
    const show = (value) => {
      for (const { firstChild: input } of swatches) input.checked = input.value === value;
      hex.value = value && `#${value}`;
      summary.classList.toggle("set", value !== "");
      paint(node, value);
    };
    return { node, show };
  }

  #period(key, change) {
    const { words, picker } = this.context;
    const { node: select, show } = this.#select(key, change);
    const days = ["date_from", "date_to"].map((name) => element("input", {
      type: "date", class: "pill", "aria-label": words(name),
      change: ({ target }) => picker.filter({ [name]: target.value }),
    }));
    const range = element("span", { class: "range" }, days);
    return {
      node: element("span", { class: "range" }, select, range),
      show: (value, filters) => {
        show(value, filters);
        range.hidden = value !== RANGE;
        [days[0].value, days[1].value] = [filters.date_from, filters.date_to];
      },
    };
  }

  #select(key, change) {
    const { words } = this.context;
    const { values } = FILTERS[key];
    const select = element("select", { "aria-label": words(key), change });
    const node = element("span", { class: `pick pill ${key}` }, select, icon("down"));
    const show = (value, { family }) => {
      const names = Object.keys(values).filter((name) => name !== OLDEST || family === "editorial");
      const label = (name) => words(name === "any" ? key : `${key}_${name}`);
      select.replaceChildren(...names.map((name) => new Option(label(name), values[name])));
      select.value = value;
      node.classList.toggle("set", select.value !== "");
    };
    return { node, show };
  }
}

const DEBOUNCE_MS = 300;
const CJK = /[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]/;
const MIN_CHARS = 3;
const MIN_CJK_CHARS = 2;
const BUDGET_WARNING = 10; // a tenth of the day's

export class SearchBox extends Part {
  #timer;

  constructor(context) {
    super(context);
    const { words } = context;
    this.input = element("input", {
      type: "search", "aria-label": words("search_label"), placeholder: words("search_hint"), enterkeyhint: "search",
      autocapitalize: "none", autocomplete: "off", spellcheck: "false", dir: "auto",
      input: (event) => event.isComposing || this.#typed(),
      compositionend: () => this.#typed(),
    });
    this.clearButton = button(
      { class: "plain", "aria-label": words("search_clear"), hidden: true, click: () => this.clear() }, icon("close"),
    );
    this.form = element(
      "form", { class: "search", role: "search", part: "search", submit: (event) => this.#submit(event) },
      element("button", { class: "plain", "aria-label": words("search") }, icon("search")),
      this.input, this.clearButton,
    );
  }

  takeQuery() {
    this.stop();
    this.clearButton.hidden = !this.input.value;
    return this.input.value.trim();
  }

  stop() {
    clearTimeout(this.#timer);
  }

  #typed() {
    const query = this.takeQuery();
    const minimum = CJK.test(query) ? MIN_CJK_CHARS : MIN_CHARS;
    const search = () => this.context.picker.run();
    if (!query) search();
    else if (query.length >= minimum) this.#timer = setTimeout(search, DEBOUNCE_MS);
  }

  focus(options) {
    this.input.focus(options);
    this.input.select();
  }

  clear() {
    this.input.value = "";
    this.input.focus();
    this.context.picker.run();
  }

  async #submit(event) {
    event.preventDefault();
    await this.context.picker.run();
    this.context.finder.remember();
  }
}

/** A new search cancels the last one. */
export class Finder extends Part {
  /** @type {CurrentSearch|null} */
  #current = null;
  #hasAskedNewest = false; // since the last search
  #first; // resolves when its panel is complete
  #isHeld = false; // while new results wait
  #free;
  #failure = null; // {state, retry}

  constructor(context) {
    super(context);
    window.addEventListener("online", () => this.retryAfter("offline", "server"), { signal: context.signal });
  }

  stop() {
    this.#current?.abort.abort();
    this.release();
  }

  run({ again = false } = {}) {
    const { state, searchBox } = this.context;
    const query = searchBox.takeQuery();
    const isReference = Boolean(reference(query));
    const filters = activeFilters(state.filters);
    const key = JSON.stringify([query, filters]);
    const isBlank = !query && !scopeOf(state.filters) && !filters.show;
    if (!isReference) state.remember({ query, filters: state.filters });
    if (!again && !isBlank && this.#current?.key === key) {
      this.release();
      return this.#current.done;
    }
    this.stop();
    this.#current = {
      key, query, filters, title: query || state.filters.about, page: 1, total: 0,
      hasMore: false, isLoading: false, isReference, abort: new AbortController(),
    };
    if (isBlank) this.#showFirst();
    else this.#current.done = this.#runFirst(this.#current);
    return this.#current.done;
  }

  more({ movesFocus = false } = {}) {
    const current = this.#current;
    if (!current?.hasMore || this.#failure) return null;
    if (!current.isLoading) current.next = this.#addPage(current, movesFocus);
    return current.next;
  }

  async #addPage(current, movesFocus) {
    const { emit, loadMore } = this.context;
    const page = current.page + 1;
    current.isLoading = true;
    this.#showEnd();
    if (movesFocus) loadMore.focus();
    emit("search", { query: current.query, filters: current.filters, page });
    try {
      const found = await this.#search(current, page).finally(() => { current.isLoading = false; });
      if (current.abort.signal.aborted) return;
      current.page = page;
      this.#showMore(found, movesFocus && loadMore.hasFocus);
    } catch (error) {
      if (!current.abort.signal.aborted) this.#failBelow(error);
    }
  }

  remember() {
    const { query, isReference, total } = this.#current ?? {};
    if (query && total && !isReference) this.context.state.recentSearches.add(query);
  }

  forgetRecent() {
    const { state, searchBox } = this.context;
    state.recentSearches.clear();
    state.usedPictures.clear();
    this.#showFirst();
    searchBox.input.focus();
  }

  retryAfter(...states) {
    if (this.#failure && states.includes(this.#failure.state)) this.#failure.retry();
  }

  async #runFirst(current) {
    const { query, filters, isReference, abort: { signal } } = current;
    const { service, emit, main } = this.context;
    this.#showLoading();
    emit("search", { query, filters, page: 1 });
    const search = isReference ? service.resolve([reference(query)], signal) : this.#search(current, 1);
    const show = await search.then((found) => () => this.#showResults(found), (error) => () => this.#fail(error));
    if (this.#isHeld && !signal.aborted) {
      this.#showBusy(false);
      await new Promise((resolve) => { this.#free = resolve; });
    }
    if (signal.aborted) return;
    const before = focusedBeside(main);
    show();
    this.keepFocus(before);
  }

  /** New results wait while an old one is open. */
  hold() {
    this.#isHeld ||= this.context.frame.hasAttribute("data-busy");
  }

  release() {
    this.#isHeld = false;
    this.#free?.();
  }

  keepFocus(before) {
    const { picker, grid } = this.context;
    if (before && !(before.isConnected && before.checkVisibility())) picker.focusResult(grid.activeIndex);
  }

  #search({ query, filters, abort }, page) {
    const { service, words } = this.context;
    return service.search(query, filters, page, words, abort.signal);
  }

  #show(state) {
    const { frame, announcer, grid, count, loadMore, messages } = this.context;
    this.#failure = null;
    frame.dataset.state = state;
    this.#showBusy(state === "loading");
    messages.clear(state);
    announcer.alert("");
    grid.list.hidden = state !== "results";
    if (state === "results") return;
    count.textContent = "";
    loadMore.node.replaceChildren();
  }

  #showBusy(isBusy) {
    const { frame, grid } = this.context;
    frame.toggleAttribute("data-busy", isBusy);
    grid.list.ariaBusy = isBusy;
  }

  #clearResults() {
    const { picker, state, grid } = this.context;
    picker.close({ movesFocus: false });
    state.clearImages();
    grid.clear();
  }

  #showFirst() {
    const { state, announcer, messages } = this.context;
    this.#clearResults();
    this.#show("first");
    this.#first = messages.showFirst(state.recentSearches.items, this.#findUsed());
    announcer.say("");
    this.#hasAskedNewest = false;
    this.showNewest();
  }

  /** Before any search, once the picker is visible. */
  async showNewest() {
    const { config, service, words, frame, messages } = this.context;
    const current = this.#current;
    const isWanted = config.showsNewest && !this.#hasAskedNewest && frame.dataset.state === "first";
    if (!isWanted || !frame.checkVisibility()) return;
    this.#hasAskedNewest = true;
    const found = await service.search("", NEWEST, 1, words).catch(() => null);
    await this.#first; // which would move them
    if (found?.images.length && this.#current === current) messages.showNewest(found.images);
  }

  async #findUsed() {
    const { state, service } = this.context;
    const ids = state.usedPictures.items;
    return ids.length ? service.resolve(ids).then(({ images }) => images, () => []) : [];
  }

  #showLoading() {
    const { announcer, words, frame, grid } = this.context;
    announcer.say(words("loading"));
    if (frame.dataset.state === "results" && grid.tiles.length) this.#showBusy(true);
    else this.#show("loading");
  }

  #showResults(found) {
    const { state, words, emit, announcer, main, messages, picker } = this.context;
    const { query, title, isReference } = this.#current;
    this.#current.total = found.total;
    state.textLanguage = found.language || null;
    this.#clearResults();
    emit("results", { query, total: found.total, page: 1 });
    if (!found.images.length) {
      this.#showNone(title, found.related);
      return;
    }
    this.#show("results");
    if (found.budgetLeft * BUDGET_WARNING < found.budget) messages.showBudget(found.budgetLeft);
    messages.showRelated(found.related);
    if (found.stale) {
      messages.showStale(() => this.run({ again: true }));
      this.#emitError(found.stale);
    }
    main.scrollTop = 0;
    this.#add(found);
    const counts = { n: found.total, query: title, shown: state.images.length };
    announcer.say(words(isReference ? "resolved" : "found", counts));
    const isCurrent = picker.query === query;
    if (isReference && isCurrent && found.images.length === 1) picker.open(0, { keepsFocus: true });
  }

  #showNone(query, related) {
    const { state, words, announcer, messages } = this.context;
    this.#show("none");
    messages.showNone(query, narrowingFilters(state.filters, words), related);
    announcer.say(words("none_title", { query }));
  }

  #showMore(found, movesFocus) {
    const { state, words, emit, announcer, grid } = this.context;
    const { query, total, page } = this.#current;
    const start = state.images.length;
    const added = this.#add(found);
    emit("results", { query, total, page });
    this.remember();
    announcer.say(words("more_loaded", { n: added.length }));
    if (movesFocus) grid.focus(Math.min(start, state.images.length - 1));
  }

  #add({ images, pageSize, total }) {
    const { state, grid, loadMore } = this.context;
    const current = this.#current;
    const added = state.addImages(images);
    state.total = current.total;
    grid.update(current.total);
    current.hasMore = !current.isReference && images.length > 0 && current.page * pageSize < total;
    this.#showEnd();
    loadMore.look();
    return added;
  }

  #showEnd() {
    const { words, state, count, loadMore } = this.context;
    const { total, isReference } = this.#current;
    const shown = state.images.length;
    count.textContent = isReference ? "" : words("count", { shown, total });
    loadMore.render(this.#current, shown);
  }

  #fail(error) {
    if (!(error instanceof ServiceError)) throw error;
    const retry = () => this.run({ again: true });
    this.#clearResults();
    this.#show(error.state);
    this.context.messages.showError(error, retry);
    this.#current.key = null; // to run again
    this.#report(error, retry);
  }

  #failBelow(error) {
    if (!(error instanceof ServiceError)) throw error;
    const retry = () => {
      this.#failure = null;
      this.more({ movesFocus: true });
    };
    const { loadMore, messages } = this.context;
    const { hasFocus } = loadMore;
    this.#showEnd();
    messages.showErrorIn(loadMore.node, error, retry);
    if (hasFocus) loadMore.focus();
    this.#report(error, retry);
  }

  #report(error, retry) {
    const { announcer, messages } = this.context;
    this.#failure = { state: error.state, retry };
    announcer.alert(messages.sentence(error));
    this.#emitError(error);
  }

  #emitError({ type, status, retryAfter, state }) {
    const { emit } = this.context;
    emit("error", { type, status, retryAfter });
    if (state === "quota") emit("quota", { retryAfter });
  }
}
