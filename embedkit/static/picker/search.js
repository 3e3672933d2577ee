/* Searching: the box that is typed into, and what its text finds. */

import { button, element, focusedBeside, icon } from "./dom.js";
import { activeFilters, narrowedBy, NEWEST, scopeOf } from "./filters.js";
import { reference } from "./images.js";
import { ServiceError } from "./service.js";

const DEBOUNCE_MS = 300; // from the last key to a search
const CJK = /[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]/; // a character is a syllable or more
const MIN_CHARS = 3;
const MIN_CJK_CHARS = 2;
const BUDGET_WARNING = 10; // less than a tenth of the searches of today is left

/** The search box: it searches after a pause in typing, and at once on Enter. */
export class SearchBox {
  #context;
  #timer = 0;

  /** @param {Context} context */
  constructor(context) {
    const { words } = context;
    this.#context = context;
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

  /** The query; taking it ends the wait for a pause. */
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
    const search = () => this.#context.picker.run();
    if (!query) search();
    else if (query.length >= minimum) this.#timer = setTimeout(search, DEBOUNCE_MS);
  }

  /** What was looked for before gives way to what is typed. */
  focus(options) {
    this.input.focus(options);
    this.input.select();
  }

  clear() {
    this.input.value = "";
    this.input.focus();
    this.#context.picker.run();
  }

  async #submit(event) {
    event.preventDefault();
    await this.#context.picker.run();
    this.#context.finder.remember();
  }
}

/** One search after another: a later one ends an earlier one. */
export class Finder {
  #context;
  /** @type {CurrentSearch|null} */
  #current = null;
  #hasAskedNewest = false; // since the last search
  #first = Promise.resolve(); // until what is shown before a search is there
  #isHeld = false; // while an answer waits
  #free;
  #failure = null; // {state, retry} while an error is shown

  /** @param {Context} context */
  constructor(context) {
    this.#context = context;
    window.addEventListener("online", () => this.retryAfter("offline", "server"), { signal: context.signal });
  }

