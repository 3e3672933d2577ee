/* The details of one picture, the options and preview of its embed, selecting and inserting. */

import { button, element, externalLink, focusedBeside, icon, Part, radio, toClipboard } from "./dom.js";
import {
  choiceOf, embedOptions, joinChoices, MAX_CAPTION_CHARS, rightsOf, shortCaption, slideshowOf, titleOf,
} from "./model.js";

const MAX_SLIDES = 5; // in one embed
const MAX_TAG_CHARS = 2048; // of a shortcode
const MAX_KEYWORDS = 20;

const MAX_ALT_CHARS = 300;
const MIN_EMBED_WIDTH = 100; // in pixels, like all sizes below
const MAX_EMBED_WIDTH = 2000;
const ALIGNMENTS = ["", "left", "center", "right"];
const CAPTIONS = ["none", "getty", "own"];

const FRAMED_TARGETS = ["", "web", "facade"]; // the service has pages for them
const PAPER_WIDTH = 640; // scaled to the stage
const MAX_WIDTH = 592;
const MAX_FLOAT_WIDTH = 320;
const CREDIT_HEIGHT = 34; // unless the frame reports one
const MAX_FRAME_HEIGHT = 2000;
const MAX_STAGE_HEIGHT = 460;
const REFRESH_DELAY_MS = 300;

export class DetailsPane extends Part {
  node = element("section", { class: "side", part: "details", hidden: true, "aria-labelledby": "details-title" });
  isRefused = false; // can't be embedded
  preview = new EmbedPreview(this.context);
  #image = null;
  #form;
  #options;
  #heading;
  #rest = element("div"); // below the heading
  #described; // resolves when all is known
  #problem;
  #code;
  #selectButton;
  #insertButton;

  show(image, index, total) {
    const { words, state, chooser } = this.context;
    this.#image = image;
    this.isRefused = false;
    this.#heading = element(
      "h3", { id: "details-title", tabindex: "-1", ...state.textAttributes }, titleOf(image, words),
    );
    this.#problem = element("p", { class: "problem", hidden: true });
    this.#options = new EmbedOptions(this.context, image);
    this.#form = this.#makeForm(image);
    this.#describe();
    this.node.replaceChildren(this.#bar(index, total), this.#form);
    this.node.hidden = false;
    this.preview.show(image);
    this.#readOptions();
    this.showBusy(chooser.isBusy);
    if (image.isPartial) this.#described = this.#complete(image);
  }

  /** Fetch missing fields before showing the rest, so that nothing moves. */
  async #complete(image) {
    this.#rest.hidden = true;
    const found = await this.context.service.describe(image.id).catch(() => null);
    const { title, caption } = image; // edits are compared with these
    Object.assign(image, found, { title, caption });
    if (this.#image === image) this.#describe();
  }

  close() {
    this.isRefused = false;
    this.preview.stop();
    this.node.hidden = true;
    this.node.replaceChildren();
    this.#image = null;
  }

  focusHeading() {
    this.#heading.focus({ preventScroll: true });
  }

  async focusOptions() {
    const before = focusedBeside(this.node);
    await this.#described;
    if (focusedBeside(this.node) === before) this.#form?.elements.alt.focus();
  }

  focusStep(distance) {
    this.node.querySelector(distance > 0 ? ".next" : ".previous").focus();
  }

