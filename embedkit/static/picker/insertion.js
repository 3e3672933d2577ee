/* Choosing pictures and handing them over: what is selected, choices with their markup, the clipboard, dragging. */

import { button, element, focusedBeside, icon } from "./dom.js";
import { choiceOf, embedOptions, joinChoices, slideshowOf, titleOf } from "./images.js";

const MAX_SLIDES = 5; // pictures in one embed of Getty Images

export class SelectionBar {
  #context;
  #stay = null;

  /** @param {Context} context */
  constructor(context) {
    this.#context = context;
    this.node = element("div", {
      class: "footer", part: "footer", hidden: true, role: "group", "aria-label": context.words("selection"),
    });
  }

  get isAsking() {
    return Boolean(this.#stay?.isConnected);
  }

  /** @param {Picture[]} images - that are selected, in their order */
  render(images) {
    this.node.hidden = !images.length;
    this.node.replaceChildren(...(images.length ? this.#parts(images) : []));
  }

  /** Give the focus to a picture, or to the last one. */
  focus(index) {
    const items = [...this.node.querySelectorAll("li")];
    (items[index] ?? items.at(-1))?.querySelector("button").focus();
  }

  /** Ask before the selection is lost; the focus goes to the answer that keeps it. */
  ask(images, leave) {
    const { words } = this.#context;
    const stay = () => {
      this.render(images);
      this.node.querySelector(".primary").focus();
    };
    this.#stay = button({ class: "primary", "aria-describedby": "leaving", click: stay }, words("leave_stay"));
    this.node.replaceChildren(
      element("strong", { id: "leaving" }, words("leave", { n: images.length })), element("span", { class: "room" }),
      button({ class: "pill", click: leave }, words("leave_close")), this.#stay,
    );
    this.#stay.focus();
  }

  #parts(images) {
    const { words, chooser } = this.#context;
    const count = images.length;
    const insert = (options) => () => chooser.insertSelection(options);
    const slideshow = button({ class: "pill", click: insert({ asSlideshow: true }) }, words("insert_slideshow"));
    return [
      element("strong", {}, words("selected", { n: count })),
      button({ class: "link", click: () => chooser.deselect() }, words("selection_clear")), this.#thumbs(images),
      element("span", { class: "room" }),
      count > 1 && count <= MAX_SLIDES ? slideshow : "",
      button({ class: "primary", click: insert() }, words("insert_all", { n: count })),
    ];
  }

  /** What is selected, to be put in another order or taken out. */
  #thumbs(images) {
    const { words, chooser } = this.#context;
    const item = (image, index) => {
      const act = (name, key, others, goal) => button({
        class: "plain", "aria-label": `${words(key)}: ${titleOf(image, words)}`,
        click: () => chooser.arrange(others, goal),
      }, icon(name));
      const earlier = images.toSpliced(index - 1, 2, image, images[index - 1]);
      return element(
        "li", {}, image.thumb && element("img", { alt: "", src: image.thumb.url }),
        index > 0 && act("previous", "earlier", earlier, index - 1),
        act("close", "remove", images.toSpliced(index, 1), index),
      );
    };
    return element("ol", { class: "picks" }, images.map(item));
  }
}

/** What is chosen: pictures are selected, alone or several, and inserted. */
export class Chooser {
  #context;
  #turn = null; // while markup is fetched for what is inserted

  /** @param {Context} context */
  constructor(context) {
    this.#context = context;
  }

  select(index, { isRange = false } = {}) {
    const { words, state, config, announcer } = this.#context;
    if (state.images[index].event) return;
    const max = config.maxSelected;
    const hasRoom = state.toggleSelected(index, isRange, max);
    this.show();
    if (hasRoom) this.#tell();
    else announcer.alert(words("too_many", { n: max }));
  }

  /** Select these instead; the focus goes to that index. */
  arrange(images, index) {
    const { state } = this.#context;
    state.selection = new Map(images.map((image) => [image.id, image]));
    this.show();
    this.#context.parts.selectionBar.focus(index);
    this.#tell();
  }

  deselect() {
    const { grid } = this.#context.parts;
    this.arrange([], 0);
    grid.focus(grid.activeIndex);
  }

  #tell() {
    const { words, state, announcer } = this.#context;
    announcer.confirm(words("selected", { n: state.selection.size }), "unseen");
  }