  get #parts() {
    return this.#context.parts;
  }

  stop() {
    this.#current?.abort.abort();
    this.release();
  }

  /** Search for what is in the box; resolves once there is an answer. */
  run({ again = false } = {}) {
    const { state } = this.#context;
    const query = this.#parts.searchBox.takeQuery();
    const filters = activeFilters(state.filters);
    const key = JSON.stringify([query, filters]);
    const isBlank = !query && !scopeOf(state.filters) && !filters.show;
    if (!reference(query)) state.remember({ query, filters: state.filters });
    if (!again && !isBlank && this.#current?.key === key) {
      this.release();
      return this.#current.done;
    }
    this.stop();
    this.#current = {
      key, query, filters, title: query || state.filters.about, page: 1, total: 0,
      hasMore: false, isLoading: false, isReference: Boolean(reference(query)), next: Promise.resolve(),
      abort: new AbortController(), done: Promise.resolve(),
    };
    if (isBlank) this.#showFirst();
    else this.#current.done = this.#runFirst(this.#current);
    return this.#current.done;
  }

  /** Add the next page; who asks while it comes waits for the same. */
  more({ movesFocus = false } = {}) {
    const current = this.#current;
    if (!current?.hasMore || this.#failure) return Promise.resolve();
    if (!current.isLoading) current.next = this.#addPage(current, movesFocus);
    return current.next;
  }

  async #addPage(current, movesFocus) {
    const page = current.page + 1;
    current.isLoading = true;
    this.#showEnd();
    if (movesFocus) this.#parts.loadMore.focus();
    this.#context.emit("search", { query: current.query, filters: current.filters, page });
    try {
      const found = await this.#search(current, page).finally(() => { current.isLoading = false; });
      if (current.abort.signal.aborted) return;
      current.page = page;
      this.#showMore(found, movesFocus && this.#parts.loadMore.hasFocus); // unless the reader has gone on
    } catch (error) {
      if (!current.abort.signal.aborted) this.#failBelow(error);
    }
  }

  remember() {
    const { query, isReference, total } = this.#current ?? {};
    if (query && total && !isReference) this.#context.state.recentSearches.add(query);
  }

  forgetRecent() {
    const { state } = this.#context;
    state.recentSearches.clear();
    state.usedPictures.clear();
    this.#showFirst();
    this.#parts.searchBox.input.focus();
  }

  retryAfter(...states) {
    if (this.#failure && states.includes(this.#failure.state)) this.#failure.retry();
  }

  async #runFirst(current) {
    const { query, filters, isReference, abort: { signal } } = current;
    this.#showLoading();
    this.#context.emit("search", { query, filters, page: 1 });
    const asked = isReference ? this.#context.service.resolve([reference(query)], signal) : this.#search(current, 1);
    const show = await asked.then((found) => () => this.#showResults(found), (error) => () => this.#fail(error));
    if (this.#isHeld && !signal.aborted) {
      this.#showBusy(false);
      await new Promise((resolve) => { this.#free = resolve; });
    }
    if (!signal.aborted) this.#replace(show);
  }

  /** Who opens an old result while a search runs reads it first: the answer waits for release(). */
  hold() {
    this.#isHeld ||= this.#context.frame.hasAttribute("data-busy");
  }

  release() {
    this.#isHeld = false;
    this.#free?.();
  }

  #replace(show) {
    const before = focusedBeside(this.#parts.main);
    show();
    this.keepFocus(before);
  }

  /** Where the focus is gone, the first picture gets it, or the box. */
  keepFocus(before) {
    if (!before || (before.isConnected && before.checkVisibility())) return;
    this.#context.picker.focusResult(this.#parts.grid.activeIndex);
  }

  #search({ query, filters, abort }, page) {
    return this.#context.service.search(query, filters, page, this.#context.words, abort.signal);
  }

  #show(state) {
    const { grid, count, loadMore, messages } = this.#parts;
    this.#failure = null;
    this.#context.frame.dataset.state = state;
    this.#showBusy(state === "loading");
    messages.clear(state);
    this.#context.announcer.alert("");
    grid.list.hidden = state !== "results";
    if (state === "results") return;
    count.textContent = "";
    loadMore.node.replaceChildren();
  }

  #showBusy(isBusy) {
    this.#context.frame.toggleAttribute("data-busy", isBusy);
    this.#parts.grid.list.ariaBusy = isBusy;
  }

  #clearResults() {
    this.#context.picker.close({ movesFocus: false });
    this.#context.state.clearImages();
    this.#parts.grid.clear();
  }

  #showFirst() {
    const { state, announcer } = this.#context;
    this.#clearResults();
    this.#show("first");
    this.#first = this.#parts.messages.showFirst(state.recentSearches.items, this.#findUsed());
    announcer.say("");
    this.#hasAskedNewest = false;
    this.showNewest();
  }

  /** Before anything is searched, once somebody sees it: the newest editorial pictures. */
  async showNewest() {
    const { config, service, words, frame } = this.#context;
    const current = this.#current;
    const isWanted = config.showsNewest && !this.#hasAskedNewest && frame.dataset.state === "first";
    if (!isWanted || !frame.checkVisibility()) return;
    this.#hasAskedNewest = true;
    const found = await service.search("", NEWEST, 1, words).catch(() => null); // nobody asked for them
    await this.#first; // which is above them: they stay where they are once they can be clicked
    if (found?.images.length && this.#current === current) this.#parts.messages.showNewest(found.images);
  }

  /** Pictures chosen recently: only their IDs are kept. */
  async #findUsed() {
    const { state, service } = this.#context;
    const ids = state.usedPictures.items;
    const found = ids.length > 0 && (await service.resolve(ids).catch(() => null));
    return found ? found.images : [];
  }

  /** Old results stay, dimmed; else there is a skeleton. */
  #showLoading() {
    const { announcer, words, frame } = this.#context;
    announcer.say(words("loading"));
    if (frame.dataset.state === "results" && this.#parts.grid.tiles.length) this.#showBusy(true);
    else this.#show("loading");
  }

  #showResults(found) {
    const { state, words, emit, announcer } = this.#context;
    const { main, messages } = this.#parts;
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
    if (found.stale) this.#showStale(found.stale);
    main.scrollTop = 0;
    this.#add(found);
    const counts = { n: found.total, query: title, shown: state.images.length };
    announcer.say(words(isReference ? "resolved" : "found", counts));
    const isAsked = this.#context.picker.query === query; // else the reader writes on
    if (isReference && isAsked && found.images.length === 1) this.#context.picker.open(0, { keepsFocus: true });
  }

  #showNone(query, related) {
    const { state, words, announcer } = this.#context;
    this.#show("none");
    this.#parts.messages.showNone(query, narrowedBy(state.filters, words), related);
    announcer.say(words("none_title", { query }));
  }

  #showStale(error) {
    this.#parts.messages.showStale(() => this.run({ again: true }));
    this.#emitError(error);
  }

  #showMore(found, movesFocus) {
    const { state, words, emit, announcer } = this.#context;
    const { query, total, page } = this.#current;
    const start = state.images.length;
    const added = this.#add(found);
    emit("results", { query, total, page });
    this.remember();
    announcer.say(words("more_loaded", { n: added.length }));
    if (movesFocus) this.#parts.grid.focus(Math.min(start, state.images.length - 1));
  }

  #add({ images, pageSize, total }) {
    const current = this.#current;
    const { state } = this.#context;
    const added = state.addImages(images);
    state.total = current.total;
    this.#parts.grid.update(current.total);
    current.hasMore = !current.isReference && images.length > 0 && current.page * pageSize < total;
    this.#showEnd();
    this.#parts.loadMore.look();
    return added;
  }

  #showEnd() {
    const { words, state } = this.#context;
    const { total, isReference } = this.#current;
    const shown = state.images.length;
    this.#parts.count.textContent = isReference ? "" : words("count", { shown, total });
    this.#parts.loadMore.render(this.#current, shown);
  }

  /** In place of the results; other errors are faults of ours. */
  #fail(error) {
    if (!(error instanceof ServiceError)) throw error;
    const retry = () => this.run({ again: true });
    this.#clearResults();
    this.#show(error.state);
    this.#parts.messages.showError(error, retry);
    this.#current.key = null; // the same search may be made again
    this.#report(error, retry);
  }

  /** Below the results. */
  #failBelow(error) {
    if (!(error instanceof ServiceError)) throw error;
    const retry = () => {
      this.#failure = null;
      this.more({ movesFocus: true });
    };
    const { loadMore, messages } = this.#parts;
    const { hasFocus } = loadMore;
    this.#showEnd();
    messages.showErrorIn(loadMore.node, error, retry);
    if (hasFocus) loadMore.focus();
    this.#report(error, retry);
  }

  #report(error, retry) {
    this.#failure = { state: error.state, retry };
    this.#context.announcer.alert(this.#parts.messages.sentence(error));
    this.#emitError(error);
  }

  #emitError({ type, status, retryAfter, state }) {
    this.#context.emit("error", { type, status, retryAfter });
    if (state === "quota") this.#context.emit("quota", { retryAfter });
  }
}
