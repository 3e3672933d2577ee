/* The picker as a field of a form: the value it has, and the bar that shows it. */

import { button, element } from "./dom.js";

const ID_IN_JSON = /^\{"id":"([^"]+)/; // a value that was inserted with output=json

export class FormValue {
  #internals;
  #host;
  #value = "";

  constructor(host, internals) {
    this.#host = host;
    this.#internals = internals;
  }

  get value() {
    return this.#value;
  }
  set value(value) {
    this.#value = value;
    this.#internals.setFormValue(value);
  }

  /** Tell the form whether a value is missing; words and anchor are undefined while words load. */
  validate(words, anchor) {
    const valueMissing = this.#host.hasAttribute("required") && !this.#value;
    const message = words ? words("required") : "…";
    this.#internals.setValidity({ valueMissing }, valueMissing ? message : "", anchor);
    this.#internals.ariaLabel = words ? words("title") : null;
  }

  emitChange() {
    for (const name of ["input", "change"]) {
      this.#host.dispatchEvent(new Event(name, { bubbles: true, composed: true }));
    }
  }
}

/** The bar with the picture that the field holds. */
export class ChosenBar {
  node = element("div", { class: "footer chosen", part: "footer", hidden: true });
  #context;
  #remove;
  #value = "";

  constructor(context, remove) {
    this.#context = context;
    this.#remove = remove;
  }

  /** Show a value with its picture, which is asked for if it is not known. */
  async show(value, choice) {
    this.#value = value;
    this.node.hidden = !value || !this.#context.config.isField;
    if (this.node.hidden) return;
    this.#render(value, choice);
    const known = choice ?? (await this.#find(value));
    if (known && known !== choice && this.#value === value) this.#render(value, known);
  }

  async #find(value) {
    const id = ID_IN_JSON.exec(value)?.[1];
    const found = await this.#context.service.resolve([id ?? value]).catch(() => null);
    if (!found) return null;
    const { title, thumb } = found.images[0];
    return { title, thumb: thumb?.url ?? null };
  }

  #render(value, choice) {
    const { words } = this.#context;
    const label = element(
      "div", {}, element("span", {}, words("chosen")), element("b", { dir: "auto" }, choice?.title || value),
    );
    this.node.replaceChildren(
      choice?.thumb ? element("img", { src: choice.thumb, alt: "" }) : "",
      label,
      element("span", { class: "room" }),
      button({ class: "pill", click: this.#remove }, words("remove")),
    );
  }
}
