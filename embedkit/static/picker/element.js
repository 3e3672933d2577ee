/* The element <embedkit-picker>, the picker in it, and the card in a form. */

import { Chooser, DetailsPane } from "./details.js";
import { button, element, focusedBeside, icon, Part } from "./dom.js";
import { editsFrom, loadStyle, loadWords, PickerConfig, PickerState, reference, Service, STYLE } from "./model.js";
import { Announcer, KeyHelp, LoadMore, Messages, ResultsGrid } from "./results.js";
import { FilterBar, Finder, isAlone, NO_FILTERS, NO_SCOPE, scopeOf, SearchBox } from "./search.js";

const TEXT_PROPERTIES = ["endpoint", "query", "theme", "max", "filters", "columns", "name"];
const SWITCH_PROPERTIES = ["multiple", "compact", "sandbox", "required", "disabled"];

/** Take properties set before the class was defined, which would hide its accessors. */
function takeProperties(host) {
  const early = Object.entries(host).filter(([name]) => name in EmbedKitPicker.prototype);
  for (const [name] of early) delete host[name];
  return Object.fromEntries(early);
}

export class EmbedKitPicker extends HTMLElement {
  static formAssociated = true;
  grantSource = null;
  static observedAttributes = [
    "lang", "dir", "multiple", "filters", "sandbox", "remember", "columns", "grant", "query", "value", "required",
  ];

  #early = takeProperties(this);
  #internals = this.attachInternals();
  #config = new PickerConfig(this);
  #value = "";
  #box = element("input", { type: "search", "aria-label": "Getty Images" }); // until words are loaded
  #frame = element("section", { class: "picker", part: "picker" }, this.#box);
  #session = {
    config: this.#config,
    service: new Service(this.#config, (grant) => this.setAttribute("grant", grant)),
    state: new PickerState(this.#config, { ...NO_FILTERS, ...NO_SCOPE }),
    emit: (name, detail, isCancelable) => this.#emit(name, detail, isCancelable),
  };
  #picker; // undefined until words are loaded
  #card;
  #dialog = element("dialog", {
    class: "dialog", part: "dialog", "aria-labelledby": "title", cancel: (event) => {
      event.preventDefault(); // Escape is handled as a key
      if (this.#picker) this.#picker.back();
      else this.cancel();
    },
  });
  #settle = null; // resolves the promise of open()
  #ownWords = {};
  #builds = 0;
  #wantsFocus = false;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [STYLE];
    root.append(this.#dialog);
    this.#internals.role = "group";
    this.addEventListener("click", (event) => {
      if (event.composedPath()[0] === this) this.focus(); // a click on its label
    });
  }

