/* The picker itself: its parts, and what happens between them. The element is its door. */

import { DetailsPane } from "./details.js";
import { button, element, focusedBeside, icon } from "./dom.js";
import { Explorer, FilterBar, isAlone, NO_FILTERS, NO_SCOPE } from "./filters.js";
import { editsFrom, reference } from "./images.js";
import { Chooser, SelectionBar } from "./insertion.js";
import { Announcer, KeyHelp, LoadMore, Messages } from "./messages.js";
import { ResultsGrid } from "./results.js";
import { Finder, SearchBox } from "./search.js";

const NARROW_WIDTH = 640; // in pixels, as are the next two
const WIDE_WIDTH = 900; // from which the details have a place of their own: nothing moves when they open
const SHORT_HEIGHT = 420;
const TEXT_FIELDS = "input, textarea, select"; // in which a key writes

/** Everything in the frame, in one language: another gets another picker, with the same state. */
export class Picker {
  #frame;
  #context;
  #lifetime = new AbortController(); // until leave()
  #resizes = new ResizeObserver(() => this.#fit());
  #hasAskedBoards = false;

  /** @param {HTMLElement} frame - to fill @param {Words} words @param {Session} session @param {Host} host */
  constructor(frame, words, session, host) {
    this.#frame = frame;
    session.state.clearImages();
    this.#context = this.#makeContext({ ...session, words, host });
    this.#assemble(this.#context);
    frame.addEventListener("keydown", (event) => this.#key(event), { signal: this.#lifetime.signal });
    for (const node of [frame, this.#parts.grid.list]) this.#resizes.observe(node);
    this.#parts.filterBar.update(session.state.filters);
    this.#fit();
  }

  /** All parts know each other by the context, once it is complete. */
  #makeContext(given) {
    const context = /** @type {Context} */ ({
      ...given, picker: this, announcer: new Announcer(), frame: this.#frame, signal: this.#lifetime.signal,
      isRightToLeft: this.#frame.dir === "rtl",
    });
    context.parts = {
      main: element("div", { class: "main" }), count: element("p", { class: "count" }),
      searchBox: new SearchBox(context), filterBar: new FilterBar(context), messages: new Messages(context),
      grid: new ResultsGrid(context), loadMore: new LoadMore(context), details: new DetailsPane(context),
      selectionBar: new SelectionBar(context), keyHelp: new KeyHelp(context),
    };
    return Object.assign(context, {
      finder: new Finder(context), explorer: new Explorer(context), chooser: new Chooser(context),
    });
  }

  get #parts() {
    return this.#context.parts;
  }

  get words() {
    return this.#context.words;
  }

  get input() {
    return this.#parts.searchBox.input;
  }

  get query() {
    return this.input.value.trim();
  }

  focus(options) {
    this.#parts.searchBox.focus(options);
  }

  /** Insert nothing of what is still being fetched. */
  giveUp() {
    this.#context.chooser.giveUp();
  }

  leave() {
    this.giveUp();
    this.#lifetime.abort();
    this.#context.finder.stop();
    this.#parts.searchBox.stop();
    this.#context.announcer.stop();
    this.#resizes.disconnect();
  }

  #assemble({ words, config, announcer, parts }) {
    const help = words(config.isMultiple ? "results_help_multiple" : "results_help");
    parts.main.append(
      parts.messages.notice, parts.messages.panel, parts.messages.related, parts.messages.skeleton,
      parts.grid.list, parts.loadMore.node, element("p", { id: "help", hidden: true }, help),
    );
    for (const shown of ["data-details", "data-filters"]) this.#frame.toggleAttribute(shown, false);
    this.#frame.setAttribute("aria-labelledby", "title");
    this.#frame.replaceChildren(
      this.#top(words, config),
      element("div", { class: "tools" }, parts.filterBar.nodes, parts.count),
      element("div", { class: "progress" }),
      element(
        "div", { class: "body" }, parts.main, parts.details.node, element("p", { class: "place" }, words("place")),
      ),
      parts.selectionBar.node, parts.keyHelp.node, announcer.status, announcer.alarm,
    );
  }

  #top(words, config) {
    return element(
      "div", { class: "top" },
      element("h2", { id: "title" }, words("title")),
      this.#parts.searchBox.form,
      config.isSandbox && element("p", { class: "badge", part: "badge" }, words("sandbox")),
      button({ class: "plain close", "aria-label": words("close"), click: () => this.#leave() }, icon("close")),
    );
  }

  /** Search as if it had been typed; resolves once there is an answer. */
  search(query, filters = {}, options = {}) {
    this.input.value = query;
    this.#context.state.setFilters(filters);
    return this.run(options);
  }

  /** Search for what is in the box: words go beyond what nothing narrows, such as similar pictures. */
  run(options) {
    const { state, finder } = this.#context;
    const isReference = Boolean(reference(this.query));
    if (isReference || (this.query && isAlone(state.filters))) state.setFilters(NO_SCOPE);
    this.#parts.filterBar.update(state.filters, isReference);
    return finder.run(options);
  }

  /** Open the details of a picture with what was chosen for it, as the value of a field tells. */
  async edit(value) {
    const edits = editsFrom(value);
    if (edits) this.#context.state.setEdits(edits.id, edits);
    const query = edits ? `id:${edits.id}` : value;
    await this.searchThen(() => this.#parts.details.focusOptions(), query, {}, { again: true });
  }

  /** Search, and then act on what is found, unless the reader writes or is elsewhere by then. */
  async searchThen(act, query, filters, options) {
    const before = focusedBeside(this.input);
    const done = this.search(query, filters, options);
    const text = this.input.value;
    await done;
    const focused = focusedBeside(this.input) ?? document.activeElement;
    const isFree = [before, null, document.body].includes(/** @type {any} */ (focused));
    if (this.input.value === text && (isFree || this.#parts.main.parentNode.contains(focused))) act();
  }

  /** Show a result where the reader left it. */
  returnTo(index) {
    this.#parts.grid.show(index);
  }

  /** Give the focus to a result, or to the box where there is none. */
  focusResult(index) {
    if (this.#parts.grid.tiles.length) this.#parts.grid.focus(index);
    else this.input.focus();
  }

  /** Start anew: nothing searched, filtered, edited or selected. */
  reset() {
    const { state, chooser } = this.#context;
    state.forgetEdits();
    state.selection.clear();
    chooser.show();
    return this.search("", { ...NO_FILTERS, ...NO_SCOPE });
  }

  retryAfter(...states) {
    this.#context.finder.retryAfter(...states);
  }

  /** Search for what was offered, and remember it. */
  async searchFor(query) {
    const done = this.search(query);
    this.input.focus();
    await done;
    this.#context.finder.remember();
  }

  /** Once somebody sees the picker. */
  async #showBoards() {
    if (this.#hasAskedBoards) return;
    this.#hasAskedBoards = true;
    const boards = await this.#context.service.boards();
    if (boards.length) this.#parts.filterBar.showBoards(boards);
  }

  filter(values) {
    this.search(this.input.value, values);
  }

  /** Set filters so that they leave out less, or nothing. */
  unfilter(values = NO_FILTERS) {
    this.filter(values);
    this.input.focus();
  }

  /** Open the details of a picture, or the pictures of an event. */
  open(index, { keepsFocus = false } = {}) {
    const { state, explorer, finder } = this.#context;
    const { details, grid, main } = this.#parts;
    const image = state.images[index];
    if (!image) return;
    if (image.event) {
      state.openIndex = index; // where to come back to
      explorer.enter({ event_ids: image.event, about: image.title });
      return;
    }
    if (state.openIndex === index && !keepsFocus) {
      details.focusHeading();
      return;
    }
    finder.hold();
    const tile = grid.tiles[index];
    const top = tile.getBoundingClientRect().top;
    state.openIndex = index;
    state.remember({ index });
    details.show(image, index, state.total);
    this.#showDetails(true);
    main.scrollTop += tile.getBoundingClientRect().top - top; // the tile stays where it was
    tile.scrollIntoView({ block: "nearest" });
    finder.remember();
    this.#checkEmbeddable(image.id);
    if (!keepsFocus || this.#isNarrow) details.focusHeading();
  }

  async #checkEmbeddable(id) {
    const { service, state } = this.#context;
    try {
      await service.facade(id).request;
    } catch (error) {
      if (state.images[state.openIndex]?.id === id && error.isFinal) this.#parts.details.refuse(error);
    }
  }

  /** To the picture before (-1) or after (1), unless the reader has gone on while it was fetched. */
  async step(distance) {
    const { state, finder } = this.#context;
    const { details } = this.#parts;
    details.focusStep(distance); // Safari gives the focus to no button that is clicked
    const before = focusedBeside(this.#frame);
    if (state.openIndex + distance >= state.images.length) await finder.more();
    const index = state.openIndex + distance;
    if (!state.images[index] || focusedBeside(this.#frame) !== before) return;
    this.open(index, { keepsFocus: true });
    details.focusStep(distance);
  }

  /** Close the details. */
  close({ movesFocus = true } = {}) {
    const { state } = this.#context;
    if (!state.isOpen) return;
    const index = state.openIndex;
    state.openIndex = -1;
    this.#parts.details.close();
    this.#showDetails(false);
    if (movesFocus) this.#parts.grid.focus(index);
    this.#context.finder.release();
  }

  #showDetails(isShown) {
    this.#frame.toggleAttribute("data-details", isShown);
    this.#coverRest();
    this.#parts.grid.layout();
    this.#parts.grid.mark();
  }

  /** On narrow screens the details are a sheet over everything else: nothing below it can be reached. */
  #coverRest() {
    const isCovered = this.#isNarrow && this.#context.state.isOpen;
    for (const part of this.#frame.querySelectorAll(":scope > :is(.top, .tools, .footer), .main")) {
      part.toggleAttribute("inert", isCovered);
    }
  }

  showProblem(text) {
    const { state, announcer } = this.#context;
    if (state.isOpen) this.#parts.details.showProblem(text);
    else announcer.alert(text, this.#parts.messages.notice);
  }

  /** One step back: from the details to the results, from these out of the picker, which asks before work is lost. */
  back() {
    if (this.#context.state.isOpen) this.close();
    else this.#leave();
  }

  #leave() {
    this.#context.chooser.leave();
  }

  #key(event) {
    if (event.isComposing || this.#parts.keyHelp.node.open || !this.#act(event)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Do what a key means everywhere in the picker; false if it means nothing. */
  #act({ key, target, ctrlKey, metaKey }) {
    const { searchBox, keyHelp, grid } = this.#parts;
    if (key === "Escape" && target === this.input && target.value) searchBox.clear();
    else if (key === "Escape") this.back();
    else if (key === "?" && !target.matches(TEXT_FIELDS)) keyHelp.show();
    else if (key === "/" && !target.matches(TEXT_FIELDS)) searchBox.focus();
    else if (key === "ArrowDown" && target === this.input) grid.focus(grid.activeIndex);
    else if (key === "Enter" && (ctrlKey || metaKey)) this.#context.chooser.insertCurrent(target);
    else return false;
    return true;
  }

  relayout() {
    this.#parts.grid.layout();
  }

  get #isNarrow() {
    return this.#frame.hasAttribute("data-narrow");
  }

  #fit() {
    const { clientWidth: width, clientHeight: height } = this.#frame;
    if (!width) return;
    this.#context.finder.showNewest();
    this.#showBoards();
    this.#frame.toggleAttribute("data-narrow", width < NARROW_WIDTH);
    this.#frame.toggleAttribute("data-wide", width >= WIDE_WIDTH);
    this.#frame.toggleAttribute("data-short", height < SHORT_HEIGHT && !this.#context.config.isCompact);
    this.#coverRest();
    this.#parts.grid.fit();
    this.#parts.details.fit();
  }
}
