/* The details of one picture, the options, and the buttons that insert it. */

import { button, element, externalLink, focusedBeside, icon } from "./dom.js";
import { EmbedOptions, EmbedPreview } from "./embed.js";
import { choiceOf, rightsOf, titleOf } from "./images.js";
import { copy, markupOf } from "./insertion.js";

const MAX_TAG_CHARS = 2048; // of a shortcode, in the service
const MAX_KEYWORDS = 20;

export class DetailsPane {
  node = element("section", { class: "side", part: "details", hidden: true, "aria-labelledby": "details-title" });
  isRefused = false; // it is gone, or can't be embedded
  #context;
  #preview;
  #image = null;
  #form;
  #options;
  #heading;
  #rest = element("div"); // below the heading
  #described = Promise.resolve(); // until all is known
  #problem;
  #code;
  #selectButton;
  #insertButton;

  /** @param {Context} context */
  constructor(context) {
    this.#context = context;
    this.#preview = new EmbedPreview(context);
  }

  show(image, index, total) {
    const { words, state, config } = this.#context;
    this.#image = image;
    this.isRefused = false;
    this.#heading = element(
      "h3", { id: "details-title", tabindex: "-1", ...state.textAttributes }, titleOf(image, words),
    );
    this.#problem = element("p", { class: "problem", hidden: true });
    this.#options = new EmbedOptions(words, image, state.editsOf(image.id), config.targets);
    this.#form = this.#makeForm(image);
    this.#describe();
    this.node.replaceChildren(this.#bar(index, total), this.#form);
    this.node.hidden = false;
    this.#preview.show(image);
    this.#readOptions();
    this.showBusy(this.#context.chooser.isBusy); // with another picture
    if (image.isPartial) this.#described = this.#complete(image);
  }

  /** Ask for what its record does not tell of a picture; what would move is shown with it. */
  async #complete(image) {
    this.#rest.hidden = true;
    const found = await this.#context.service.describe(image.id).catch(() => null);
    const { title, caption } = image; // which texts of an editor are compared with
    Object.assign(image, found, { title, caption });
    if (this.#image === image) this.#describe();
  }

  close() {
    this.isRefused = false;
    this.#preview.stop();
    this.node.hidden = true;
    this.node.replaceChildren();
    this.#image = null;
  }

  focusHeading() {
    this.#heading.focus({ preventScroll: true });
  }

  /** Once they are shown, unless the reader has gone on. */
  async focusOptions() {
    const before = focusedBeside(this.node);
    await this.#described;
    if (focusedBeside(this.node) === before) this.#form?.elements.alt.focus();
  }

  focusStep(distance) {
    this.node.querySelector(distance > 0 ? ".next" : ".previous").focus();
  }

  fit() {
    this.#preview.fit();
  }

  mark() {
    if (!this.#selectButton || !this.#image) return;
    const isSelected = this.#context.state.selection.has(this.#image.id);
    this.#selectButton.ariaPressed = isSelected;
    this.#selectButton.replaceChildren(isSelected ? icon("check") : "", this.#context.words("select"));
    const isSelecting = this.#context.state.selection.size > 0; // then the footer inserts
    this.#insertButton.hidden = isSelecting;
    this.#selectButton.classList.toggle("primary", isSelecting);
  }

  showBusy(isBusy) {
    if (!this.#insertButton) return;
    this.#insertButton.ariaDisabled = isBusy || this.isRefused;
    this.#insertButton.textContent = this.#context.words(isBusy ? "inserting" : this.#insertKey);
  }

  showProblem(text) {
    this.#context.announcer.alert(text, this.#problem);
  }

  refuse(error) {
    this.isRefused = true;
    this.showBusy(false);
    this.showProblem(this.#context.parts.messages.sentence(error));
  }

  #makeForm(image) {
    const change = () => this.#readOptions();
    const submit = (event) => {
      event.preventDefault();
      if (!this.isRefused && !this.#insertButton.hidden) this.#context.chooser.insert([image]);
    };
    return element(
      "form", { class: "sheet", input: change, change, submit },
      element(
        "div", { class: "scroll" }, this.#preview.stage, this.#preview.viewSwitch(), this.#heading, this.#problem,
        this.#rest,
      ),
      this.#buttons(image),
    );
  }

  #bar(index, total) {
    const { words, picker } = this.#context;
    const plain = (name, key, act, isDisabled = false) => button({
      class: `plain ${name}`, "aria-label": words(key), "aria-disabled": String(isDisabled),
      click: () => isDisabled || act(),
    }, icon(name));
    return element(
      "div", { class: "bar" },
      plain("previous", "previous", () => picker.step(-1), index === 0),
      plain("next", "next", () => picker.step(1), index + 1 >= total),
      element("span", { class: "count" }, words("count", { shown: index + 1, total })),
      plain("close", "details_close", () => picker.close()),
    );
  }

  #describe() {
    const { words, state } = this.#context;
    const rights = rightsOf(this.#image, words);
    const line = element("p", { class: "rights", ...state.textAttributes }, icon("rights"), rights);
    this.#rest.replaceChildren(
      rights ? line : "", ...this.#makeCaption(), ...this.#makeFacts(), this.#options.node, ...this.#makeLeads(),
    );
    this.#rest.hidden = false;
  }

  /** Three lines of the caption, and a button for the rest. */
  #makeCaption() {
    const { words, state } = this.#context;
    if (!this.#image.caption) return [];
    const caption = element("p", { class: "caption", ...state.textAttributes }, this.#image.caption);
    const toggle = () => {
      const isOpen = caption.classList.toggle("all");
      more.ariaExpanded = isOpen;
      more.textContent = words(isOpen ? "text_less" : "text_more");
    };
    const more = button({ class: "link", hidden: true, "aria-expanded": "false", click: toggle }, words("text_more"));
    requestAnimationFrame(() => { more.hidden = caption.scrollHeight <= caption.clientHeight + 1; });
    return [caption, more];
  }

  #makeFacts() {
    const { words, state } = this.#context;
    const { photographer, collection, collectionCode, date, width, height, family, id, pageUrl } = this.#image;
    const kind = ["creative", "editorial"].includes(family) && words(`family_${family}`);
    const foreign = state.textAttributes;
    const facts = [
      ["photographer", photographer && this.#lead(photographer, "photographer", { artists: photographer }), foreign],
      ["collection", collection && this.#lead(collection, "collection", { collection_codes: collectionCode }), foreign],
      ["date", words.date(date)],
      ["size", words("size_value", { width, height })],
      ["family", kind],
      ["id", id, foreign],
    ];
    const row = ([key, fact, attributes]) =>
      element("div", {}, element("dt", {}, words(key)), element("dd", attributes, fact));
    return [
      element("dl", {}, facts.filter(([, fact]) => fact).map(row)),
      pageUrl ? externalLink(words, pageUrl, "page") : "",
    ];
  }

  /** A name that leads to all pictures with it, where they can be searched for. */
  #lead(name, key, scope) {
    const about = `${this.#context.words(key)}: ${name}`;
    const explore = () => this.#context.explorer.enter({ ...scope, about });
    return Object.values(scope)[0] ? button({ class: "link", click: explore }, name) : name;
  }

  /** Buttons that lead to pictures like this one, and its keywords. */
  #makeLeads() {
    const { words, state, explorer } = this.#context;
    const { id, family, eventId, keywords } = this.#image;
    const title = titleOf(this.#image, words);
    const event = eventId && { event: { event_ids: eventId } };
    // Getty has series of creative pictures alone
    const own = family === "editorial" ? { like: { by_image: id } } : { series: { series: id } };
    const scopes = { similar: { similar: id }, ...own, ...event };
    const like = Object.entries(scopes).map(([key, scope]) => {
      const explore = () => explorer.enter({ ...scope, about: words(`scope_${key}`, { title }) });
      return button({ class: "pill", click: explore }, words(key));
    });
    const refine = keywords.slice(0, MAX_KEYWORDS).map((word) =>
      button({ class: "pill", ...state.textAttributes, click: () => explorer.refine(word) }, word));
    const isSlideshow = id.includes(",");
    return [
      isSlideshow ? "" : this.#group("more_like", like, true), refine.length ? this.#group("keywords", refine) : "",
    ];
  }

  #group(key, buttons, open = false) {
    const title = this.#context.words(key);
    return element(
      "details", { class: "leads", open }, element("summary", {}, title),
      element("div", { role: "group", "aria-label": title }, buttons),
    );
  }

  #buttons(image) {
    const { words, state, config, chooser } = this.#context;
    this.#code = element("code", {
      class: "code", dir: "ltr", tabindex: "0", role: "textbox", "aria-readonly": "true",
      "aria-label": words("copy_shortcode"),
    });
    const select = () => chooser.select(state.openIndex);
    this.#selectButton = config.isMultiple && button({ class: "select", click: select });
    this.#insertButton = element(
      "button", { part: "button", class: "primary", "aria-keyshortcuts": "Control+Enter", title: "Ctrl+Enter" },
      words(this.#insertKey),
    );
    return element(
      "div", { class: "actions" }, this.#code, this.#copyButtons(image),
      element("div", { class: "row" }, this.#selectButton, this.#insertButton),
    );
  }

  #copyButtons(image) {
    const { words } = this.#context;
    const copyButton = (name, text) => button({
      class: "small", "aria-label": words(`copy_${name}_label`),
      click: ({ currentTarget }) => copy(currentTarget, words(`copy_${name}`), text(), this.#context),
    }, words(`copy_${name}`));
    return element(
      "div", { class: "row copies", role: "group", "aria-label": words("copy") },
      element("span", { "aria-hidden": "true" }, words("copy")),
      copyButton("shortcode", () => this.#choice().shortcode),
      copyButton("html", () => markupOf(image, this.#context)),
      copyButton("link", () => this.#choice().url),
    );
  }

  get #insertKey() {
    return this.#context.config.isField ? "use" : "insert";
  }

  #choice() {
    return choiceOf(this.#image, this.#context.state.editsOf(this.#image.id));
  }

  #readOptions() {
    const hasChanged = this.#options.read(this.#form.elements);
    const { shortcode } = this.#choice();
    this.#code.textContent = shortcode;
    this.#options.showTooLong(shortcode.length > MAX_TAG_CHARS);
    this.mark();
    if (hasChanged) this.#preview.refresh();
  }
}
