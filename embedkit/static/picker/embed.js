/* How a picture is embedded: the form in which an editor says so, and how it will look on a page. */

import { element, icon, radio } from "./dom.js";
import { embedOptions, MAX_CAPTION_CHARS, titleOf } from "./images.js";
import { fillDrag, markupOf } from "./insertion.js";

const FRAMED_TARGETS = ["", "web", "facade"]; // the service has pages for them
const PAPER_WIDTH = 640; // in pixels, as is all that follows: a page of text, scaled to the stage
const DEFAULT_WIDTH = 594;
const MAX_WIDTH = 592;
const MAX_FLOAT_WIDTH = 320; // left and right
const CREDIT_HEIGHT = 34; // until the frame reports its height
const MAX_FRAME_HEIGHT = 2000;
const MAX_STAGE_HEIGHT = 460;
const REFRESH_DELAY_MS = 300; // from the last key to a new frame

const MAX_ALT_CHARS = 300;
const MIN_EMBED_WIDTH = 100;
const MAX_EMBED_WIDTH = 2000;
const ALIGNMENTS = ["", "left", "center", "right"];
const CAPTIONS = ["none", "getty", "own"];

/** The picture, or the embed as it will look. */
export class EmbedPreview {
  stage = element("div", { class: "stage" });
  #context;
  #image = null;
  #view = "picture"; // or "embed"; stays from picture to picture
  #frame = null;
  #paper = null;
  #secret = "";
  #timer = 0;

  constructor(context) {
    this.#context = context;
    window.addEventListener("message", (event) => this.#receiveMessage(event), { signal: context.signal });
  }

  viewSwitch() {
    const { words } = this.#context;
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

  /** Show changed options, after a pause in typing. */
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

  /** A frame of the service reports its height with the secret that it was given, as WordPress's do. */
  #receiveMessage({ source, origin, data }) {
    if (source !== this.#frame?.contentWindow || origin !== this.#context.service.origin) return;
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
    const drag = (event) => fillDrag(event, image, this.#context);
    const img = element("img", { alt: image.title, src: url, draggable: "true", dragstart: drag });
    img.style.aspectRatio = `${width} / ${height}`;
    return img;
  }

  #showEmbed() {
    const { target } = this.#context.state.editsOf(this.#image.id);
    if (FRAMED_TARGETS.includes(target)) this.#showFrame();
    else this.#showMarkup();
  }

  async #showMarkup() {
    const { words } = this.#context;
    const code = element("pre", { class: "markup", tabindex: "0", dir: "ltr" }, words("preview_loading"));
    this.stage.style.blockSize = "";
    this.stage.replaceChildren(code);
    code.textContent = (await markupOf(this.#image, this.#context)) ?? words("html_failed");
  }

  /** The embed among lines that stand for text. */
  #showFrame() {
    const image = this.#image;
    const { words, state, service } = this.#context;
    const edits = state.editsOf(image.id);
    const floats = edits.align === "left" || edits.align === "right";
    const width = Math.min(Number(edits.width) || DEFAULT_WIDTH, floats ? MAX_FLOAT_WIDTH : MAX_WIDTH);
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

/** The text of a field; null if it is what came with the picture. */
function changedText(field, original) {
  const text = field.value.trim();
  return text === original.trim() ? null : text;
}

export class EmbedOptions {
  #words;
  #image;
  #edits;
  #hint = element("p", { id: "alt-hint", class: "hint" });
  #caption;

  /** @param {Words} words @param {Picture} image @param {Edits} edits - changed by read() @param {string[]} targets */
  constructor(words, image, edits, targets) {
    this.#words = words;
    this.#image = image;
    this.#edits = edits;
    this.#caption = this.#textarea("words", edits.words ?? this.#ownCaption, 3, MAX_CAPTION_CHARS);
    this.node = element(
      "fieldset", { class: "options" }, element("legend", {}, words("options")),
      this.#field("alt", "alt", this.#altText(), this.#hint),
      this.#alignment(),
      this.#field("width", "width", this.#width()),
      this.#field("caption", "caption", this.#select("caption", CAPTIONS)),
      this.#field("words", "caption_text", this.#caption),
      targets.length > 0 && this.#field("target", "target", this.#select("target", ["", ...targets])),
    );
  }

  /** Take over the fields of a form; @returns {boolean} whether anything has changed */
  read({ alt, align, width, caption, words, target }) {
    const edits = this.#edits;
    const before = JSON.stringify(edits);
    Object.assign(edits, {
      alt: changedText(alt, this.#image.title),
      align: align.value,
      width: width.validity.valid ? width.value : "",
      caption: caption.value,
      words: changedText(words, this.#ownCaption),
      target: target?.value ?? edits.target,
    });
    const field = this.#caption.parentNode;
    const appears = field.hidden && edits.caption === "own";
    field.hidden = edits.caption !== "own";
    if (appears) field.scrollIntoView({ block: "nearest" });
    this.#hint.textContent = edits.alt ? "" : this.#words("alt_hint");
    return before !== JSON.stringify(edits);
  }

  showTooLong(isTooLong) {
    this.#caption.setCustomValidity(isTooLong ? this.#words("too_long") : "");
  }

  get #ownCaption() {
    return this.#image.caption.slice(0, MAX_CAPTION_CHARS);
  }

  #altText() {
    const node = this.#textarea("alt", this.#edits.alt ?? this.#image.title, 2, MAX_ALT_CHARS);
    node.setAttribute("aria-describedby", this.#hint.id);
    return node;
  }

  #alignment() {
    const words = this.#words;
    const choice = (value) => {
      const name = value || "none";
      return radio("align", value, this.#edits.align === value, icon(name), words(`align_${name}`));
    };
    return element(
      "fieldset", { class: "field align" }, element("legend", {}, words("align")),
      element("div", {}, ALIGNMENTS.map(choice)),
    );
  }

  #width() {
    const node = this.#control("input", "width", {
      type: "number", min: MIN_EMBED_WIDTH, max: MAX_EMBED_WIDTH, inputmode: "numeric",
      placeholder: this.#words("width_hint"),
    });
    node.value = this.#edits.width;
    return node;
  }

  #textarea(name, value, rows, maxlength) {
    const node = this.#control("textarea", name, { rows, maxlength, dir: "auto" });
    node.value = value;
    return node;
  }

  #select(name, values) {
    const label = (value) => this.#words(`${name}_${value || "default"}`);
    const options = values.map((value) => new Option(label(value), value, false, value === this.#edits[name]));
    return element("span", { class: "pick" }, this.#control("select", name, {}, ...options), icon("down"));
  }

  #field(name, key, control, hint) {
    const label = element("label", { for: `option-${name}` }, this.#words(key));
    return element("div", { class: `field ${name}` }, label, control, hint);
  }

  #control(tag, name, attributes, ...children) {
    return element(tag, { id: `option-${name}`, name, ...attributes }, ...children);
  }
}