  mark() {
    if (!this.#selectButton || !this.#image) return;
    const { selection } = this.context.state;
    const isSelected = selection.has(this.#image.id);
    this.#selectButton.ariaPressed = isSelected;
    this.#selectButton.replaceChildren(isSelected ? icon("check") : "", this.context.words("select"));
    const isSelecting = selection.size > 0; // then the footer inserts
    this.#insertButton.hidden = isSelecting;
    this.#selectButton.classList.toggle("primary", isSelecting);
  }

  showBusy(isBusy) {
    const { words, config } = this.context;
    if (!this.#insertButton) return;
    this.#insertButton.ariaDisabled = isBusy || this.isRefused;
    this.#insertButton.textContent = words(isBusy ? "inserting" : config.isField ? "use" : "insert");
  }

  showProblem(text) {
    this.context.announcer.alert(text, this.#problem);
  }

  refuse(error) {
    this.isRefused = true;
    this.showBusy(false);
    this.showProblem(this.context.messages.sentence(error));
  }

  #makeForm(image) {
    const change = () => this.#readOptions();
    const submit = (event) => {
      event.preventDefault();
      if (!this.isRefused && !this.#insertButton.hidden) this.context.chooser.insert([image]);
    };
    return element(
      "form", { class: "sheet", input: change, change, submit },
      element(
        "div", { class: "scroll" }, this.preview.stage, this.preview.viewSwitch(), this.#heading, this.#problem,
        this.#rest,
      ),
      this.#buttons(image),
    );
  }

  #bar(index, total) {
    const { words, picker } = this.context;
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
    const { words, state } = this.context;
    const rights = rightsOf(this.#image, words);
    const line = element("p", { class: "rights", ...state.textAttributes }, icon("rights"), rights);
    this.#rest.replaceChildren(
      rights ? line : "", ...this.#makeCaption(), ...this.#makeFacts(), this.#options.node, ...this.#makeLeads(),
    );
    this.#rest.hidden = false;
  }

  #makeCaption() {
    const { words, state } = this.context;
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
    const { words, state: { textAttributes } } = this.context;
    const { photographer, collection, collectionCode, date, width, height, family, id, pageUrl } = this.#image;
    const facts = [
      ["photographer", this.#lead(photographer, "photographer", { artists: photographer }), textAttributes],
      ["collection", this.#lead(collection, "collection", { collection_codes: collectionCode }), textAttributes],
      ["date", words.date(date)],
      ["size", words("size_value", { width, height })],
      ["family", family && words(`family_${family}`)],
      ["id", id, textAttributes],
    ];
    const row = ([key, fact, attributes]) =>
      element("div", {}, element("dt", {}, words(key)), element("dd", attributes, fact));
    return [
      element("dl", {}, facts.filter(([, fact]) => fact).map(row)),
      pageUrl ? externalLink(words, pageUrl, "page") : "",
    ];
  }

  #lead(name, key, scope) {
    const about = `${this.context.words(key)}: ${name}`;
    const explore = () => this.context.picker.explore({ ...scope, about });
    return name && Object.values(scope)[0] ? button({ class: "link", click: explore }, name) : name;
  }

  #makeLeads() {
    const { words, state, picker } = this.context;
    const { id, family, eventId, keywords } = this.#image;
    const title = titleOf(this.#image, words);
    const scopes = {
      similar: { similar: id },
      // only creative pictures have series
      ...(family === "editorial" ? { like: { by_image: id } } : { series: { series: id } }),
      ...(eventId && { event: { event_ids: eventId } }),
    };
    const like = Object.entries(scopes).map(([key, scope]) => {
      const explore = () => picker.explore({ ...scope, about: words(`scope_${key}`, { title }) });
      return button({ class: "pill", click: explore }, words(key));
    });
    const refine = keywords.slice(0, MAX_KEYWORDS).map((word) =>
      button({ class: "pill", ...state.textAttributes, click: () => picker.refine(word) }, word));
    const isSlideshow = id.includes(",");
    return [
      isSlideshow ? "" : this.#group("more_like", like, true), refine.length ? this.#group("keywords", refine) : "",
    ];
  }

  #group(key, buttons, open) {
    const title = this.context.words(key);
    return element(
      "details", { class: "leads", open }, element("summary", {}, title),
      element("div", { role: "group", "aria-label": title }, buttons),
    );
  }

  #buttons(image) {
    const { words, state, config, chooser } = this.context;
    this.#code = element("code", {
      class: "code", dir: "ltr", tabindex: "0", role: "textbox", "aria-readonly": "true",
      "aria-label": words("copy_shortcode"),
    });
    const select = () => chooser.select(state.openIndex);
    this.#selectButton = config.isMultiple && button({ class: "select", click: select });
    this.#insertButton = element(
      "button", { part: "button", class: "primary", "aria-keyshortcuts": "Control+Enter", title: "Ctrl+Enter" },
    );
    const copyButton = (name, text) => button({
      class: "small", "aria-label": words(`copy_${name}_label`),
      click: ({ currentTarget }) => copy(currentTarget, words(`copy_${name}`), text(), this.context),
    }, words(`copy_${name}`));
    return element(
      "div", { class: "actions" }, this.#code,
      element(
        "div", { class: "row copies", role: "group", "aria-label": words("copy") },
        element("span", { "aria-hidden": "true" }, words("copy")),
        copyButton("shortcode", () => this.#choice().shortcode),
        copyButton("html", () => markupOf(image, this.context)),
        copyButton("link", () => this.#choice().url),
      ),
      element("div", { class: "row" }, this.#selectButton, this.#insertButton),
    );
  }

  #choice() {
    return choiceOf(this.#image, this.context.state.editsOf(this.#image.id));
  }

  #readOptions() {
    const hasChanged = this.#options.read(this.#form.elements);
    const { shortcode } = this.#choice();
    this.#code.textContent = shortcode;
    this.#options.showTooLong(shortcode.length > MAX_TAG_CHARS);
    this.mark();
    if (hasChanged) this.preview.refresh();
  }
}

