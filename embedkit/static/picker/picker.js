/* The picker itself: its parts, and what happens between them. The element is its door. */

import { DetailsPane } from "./details.js";
import { button, element, icon } from "./dom.js";
import { Explorer, FilterBar, isAlone, NO_FILTERS, NO_SCOPE } from "./filters.js";
import { editsFrom, reference } from "./images.js";
import { Chooser, Inserter, SelectionBar } from "./insertion.js";
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
  #host;
  #lifetime = new AbortController();
  #resizes = new ResizeObserver(() => this.#fit());
  searchBox;
  #filterBar;
  #messages;
  #grid;
  #loadMore;
  #details;
  #selectionBar;
  #keyHelp;
  #finder;
  #inserter;
  #chooser;
  #explorer;
  #hasAskedBoards = false;
  #count = element("p", { class: "count" });
  #main = element("div", { class: "main" });

  /** @param {HTMLElement} frame - to fill @param {Words} words @param {Session} session @param {Host} host */
  constructor(frame, words, session, host) {
    this.#frame = frame;
    this.#host = host;
    const isRightToLeft = frame.dir === "rtl";
    this.#context = { ...session, words, announcer: new Announcer(), isRightToLeft };
    session.state.clearImages();
    this.#makeParts(this.#context);
    this.#makeActors(this.#context);
    this.#assemble(this.#context);
    frame.addEventListener("keydown", (event) => this.#key(event), { signal: this.#lifetime.signal });
    for (const node of [frame, this.#grid.list]) this.#resizes.observe(node);
    this.#filterBar.update(session.state.filters);
    this.#fit();
  }

  get words() {
    return this.#context.words;
  }

  get input() {
    return this.searchBox.input;
  }

  leave() {
    this.#lifetime.abort();
    this.#finder.stop();
    this.searchBox.stop();
    this.#context.announcer.stop();
    this.#resizes.disconnect();
  }

  #makeParts(context) {
    const { words, config } = context;
    const more = (options) => this.#finder.more(options);
    this.searchBox = new SearchBox(words, () => this.#run(), () => this.#finder.remember());
    this.#filterBar = new FilterBar(words, config.filters, {
      change: (values) => this.#filter(values),
      clear: () => this.#clearFilters(),
      leaveScope: () => this.#explorer.leave(),
      explore: (scope) => this.#explorer.enter(scope),
      toggle: (isOpen) => this.#frame.toggleAttribute("data-filters", isOpen),
    });
    this.#messages = new Messages(words, config, {
      search: (query) => this.#searchFor(query),
      unfilter: (values) => this.#clearFilters(values),
      forgetRecent: () => this.#forgetRecent(),
      showNewest: (index) => this.#explorer.showNewest(index),
    });
    this.#grid = new ResultsGrid(context, {
      open: (index, options) => this.#open(index, options),
      select: (index, options) => this.#chooser.select(index, options),
      insert: (image) => this.#chooser.insertAtOnce(image),
    });
    this.#loadMore = new LoadMore(context, this.#frame, this.#lifetime.signal, more);
    this.#details = new DetailsPane(context, {
      insert: (image) => this.#inserter.insert([image]),
      step: (distance) => this.#step(distance),
      close: () => this.#close(),
      select: (index) => this.#chooser.select(index),
      explore: (scope) => this.#explorer.enter(scope),
      refine: (word) => this.#explorer.refine(word),
    });
    this.#selectionBar = new SelectionBar(words, {
      clear: () => this.#chooser.deselect(),
      arrange: (images, index) => this.#chooser.arrange(images, index),
      insert: (asSlideshow) => this.#chooser.insertSelection({ asSlideshow }),
    });
    this.#keyHelp = new KeyHelp(words, (before) => this.#finder.keepFocus(before));
  }

  #makeActors(context) {
    const view = {
      frame: this.#frame, main: this.#main, count: this.#count, box: this.searchBox, grid: this.#grid,
      more: this.#loadMore, messages: this.#messages,
    };
    this.#finder = new Finder(context, view, {
      open: (index) => this.#open(index, { keepsFocus: true }),
      close: () => this.#close({ movesFocus: false }),
    });
    let isModal = false;
    this.#inserter = new Inserter(context, {
      showBusy: (isBusy) => this.#details.showBusy(isBusy),
      showProblem: (text) => this.#showProblem(text),
      accept: (choice) => {
        isModal = this.#frame.hasAttribute("data-modal"); // a dialog closes now, and gives the focus back
        return this.#host.accept(choice);
      },
      finish: () => {
        this.#chooser.show();
        this.#close({ movesFocus: !isModal });
      },
    });
    this.#explorer = new Explorer(context, {
      query: () => this.input.value.trim(),
      search: (query, filters) => this.search(query, filters),
      open: (index) => this.#open(index),
      focus: (index) => (this.#grid.tiles.length ? this.#grid.focus(index) : this.input.focus()),
    });
    this.#chooser = new Chooser(context, {
      grid: this.#grid, details: this.#details, selectionBar: this.#selectionBar, inserter: this.#inserter,
    });
  }

  #assemble({ words, config, announcer }) {
    const help = words(config.isMultiple ? "results_help_multiple" : "results_help");
    this.#main.append(
      this.#messages.notice, this.#messages.panel, this.#messages.related, this.#messages.skeleton,
      this.#grid.list, this.#loadMore.node, element("p", { id: "help", hidden: true }, help),
    );
    this.#frame.toggleAttribute("data-details", false);
    this.#frame.replaceChildren(
      this.#top(words, config),
      element("div", { class: "tools" }, this.#filterBar.nodes, this.#count),
      element("div", { class: "progress" }),
      element(
        "div", { class: "body" }, this.#main, this.#details.node, element("p", { class: "place" }, words("place")),
      ),
      this.#selectionBar.node, this.#keyHelp.node, announcer.status, announcer.alarm,
    );
  }

  #top(words, config) {
    return element(
      "div", { class: "top" },
      element("h2", { id: "title" }, words("title")),
      this.searchBox.form,
      config.isSandbox && element("p", { class: "badge", part: "badge" }, words("sandbox")),
      button({ class: "plain close", "aria-label": words("close"), click: () => this.#leave() }, icon("close")),
    );
  }

  /** Search as if it had been typed; resolves once there is an answer. */
  search(query, filters = {}, options = {}) {
    const { state } = this.#context;
    this.input.value = query;
    state.setFilters(filters);
    return this.#run(options);
  }

  /** Search for what is in the box: words go beyond what nothing narrows, such as similar pictures. */
  #run(options) {
    const { state } = this.#context;
    const query = this.input.value.trim();
    const isReference = Boolean(reference(query));
    if (isReference || (query && isAlone(state.filters))) state.setFilters(NO_SCOPE);
    this.#filterBar.update(state.filters, isReference);
    return this.#finder.run(options);
  }

  /** Open the details of a picture with what was chosen for it, as the value of a field tells. */
  async edit(value) {
    const edits = editsFrom(value);
    if (edits) this.#context.state.setEdits(edits.id, edits);
    await this.search(edits ? `id:${edits.id}` : value, {}, { again: true });
    this.#details.focusOptions();
  }

  /** Show a result where the reader left it. */
  returnTo(index) {
    this.#grid.show(index);
  }

  /** Start anew: nothing searched, filtered, edited or selected. */
  reset() {
    const { state } = this.#context;
    state.forgetEdits();
    state.selection.clear();
    this.#chooser.show();
    return this.search("", { ...NO_FILTERS, ...NO_SCOPE });
  }

  retryAfter(...states) {
    this.#finder.retryAfter(states);
  }

  async #searchFor(query) {
    const done = this.search(query);
    this.input.focus();
    await done;
    this.#finder.remember();
  }

  /** Once somebody sees the picker. */
  async #showBoards() {
    if (this.#hasAskedBoards) return;
    this.#hasAskedBoards = true;
    const boards = await this.#context.service.boards();
    if (boards.length) this.#filterBar.showBoards(boards);
  }

  #filter(values) {
    this.search(this.input.value, values);
  }

  #clearFilters(values) {
    this.#filter(values ?? NO_FILTERS);
    this.input.focus();
  }

  #forgetRecent() {
    this.#finder.forgetRecent();
    this.input.focus();
  }

  #open(index, { keepsFocus = false } = {}) {
    const { state } = this.#context;
    const image = state.images[index];
    if (!image) return;
    if (image.event) {
      state.openIndex = index; // where to come back to
      this.#explorer.enter({ event_ids: image.event, about: image.title });
      return;
    }
    if (state.openIndex === index && !keepsFocus) {
      this.#details.focusHeading();
      return;
    }
    const tile = this.#grid.tiles[index];
    const top = tile.getBoundingClientRect().top;
    state.openIndex = index;
    state.remember({ index });
    this.#details.show(image, index, state.total);
    this.#showDetails(true);
    this.#main.scrollTop += tile.getBoundingClientRect().top - top; // the tile stays where it was
    tile.scrollIntoView({ block: "nearest" });
    this.#finder.remember();
    this.#checkEmbeddable(image.id, index);
    if (!keepsFocus || this.#isNarrow) this.#details.focusHeading();
  }

  async #checkEmbeddable(id, index) {
    const { service, state } = this.#context;
    try {
      await service.facade(id).request;
    } catch (error) {
      if (state.openIndex === index && error.isFinal) this.#details.refuse(error);
    }
  }

  async #step(distance) {
    const { state } = this.#context;
    if (state.openIndex + distance >= state.images.length) await this.#finder.more();
    const index = state.openIndex + distance;
    if (!state.images[index]) return;
    this.#open(index, { keepsFocus: true });
    this.#details.focusStep(distance);
  }

  #close({ movesFocus = true } = {}) {
    const { state } = this.#context;
    if (!state.isOpen) return;
    const index = state.openIndex;
    state.openIndex = -1;
    this.#details.close();
    this.#showDetails(false);
    if (movesFocus) this.#grid.focus(index);
  }

  #showDetails(isShown) {
    this.#frame.toggleAttribute("data-details", isShown);
    this.#coverRest();
    this.#grid.layout();
    this.#grid.mark();
  }

  /** On narrow screens the details are a sheet over everything else: nothing below it can be reached. */
  #coverRest() {
    const isCovered = this.#isNarrow && this.#context.state.isOpen;
    for (const part of this.#frame.querySelectorAll(":scope > :is(.top, .tools, .footer)")) {
      part.toggleAttribute("inert", isCovered);
    }
    this.#main.inert = isCovered;
  }

  receiveMessage(event) {
    this.#details.receiveMessage(event);
  }

  #showProblem(text) {
    if (this.#context.state.isOpen) this.#details.showProblem(text);
    else this.#context.announcer.alert(text, this.#messages.notice);
  }

  /** One step back: from the details to the results, from these out of the picker, which asks before work is lost. */
  back() {
    if (this.#context.state.isOpen) this.#close();
    else this.#leave();
  }

  #leave() {
    this.#chooser.leave(() => this.#host.cancel());
  }

  #key(event) {
    if (event.isComposing || this.#keyHelp.node.open || !this.#act(event)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Do what a key means everywhere in the picker; false if it means nothing. */
  #act({ key, target, ctrlKey, metaKey }) {
    if (key === "Escape" && target === this.input && target.value) this.searchBox.clear();
    else if (key === "Escape") this.back();
    else if (key === "?" && !target.matches(TEXT_FIELDS)) this.#keyHelp.show();
    else if (key === "/" && !target.matches(TEXT_FIELDS)) this.searchBox.focus();
    else if (key === "ArrowDown" && target === this.input) this.#grid.focus(this.#grid.activeIndex);
    else if (key === "Enter" && (ctrlKey || metaKey)) this.#chooser.insertCurrent(target);
    else return false;
    return true;
  }

  relayout() {
    this.#grid.layout();
  }

  get #isNarrow() {
    return this.#frame.hasAttribute("data-narrow");
  }

  #fit() {
    const { clientWidth: width, clientHeight: height } = this.#frame;
    if (!width) return;
    this.#finder.showNewest();
    this.#showBoards();
    this.#frame.toggleAttribute("data-narrow", width < NARROW_WIDTH);
    this.#frame.toggleAttribute("data-wide", width >= WIDE_WIDTH);
    this.#frame.toggleAttribute("data-short", height < SHORT_HEIGHT && !this.#context.config.isCompact);
    this.#coverRest();
    this.#grid.fit();
    this.#details.fit();
  }
}