  connectedCallback() {
    const plain = /** @type {any} */ (document.activeElement);
    const isInside = this.contains(plain);
    this.#box.autofocus = this.hasAttribute("autofocus");
    this.#wantsFocus = this.#box.autofocus || isInside;
    if (isInside && !this.#isModal) this.#box.value = plain.value ?? "";
    Object.assign(this, this.#early);
    this.#early = {};
    this.#takeField();
    this.#setValue(this.#value);
    this.#place(this.#dialog.open || this.#isModal);
    this.#build();
    if (isInside) this.#box.focus();
  }

  /** Replace the plain field for browsers without scripts. */
  #takeField() {
    for (const field of /** @type {any[]} */ ([...this.querySelectorAll("[name]:not([disabled])")])) {
      const isChanged = field.name === this.getAttribute("name") && field.value !== field.defaultValue;
      if (isChanged) this.value = field.value;
      field.disabled = true;
    }
  }

  disconnectedCallback() {
    this.#picker?.leave();
    this.#settle?.(null);
  }

  attributeChangedCallback(name, before, now) {
    if (name === "value") this.value = now ?? "";
    if (name === "required") this.#validate();
    if (!this.#picker || before === now) return;
    if (name === "query") this.search(now ?? "");
    else if (name === "grant") this.#picker.context.finder.retryAfter("token", "forbidden");
    else if (name === "columns") this.#picker.context.grid.layout();
    else if (name !== "value" && name !== "required") this.#build();
  }

  async #build() {
    const build = ++this.#builds;
    const [words] = await Promise.all([loadWords(this.language, this.#ownWords), loadStyle()]);
    if (build !== this.#builds || !this.isConnected) return;
    const before = this.#picker;
    this.#wantsFocus ||= this.shadowRoot.activeElement === this.#box;
    before?.leave();
    this.#frame.lang = words.language;
    this.#frame.dir = this.getAttribute("dir") || (words.isRightToLeft ? "rtl" : getComputedStyle(this).direction);
    this.#picker = new Picker(this.#frame, words, this.#session, {
      accept: (choice) => this.#accept(choice),
      cancel: () => this.cancel(),
      open: () => this.open(),
      edit: () => {
        this.open();
        this.#picker.edit(this.value);
      },
      clear: () => {
        this.value = "";
        this.#emitChange();
      },
    });
    this.#makeCard(words);
    this.#validate();
    if (!before && this.hasAttribute("modal") && this.value) this.#picker.edit(this.value);
    else this.#searchAgain(before);
    const { activeElement } = document;
    const isFree = activeElement === document.body || this.contains(activeElement);
    if (this.#dialog.open || (!before && this.#wantsFocus && isFree)) this.focus();
    if (this.#box.value) this.#picker.input.setSelectionRange(-1, -1); // typing continues
    if (!before) this.#emit("ready");
  }

  #searchAgain(before) {
    const { query, index } = this.#session.state.remembered;
    const wanted = before ? before.input.value : this.#box.value || (this.getAttribute("query") ?? query ?? "");
    this.search(wanted).then(() => wanted === query && this.#picker.context.grid.show(index));
  }

  #makeCard(words) {
    this.#card?.node.remove();
    this.#card = null;
    if (!this.#config.isField) return;
    this.#card = new FieldCard(this.#picker.context);
    this.#card.node.lang = words.language;
    this.#card.node.inert = this.#frame.inert;
    this.#card.show(this.value);
    this.shadowRoot.prepend(this.#card.node);
  }

  get #isModal() {
    return this.hasAttribute("modal") || this.#config.isField;
  }

  #emit(name, detail = {}, isCancelable = false) {
    const event = { detail, cancelable: isCancelable, bubbles: true, composed: true };
    return this.dispatchEvent(new CustomEvent(`embedkit-${name}`, event));
  }

  #place(isModal) {
    this.#frame.toggleAttribute("data-modal", isModal);
    (isModal ? this.#dialog : this.shadowRoot).append(this.#frame);
  }

  get language() {
    return this.#config.language;
  }

  get grant() {
    return this.grantSource ?? this.getAttribute("grant") ?? "";
  }
  set grant(grant) {
    this.grantSource = typeof grant === "function" ? grant : null;
    if (!this.grantSource) this.setAttribute("grant", grant);
  }

  get i18n() {
    return this.#ownWords;
  }
  set i18n(words) {
    this.#ownWords = { ...words };
    if (this.isConnected) this.#build();
  }

  get output() {
    return this.#config.output;
  }
  set output(output) {
    this.setAttribute("output", output);
  }

  /** @returns {Promise<Choice|null>} null if canceled or opened again */
  open() {
    this.#settle?.(null);
    this.#place(true);
    if (!this.#dialog.open) this.#dialog.showModal();
    this.focus();
    return new Promise((resolve) => { this.#settle = resolve; });
  }

  close(choice = null) {
    this.#picker?.context.chooser.giveUp();
    if (!this.#dialog.open) return;
    this.#dialog.close();
    if (!this.#isModal) this.#place(false);
    this.#settle?.(choice);
  }

  cancel() {
    this.#emit("cancel");
    this.close();
  }

  async search(query, filters) {
    if (this.#picker) await this.#picker.search(String(query), filters);
    else this.addEventListener("embedkit-ready", () => this.search(query, filters), { once: true });
  }

  reset() {
    this.#picker?.reset();
  }

  focus(options) {
    if (this.#card && !this.#dialog.open) this.#card.opener.focus(options);
    else (this.#picker ?? this.#box).focus(options);
  }

  get value() {
    return this.#value;
  }
  set value(value) {
    this.#setValue(String(value ?? ""));
    this.#card?.show(this.value);
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
  formDisabledCallback(isDisabled) {
    this.#frame.inert = isDisabled;
    if (this.#card) this.#card.node.inert = isDisabled;
  }
  formStateRestoreCallback(state) {
    this.value = state;
  }

  #setValue(value) {
    this.#value = value;
    this.#internals.setFormValue(value);
    this.#validate();
  }

  #validate() {
    const words = this.#picker?.context.words;
    const valueMissing = this.hasAttribute("required") && !this.#value;
    const message = words?.("required") ?? "…";
    const anchor = this.#card?.opener ?? this.#picker?.input;
    this.#internals.setValidity({ valueMissing }, valueMissing ? message : "", anchor);
    const label = Array.from(this.#internals.labels, ({ textContent }) => textContent.trim()).join(" ");
    this.#internals.ariaLabel = label || (words?.("title") ?? null);
  }

  #emitChange() {
    for (const name of ["input", "change"]) this.dispatchEvent(new Event(name, { bubbles: true, composed: true }));
  }

  /** Set the value, unless a listener rejects it. */
  #accept(choice) {
    const before = this.value;
    this.#setValue(this.output === "json" ? JSON.stringify(choice) : choice[this.output]);
    if (!this.#emit("select", { ...choice, value: this.value }, true)) {
      this.#setValue(before);
      return false;
    }
    this.close(choice); // returns the focus before the card changes
    this.#card?.show(this.value, choice);
    this.#emitChange();
    return true;
  }
}

for (const name of [...TEXT_PROPERTIES, ...SWITCH_PROPERTIES]) {
  const isSwitch = SWITCH_PROPERTIES.includes(name);
  Object.defineProperty(EmbedKitPicker.prototype, name, {
    configurable: true,
    get() { return isSwitch ? this.hasAttribute(name) : this.getAttribute(name) ?? ""; },
    set(value) {
      if (isSwitch) this.toggleAttribute(name, Boolean(value));
      else this.setAttribute(name, value);
    },
  });
}

let hasOpened = false; // a late script may get two clicks

/** @param {any} [options] @returns {Promise<Choice|null>} */
export async function openPicker(options = {}) {
  if (hasOpened) return null;
  const picker = document.createElement("embedkit-picker");
  for (const [name, value] of Object.entries({ ...options, modal: true })) {
    if ((value ?? false) === false) continue;
    const attribute = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    if (Object(value) === value) picker[name] = value; // i18n or grant
    else picker.setAttribute(attribute, value === true ? "" : value);
  }
  document.body.append(picker);
  hasOpened = true;
  try {
    return await picker.open();
  } finally {
    hasOpened = false;
    picker.remove();
  }
}

/** A field's value in the form. */
class FieldCard extends Part {
  node = element("div", { class: "card", part: "field" });
  #picture = element("div", { class: "thumb" });
  #text = element("div");
  #status = element("p", { class: "unseen", role: "status" });
  #value = "";

  get opener() {
    return this.node.querySelector("button");
  }

  async show(value, choice) {
    this.#value = value;
    this.#render();
    this.#describe(choice);
    if (!value || choice) return;
    const found = await this.context.service.resolve([editsFrom(value)?.id ?? value]).catch(() => null);
    if (!found || this.#value !== value) return;
    const [{ title, thumb, credit }] = found.images;
    this.#describe({ title, thumb: thumb?.url, credit });
  }

  #render() {
    const { words, host } = this.context;
    const hadFocus = this.node.matches(":focus-within");
    const act = (key, click) => button({ class: "pill", click }, words(key));
    const remove = () => {
      host.clear();
      this.#status.textContent = words("removed");
    };
    const buttons = this.#value
      ? [act("change", host.open), act("edit", host.edit), act("remove", remove)]
      : act("choose", host.open);
    this.node.replaceChildren(
      this.#picture, element("div", { class: "about" }, this.#text, element("div", { class: "row" }, buttons)),
      this.#status,
    );
    if (hadFocus) this.opener.focus();
  }

  /** Change all but the buttons, as one may be in use. */
  #describe(choice) {
    const { thumb, title, credit } = choice ?? {};
    this.#picture.replaceChildren(thumb ? element("img", { src: thumb, alt: "" }) : icon("picture"));
    const texts = [element("b", { dir: "auto" }, title || this.#value), element("p", { dir: "auto" }, credit?.line)];
    this.#text.replaceChildren(...(this.#value ? texts : [element("p", {}, this.context.words("no_picture"))]));
  }
}

const NARROW_WIDTH = 640; // in pixels
const WIDE_WIDTH = 900; // a column is kept for details
const SHORT_HEIGHT = 420;
const TEXT_FIELDS = "input, textarea, select";

/** For another language, another picker gets the same session. */
export class Picker extends Part {
  #before = null; // {query, filters, index} before a scope
  #resizes = new ResizeObserver(() => this.#fit());

  /** @param {HTMLElement} frame @param {Words} words @param {Session} session @param {Host} host */
  constructor(frame, words, session, host) {
    const lifetime = new AbortController();
    const { signal } = lifetime;
    super(/** @type {any} */ ({
      ...session, words, host, frame, lifetime, signal, isRightToLeft: frame.dir === "rtl",
    }));
    session.state.clearImages();
    this.#makeParts(this.context);
    this.#assemble(this.context);
    frame.addEventListener("keydown", (event) => this.#key(event), { signal });
    for (const node of [frame, this.context.grid.list]) this.#resizes.observe(node);
    this.context.filterBar.update(session.state.filters);
    this.#fit();
  }

  /** All parts get the context before it is complete. */
  #makeParts(context) {
    context.picker = this;
    Object.assign(context, {
      announcer: new Announcer(), main: element("div", { class: "main" }), count: element("p", { class: "count" }),
      searchBox: new SearchBox(context), filterBar: new FilterBar(context), messages: new Messages(context),
      grid: new ResultsGrid(context), loadMore: new LoadMore(context), details: new DetailsPane(context),
      chooser: new Chooser(context), keyHelp: new KeyHelp(context), finder: new Finder(context),
    });
  }

  get input() {
    return this.context.searchBox.input;
  }

  get query() {
    return this.input.value.trim();
  }

  focus(options) {
    this.context.searchBox.focus(options);
  }

  leave() {
    const { chooser, lifetime, finder, searchBox, announcer } = this.context;
    chooser.giveUp();
    lifetime.abort();
    finder.stop();
    searchBox.stop();
    announcer.stop();
    this.#resizes.disconnect();
  }

  #assemble({ words, config, frame, announcer, main, messages, grid, loadMore, details, ...parts }) {
    const help = words(config.isMultiple ? "results_help_multiple" : "results_help");
    main.append(
      messages.notice, messages.panel, messages.related, messages.skeleton,
      grid.list, loadMore.node, element("p", { id: "help", hidden: true }, help),
    );
    for (const shown of ["data-details", "data-filters"]) frame.toggleAttribute(shown, false);
    frame.setAttribute("aria-labelledby", "title");
    frame.replaceChildren(
      element(
        "div", { class: "top" },
        element("h2", { id: "title" }, words("title")),
        parts.searchBox.form,
        config.isSandbox && element("p", { class: "badge", part: "badge" }, words("sandbox")),
        button(
          { class: "plain close", "aria-label": words("close"), click: () => parts.chooser.leave() }, icon("close"),
        ),
      ),
      element("div", { class: "tools" }, parts.filterBar.nodes, parts.count),
      element("div", { class: "progress" }),
      element("div", { class: "body" }, main, details.node, element("p", { class: "place" }, words("place"))),
      parts.chooser.bar, parts.keyHelp.node, announcer.status, announcer.alarm,
    );
  }

  search(query, filters = {}, options = {}) {
    this.input.value = query;
    this.context.state.setFilters(filters);
    return this.run(options);
  }

  /** A query leaves a scope that takes none, such as similar pictures. */
  run(options) {
    const { state, finder, filterBar } = this.context;
    const isReference = Boolean(reference(this.query));
    if (isReference || (this.query && isAlone(state.filters))) state.setFilters(NO_SCOPE);
    filterBar.update(state.filters, isReference);
    return finder.run(options);
  }

  async edit(value) {
    const { state, details } = this.context;
    const edits = editsFrom(value);
    if (edits) state.setEdits(edits.id, edits);
    const query = edits ? `id:${edits.id}` : value;
    await this.searchThen(() => details.focusOptions(), query, {}, { again: true });
  }

  /** Search, then call act() unless the reader has typed or moved the focus. */
  async searchThen(act, query, filters, options) {
    const before = focusedBeside(this.input);
    const done = this.search(query, filters, options);
    const text = this.input.value;
    await done;
    const focused = focusedBeside(this.input) ?? document.activeElement;
    const isFree = [before, null, document.body].includes(/** @type {any} */ (focused));
    if (this.input.value === text && (isFree || this.context.main.parentNode.contains(focused))) act();
  }

  /** Search in a scope, such as the pictures of an event, then call act(). */
  explore(scope, act = () => {}) {
    const { filters, openIndex: index } = this.context.state;
    if (!scopeOf(filters)) this.#before = { query: this.query, filters: { ...filters }, index };
    return this.searchThen(act, "", { ...NO_FILTERS, ...NO_SCOPE, ...scope });
  }

  leaveScope() {
    const { query, filters, index } = this.#before ?? { query: "", filters: NO_FILTERS, index: 0 };
    return this.searchThen(() => this.focusResult(index), query, { ...NO_SCOPE, ...filters });
  }

  openNewest(index) {
    return this.explore({ newest: "1", about: this.context.words("newest") }, () => this.open(index));
  }

  /** Add a word to the query. */
  refine(word) {
    const { query } = this;
    return this.search(reference(query) ? word : `${query} ${word}`.trim());
  }

  focusResult(index) {
    const { grid } = this.context;
    if (grid.tiles.length) grid.focus(index);
    else this.input.focus();
  }

  reset() {
    const { state, chooser } = this.context;
    state.forgetEdits();
    state.selection.clear();
    chooser.show();
    return this.search("", { ...NO_FILTERS, ...NO_SCOPE });
  }

  async searchFor(query) {
    const done = this.search(query);
    this.input.focus();
    await done;
    this.context.finder.remember();
  }

  filter(values) {
    this.search(this.input.value, values);
  }

  unfilter(values = NO_FILTERS) {
    this.filter(values);
    this.input.focus();
  }

  open(index, { keepsFocus = false } = {}) {
    const { state, finder, details, grid, main } = this.context;
    const image = state.images[index];
    if (!image) return;
    if (image.event) {
      state.openIndex = index; // for leaveScope()
      this.explore({ event_ids: image.event, about: image.title });
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
    main.scrollTop += tile.getBoundingClientRect().top - top; // keeps the tile in place
    tile.scrollIntoView({ block: "nearest" });
    finder.remember();
    this.#checkEmbeddable(image.id);
    if (!keepsFocus || this.#isNarrow) details.focusHeading();
  }

  async #checkEmbeddable(id) {
    const { service, state, details } = this.context;
    try {
      await service.facade(id).request;
    } catch (error) {
      if (state.openImage?.id === id && error.isFinal) details.refuse(error);
    }
  }

  /** Open the previous (-1) or next (1) picture. */
  async step(distance) {
    const { state, finder, details, frame } = this.context;
    details.focusStep(distance); // Safari does not focus a clicked button
    const before = focusedBeside(frame);
    if (state.openIndex + distance >= state.images.length) await finder.more();
    const index = state.openIndex + distance;
    if (!state.images[index] || focusedBeside(frame) !== before) return;
    this.open(index, { keepsFocus: true });
    details.focusStep(distance);
  }

  close({ movesFocus = true } = {}) {
    const { state, details, grid, finder } = this.context;
    if (!state.isOpen) return;
    const index = state.openIndex;
    state.openIndex = -1;
    details.close();
    this.#showDetails(false);
    if (movesFocus) grid.focus(index);
    finder.release();
  }

  #showDetails(isShown) {
    const { frame, grid } = this.context;
    frame.toggleAttribute("data-details", isShown);
    this.#coverRest();
    grid.layout();
    grid.mark();
  }

  /** On narrow screens the details cover everything else. */
  #coverRest() {
    const { frame, state } = this.context;
    const isCovered = this.#isNarrow && state.isOpen;
    for (const part of frame.querySelectorAll(":scope > :is(.top, .tools, .footer), .main")) {
      part.toggleAttribute("inert", isCovered);
    }
  }

  showProblem(text) {
    const { state, announcer, details, messages } = this.context;
    if (state.isOpen) details.showProblem(text);
    else announcer.alert(text, messages.notice);
  }

  back() {
    const { state, chooser } = this.context;
    if (state.isOpen) this.close();
    else chooser.leave();
  }

  #key(event) {
    if (event.isComposing || this.context.keyHelp.node.open || !this.#act(event)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @returns {boolean} false for keys without a meaning */
  #act({ key, target, ctrlKey, metaKey }) {
    const { searchBox, keyHelp, grid, chooser } = this.context;
    if (key === "Escape" && target === this.input && target.value) searchBox.clear();
    else if (key === "Escape") this.back();
    else if (key === "?" && !target.matches(TEXT_FIELDS)) keyHelp.show();
    else if (key === "/" && !target.matches(TEXT_FIELDS)) searchBox.focus();
    else if (key === "ArrowDown" && target === this.input) grid.focus(grid.activeIndex);
    else if (key === "Enter" && (ctrlKey || metaKey)) chooser.insertCurrent(target);
    else return false;
    return true;
  }

  get #isNarrow() {
    return this.context.frame.hasAttribute("data-narrow");
  }

  #fit() {
    const { config, frame, finder, filterBar, grid, details } = this.context;
    const { clientWidth: width, clientHeight: height } = frame;
    if (!width) return;
    finder.showNewest();
    filterBar.showBoards();
    frame.toggleAttribute("data-narrow", width < NARROW_WIDTH);
    frame.toggleAttribute("data-wide", width >= WIDE_WIDTH);
    frame.toggleAttribute("data-short", height < SHORT_HEIGHT && !config.isCompact);
    this.#coverRest();
    grid.fit();
    details.preview.fit();
  }
}