class EmbedPreview extends Part {
  stage = element("div", { class: "stage" });
  #image;
  #view = "picture"; // or "embed"
  #frame;
  #paper;
  #secret;
  #timer;

  constructor(context) {
    super(context);
    window.addEventListener("message", (event) => this.#receiveMessage(event), { signal: context.signal });
  }

  viewSwitch() {
    const { words } = this.context;
    const change = (event) => {
      event.stopPropagation(); // it is not an option of the embed
      this.#view = event.target.value;
      this.#render();
    };
    return element(
      "fieldset", { class: "views segments", change }, element("legend", { class: "unseen" }, words("view")),
      ["picture", "embed"].map((view) => radio("view", view, this.#view === view, words(`view_${view}`))),
    );
  }

  show(image) {
    this.#image = image;
    this.#render();
  }

  refresh() {
    if (this.#view !== "embed") return;
    this.stop();
    this.#timer = setTimeout(() => this.#showEmbed(), REFRESH_DELAY_MS);
  }

  stop() {
    clearTimeout(this.#timer);
  }

  fit() {
    if (!this.#paper?.isConnected) return;
    const scale = this.stage.clientWidth / PAPER_WIDTH;
    this.#paper.style.transform = `scale(${scale})`;
    this.stage.style.blockSize = `${Math.min(MAX_STAGE_HEIGHT, this.#paper.offsetHeight * scale)}px`;
  }

  /** Take the height that a frame reports with its secret, as WordPress does. */
  #receiveMessage({ source, origin, data }) {
    if (source !== this.#frame?.contentWindow || origin !== new URL(this.context.config.endpoint).origin) return;
    if (data?.message !== "height" || data.secret !== this.#secret || !(data.value > 0)) return;
    this.#frame.style.blockSize = `${Math.min(MAX_FRAME_HEIGHT, data.value)}px`;
    this.fit();
  }

  #render() {
    const showsEmbed = this.#view === "embed";
    this.stage.classList.toggle("page", showsEmbed);
    this.stage.style.blockSize = "";
    if (showsEmbed) this.#showEmbed();
    else this.stage.replaceChildren(this.#picture());
  }

  #picture() {
    const image = this.#image;
    const { url, width = image.width, height = image.height } = image.preview ?? {};
    if (!url) return element("div", { class: "blank" }, icon("picture"));
    const dragstart = (event) => fillDrag(event, image, this.context);
    const img = element("img", { alt: image.title, src: url, draggable: "true", dragstart });
    img.style.aspectRatio = `${width} / ${height}`;
    return img;
  }

  #showEmbed() {
    const { target } = this.context.state.editsOf(this.#image.id);
    if (FRAMED_TARGETS.includes(target)) this.#showFrame();
    else this.#showMarkup();
  }

  async #showMarkup() {
    const { words } = this.context;
    const code = element("pre", { class: "markup", tabindex: "0", dir: "ltr" }, words("preview_loading"));
    this.stage.style.blockSize = "";
    this.stage.replaceChildren(code);
    code.textContent = (await markupOf(this.#image, this.context)) ?? words("html_failed");
  }

  #showFrame() {
    const image = this.#image;
    const { words, state, service } = this.context;
    const edits = state.editsOf(image.id);
    const floats = edits.align === "left" || edits.align === "right";
    const width = Math.min(Number(edits.width) || MAX_WIDTH, floats ? MAX_FLOAT_WIDTH : MAX_WIDTH);
    const { caption } = embedOptions(image, edits);
    this.#secret = Math.random().toString(36).slice(2);
    this.#frame = element("iframe", {
      src: `${service.frameUrl(image.id, edits.target, width, caption)}#?secret=${this.#secret}`,
      title: words("preview", { title: titleOf(image, words) }), class: `frame ${edits.align}`, scrolling: "no",
      referrerpolicy: "strict-origin-when-cross-origin",
    });
    this.#frame.style.inlineSize = `${width}px`;
    this.#frame.style.blockSize = `${(width * image.height) / image.width + CREDIT_HEIGHT}px`;
    const lines = (name) => element("div", { class: `lines ${name}` });
    this.#paper = element("div", { class: "paper" }, lines("short"), this.#frame, lines(""), lines("clear"));
    this.stage.replaceChildren(this.#paper);
    this.fit();
  }
}

/** @returns {string|null} null for the original */
function changedText(field, original) {
  const text = field.value.trim();
  return text === original.trim() ? null : text;
}

class EmbedOptions extends Part {
  #image;
  #edits; // which read() changes
  #hint = element("p", { id: "alt-hint", class: "hint" });
  #caption;

  /** @param {Context} context @param {Picture} image */
  constructor(context, image) {
    super(context);
    const { words, state, config: { targets } } = context;
    const edits = state.editsOf(image.id);
    this.#image = image;
    this.#edits = edits;
    this.#caption = this.#control(
      "textarea", "words", { rows: 3, maxlength: MAX_CAPTION_CHARS, dir: "auto" }, edits.words ?? shortCaption(image),
    );
    this.node = element(
      "fieldset", { class: "options" }, element("legend", {}, words("options")),
      this.#field("alt", [this.#control(
        "textarea", "alt", { rows: 2, maxlength: MAX_ALT_CHARS, dir: "auto", "aria-describedby": this.#hint.id },
        edits.alt ?? image.title,
      ), this.#hint]),
      this.#alignment(),
      this.#field("width", this.#control("input", "width", {
        type: "number", min: MIN_EMBED_WIDTH, max: MAX_EMBED_WIDTH, inputmode: "numeric",
        placeholder: words("width_hint"), value: edits.width,
      })),
      this.#field("caption", this.#select("caption", CAPTIONS)),
      this.#field("words", this.#caption, "caption_text"),
      targets.length > 0 && this.#field("target", this.#select("target", ["", ...targets])),
    );
  }

  /** @returns {boolean} true if anything has changed */
  read({ alt, align, width, caption, words, target }) {
    const edits = this.#edits;
    const before = JSON.stringify(edits);
    Object.assign(edits, {
      alt: changedText(alt, this.#image.title),
      align: align.value,
      width: width.validity.valid ? width.value : "",
      caption: caption.value,
      words: changedText(words, shortCaption(this.#image)),
      target: target?.value ?? edits.target,
    });
    const field = this.#caption.parentNode;
    const appears = field.hidden && edits.caption === "own";
    field.hidden = edits.caption !== "own";
    if (appears) field.scrollIntoView({ block: "nearest" });
    this.#hint.textContent = edits.alt ? "" : this.context.words("alt_hint");
    return before !== JSON.stringify(edits);
  }

  showTooLong(isTooLong) {
    this.#caption.setCustomValidity(isTooLong ? this.context.words("too_long") : "");
  }

  #alignment() {
    const { words } = this.context;
    const choice = (value) => {
      const name = value || "none";
      return radio("align", value, this.#edits.align === value, icon(name), words(`align_${name}`));
    };
    return element(
      "fieldset", { class: "field align" }, element("legend", {}, words("align")),
      element("div", {}, ALIGNMENTS.map(choice)),
    );
  }

  #select(name, values) {
    const label = (value) => this.context.words(`${name}_${value || "default"}`);
    const options = values.map((value) => new Option(label(value), value, false, value === this.#edits[name]));
    return element("span", { class: "pick" }, this.#control("select", name, {}, options), icon("down"));
  }

  #field(name, control, key = name) {
    const label = element("label", { for: `option-${name}` }, this.context.words(key));
    return element("div", { class: `field ${name}` }, label, control);
  }

  #control(tag, name, attributes, children) {
    return element(tag, { id: `option-${name}`, name, ...attributes }, children);
  }
}

/** Selects pictures, which a bar shows, and inserts them. */
export class Chooser extends Part {
  bar = element("div", {
    class: "footer", part: "footer", hidden: true, role: "group", "aria-label": this.context.words("selection"),
  });
  #stay = null; // a button, if the bar asks
  #turn = null; // while markup is fetched

  select(index, { isRange = false } = {}) {
    const { words, state, config, announcer } = this.context;
    if (state.images[index].event) return;
    const max = config.maxSelected;
    const hasRoom = state.toggleSelected(index, isRange, max);
    this.show();
    if (hasRoom) this.#announce();
    else announcer.alert(words("too_many", { n: max }));
  }

  /** Replace the selection, and focus one of its pictures. */
  #arrange(images, index) {
    this.context.state.selection = new Map(images.map((image) => [image.id, image]));
    this.show();
    const items = [...this.bar.querySelectorAll("li")];
    (items[index] ?? items.at(-1))?.querySelector("button").focus();
    this.#announce();
  }

  #deselect() {
    const { grid } = this.context;
    this.#arrange([], 0);
    grid.focus(grid.activeIndex);
  }

  #announce() {
    const { words, state, announcer } = this.context;
    announcer.confirm(words("selected", { n: state.selection.size }), "unseen");
  }

  show() {
    const { grid, details, state: { selected } } = this.context;
    grid.mark();
    details.mark();
    this.bar.hidden = !selected.length;
    this.bar.replaceChildren(...(selected.length ? this.#selected(selected) : []));
  }

  #selected(images) {
    const { words } = this.context;
    const count = images.length;
    const insert = (options) => () => this.insert(images, options);
    const slideshow = button({ class: "pill", click: insert({ asSlideshow: true }) }, words("insert_slideshow"));
    return [
      element("strong", {}, words("selected", { n: count })),
      button({ class: "link", click: () => this.#deselect() }, words("selection_clear")),
      element("ol", { class: "picks" }, images.map((image, index) => this.#pick(images, image, index))),
      element("span", { class: "room" }),
      count > 1 && count <= MAX_SLIDES ? slideshow : "",
      button({ class: "primary", click: insert() }, words("insert_all", { n: count })),
    ];
  }

  #pick(images, image, index) {
    const { words } = this.context;
    const act = (name, key, others, goal) => button({
      class: "plain", "aria-label": `${words(key)}: ${titleOf(image, words)}`,
      click: () => this.#arrange(others, goal),
    }, icon(name));
    const earlier = images.toSpliced(index - 1, 2, image, images[index - 1]);
    return element(
      "li", {}, image.thumb && element("img", { alt: "", src: image.thumb.url }),
      index > 0 && act("previous", "earlier", earlier, index - 1),
      act("close", "remove", images.toSpliced(index, 1), index),
    );
  }

  /** Insert the selection, or else this picture. */
  insertAtOnce(image) {
    const { state: { selected }, details } = this.context;
    if (selected.length) this.insert(selected);
    else if (image && !image.event && !details.isRefused) this.insert([image]);
  }

  /** Insert the selection, or else the picture that is open or focused. */
  insertCurrent(target) {
    const { state: { images, isOpen, openImage }, grid } = this.context;
    if (isOpen) this.insertAtOnce(openImage);
    else this.insertAtOnce(target.matches(".tile") && images[grid.activeIndex]);
  }

  /** Leave the picker; with a selection, ask first. */
  leave() {
    const { state: { selection }, host } = this.context;
    if (selection.size && !this.#stay?.isConnected) this.#ask(selection.size);
    else {
      selection.clear();
      this.show();
      host.cancel();
    }
  }

  #ask(n) {
    const { words } = this.context;
    const stay = () => {
      this.show();
      this.bar.querySelector(".primary").focus();
    };
    this.#stay = button({ class: "primary", "aria-describedby": "leaving", click: stay }, words("leave_stay"));
    this.bar.replaceChildren(
      element("strong", { id: "leaving" }, words("leave", { n })), element("span", { class: "room" }),
      button({ class: "pill", click: () => this.leave() }, words("leave_close")), this.#stay,
    );
    this.#stay.focus();
  }

  async insert(images, { asSlideshow = false } = {}) {
    if (this.isBusy) return;
    const { words, state, config, emit, picker, frame, host } = this.context;
    const embeds = asSlideshow ? [slideshowOf(images, words)] : images;
    const choices = embeds.map((image) => choiceOf(image, state.editsOf(image.id)));
    // within the click, as clipboards need it
    if (!emit("select-sync", joinChoices(choices), true)) return;
    const opened = state.openImage;
    if (config.needsMarkup && !(await this.#addMarkup(choices, embeds))) return;
    if (choices.some((choice) => choice[config.output] === null)) {
      picker.showProblem(words("html_failed"));
      return;
    }
    const isModal = frame.hasAttribute("data-modal"); // closing it restores the focus
    if (!host.accept(joinChoices(choices))) return;
    if (state.openImage === opened) picker.close({ movesFocus: !isModal });
    this.#finish(images, choices);
  }

  get isBusy() {
    return this.#turn !== null;
  }

  giveUp() {
    this.#turn = null;
    this.context.details.showBusy(false);
  }

  /** @returns {Promise<boolean>} false after giveUp() */
  async #addMarkup(choices, embeds) {
    const turn = this.#turn = {};
    this.context.details.showBusy(true);
    await addMarkup(choices, embeds, this.context);
    if (this.#turn !== turn) return false;
    this.giveUp();
    return true;
  }

  #finish(images, choices) {
    const { words, state, announcer } = this.context;
    for (const { id } of images) {
      state.usedPictures.add(id);
      state.selection.delete(id);
    }
    state.rememberEdits(images.at(-1).id);
    state.forgetEdits(state.openImage?.id);
    this.show();
    const title = choices.map((choice) => choice.title || choice.id).join(", ");
    announcer.confirm(words("inserted", { title }));
  }
}

async function addMarkup(choices, images, { service, state }) {
  const items = images.map((image, index) => ({ ...markupItem(image, state), choice: choices[index] }));
  const fill = async (field, target, chosen) => {
    const found = await service.markup(chosen, target);
    chosen.forEach(({ choice }, index) => { choice[field] = found[index]; });
  };
  const targets = [...new Set(items.map(({ target }) => target))];
  await Promise.all([
    ...targets.map((target) => fill("html", target, items.filter((item) => item.target === target))),
    fill("markdown", "markdown", items),
    fill("oembed", "oembed", items),
  ]);
}

async function markupOf(image, { service, state }) {
  const item = markupItem(image, state);
  const [html] = await service.markup([item], item.target);
  return html;
}

function markupItem(image, state) {
  const edits = state.editsOf(image.id);
  return { id: image.id, options: embedOptions(image, edits), target: edits.target };
}

export function fillDrag({ dataTransfer }, image, { service, state }) {
  const { shortcode, pageUrl, title, credit } = choiceOf(image, state.editsOf(image.id));
  const link = element("p", {}, element("a", { href: pageUrl }, title || image.id), ` ${credit.line}`);
  dataTransfer.effectAllowed = "copy";
  dataTransfer.setData("text/plain", shortcode);
  if (pageUrl) dataTransfer.setData("text/uri-list", pageUrl);
  dataTransfer.setData("text/html", service.facade(image.id).html || link.outerHTML);
}

let copies = 0;

/** Copy a text or promised text, unless another copy starts meanwhile. */
async function copy(node, what, text, { words, announcer }) {
  const turn = ++copies;
  const isLast = async () => {
    await text;
    return turn === copies;
  };
  const isCopied = await toClipboard(text, node, isLast);
  if (!(await isLast())) return;
  const result = isCopied ? words("copied", { what }) : words("copy_failed");
  announcer.confirm((await text) === null ? words("html_failed") : result);
}