  show() {
    const { grid, details, selectionBar } = this.#context.parts;
    grid.mark();
    details.mark();
    selectionBar.render([...this.#context.state.selection.values()]);
  }

  insertSelection(options) {
    return this.insert([...this.#context.state.selection.values()], options);
  }

  /** Insert what is selected, or else this picture. */
  insertAtOnce(image) {
    const { state, parts } = this.#context;
    if (state.selection.size) this.insertSelection();
    else if (image && !image.event && !parts.details.isRefused) this.insert([image]);
  }

  /** The same with the picture that is open, or that has the focus. */
  insertCurrent(target) {
    const { state: { images, isOpen, openIndex }, parts: { grid } } = this.#context;
    if (isOpen) this.insertAtOnce(images[openIndex]);
    else this.insertAtOnce(target.matches(".tile") && images[grid.activeIndex]);
  }

  /** Out of the picker; where something is selected, the second time. */
  leave() {
    const { state: { selection }, parts: { selectionBar }, host } = this.#context;
    if (selection.size && !selectionBar.isAsking) selectionBar.ask([...selection.values()], () => this.leave());
    else {
      selection.clear();
      this.show();
      host.cancel();
    }
  }

  /** Each picture by itself, or all as one slideshow. */
  async insert(images, { asSlideshow = false } = {}) {
    if (this.isBusy) return;
    const { words, state, config, emit, picker, frame, host } = this.#context;
    const embeds = asSlideshow ? [slideshowOf(images, words)] : images;
    const choices = embeds.map((image) => choiceOf(image, state.editsOf(image.id)));
    // within the click, as clipboards need it; a page may want no more
    if (!emit("select-sync", joinChoices(choices), true)) return;
    const opened = state.images[state.openIndex];
    if (config.needsMarkup && !(await this.#addMarkup(choices, embeds))) return;
    if (choices.some((choice) => choice[config.output] === null)) {
      picker.showProblem(words("html_failed"));
      return;
    }
    const isModal = frame.hasAttribute("data-modal"); // a dialog closes now, and gives the focus back
    if (!host.accept(joinChoices(choices))) return;
    if (state.images[state.openIndex] === opened) picker.close({ movesFocus: !isModal }); // else the reader has gone on
    this.#finish(images, choices);
  }

  get isBusy() {
    return this.#turn !== null;
  }

  giveUp() {
    this.#turn = null;
    this.#context.parts.details.showBusy(false);
  }

  /** @returns {Promise<boolean>} false if it was given up meanwhile */
  async #addMarkup(choices, embeds) {
    const turn = this.#turn = {};
    this.#context.parts.details.showBusy(true);
    await addMarkup(choices, embeds, this.#context);
    if (this.#turn !== turn) return false;
    this.giveUp();
    return true;
  }

  #finish(images, choices) {
    const { words, state, announcer } = this.#context;
    for (const { id } of images) {
      state.usedPictures.add(id);
      state.selection.delete(id);
    }
    state.rememberEdits(images.at(-1).id);
    state.forgetEdits(state.images[state.openIndex]?.id);
    this.show();
    const title = choices.map((choice) => choice.title || choice.id).join(", ");
    announcer.confirm(words("inserted", { title }));
  }
}

/** Fill in html, markdown and oembed. */
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

/** @returns {Promise<string|null>} in the form that the editor has chosen */
export async function markupOf(image, { service, state }) {
  const item = markupItem(image, state);
  const [html] = await service.markup([item], item.target);
  return html;
}

function markupItem(image, state) {
  const edits = state.editsOf(image.id);
  return { id: image.id, options: embedOptions(image, edits), target: edits.target };
}

/** What other programs get: the shortcode as text, the page as a URL, the façade as HTML. */
export function fillDrag({ dataTransfer }, image, { service, state }) {
  const { shortcode, pageUrl, title, credit } = choiceOf(image, state.editsOf(image.id));
  const link = element("p", {}, element("a", { href: pageUrl }, title || image.id), ` ${credit.line}`);
  dataTransfer.effectAllowed = "copy";
  dataTransfer.setData("text/plain", shortcode);
  if (pageUrl) dataTransfer.setData("text/uri-list", pageUrl);
  dataTransfer.setData("text/html", service.facade(image.id).html || link.outerHTML);
}

let copies = 0; // how many have been asked for

/** Copy a text, or what a promise brings unless something else is copied meanwhile, and say what was copied. */
export async function copy(node, what, text, { words, announcer }) {
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

/** Whether it worked. A promise is passed on: Safari allows copying within the click alone. */
export async function toClipboard(text, node, isWanted = async () => true) {
  try {
    await navigator.clipboard.write([new ClipboardItem({ "text/plain": asBlob(text, isWanted) })]);
    return true;
  } catch {
    return (await isWanted()) && copyByField((await text) ?? "", node);
  }
}

/** Where it is not wanted, an error leaves the clipboard as it is. */
async function asBlob(text, isWanted) {
  if (!(await isWanted())) throw new Error("another is copied");
  return new Blob([(await text) ?? ""], { type: "text/plain" });
}

/** Without the permission, as in a frame of another origin. */
function copyByField(text, node) {
  const focused = focusedBeside(node);
  const field = element("textarea", { class: "unseen", "aria-hidden": "true" });
  field.value = text;
  node.closest(".picker").append(field);
  field.select();
  const isCopied = document.execCommand("copy");
  field.remove();
  focused?.focus();
  return isCopied;
}
