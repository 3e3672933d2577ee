/* The picker as a field of a form: the card that shows its value. */

import { button, element, icon } from "./dom.js";
import { editsFrom } from "./images.js";

/** What stands in the form: the picture that the field holds, and buttons to choose, change, edit and remove it. */
export class FieldCard {
  node = element("div", { class: "card", part: "field" });
  #words;
  #service;
  #actions;
  #status = element("p", { class: "unseen", role: "status" });
  #value = "";

  /** @param {Words} words @param {Session["service"]} service @param {FieldActions} actions */
  constructor(words, service, actions) {
    this.#words = words;
    this.#service = service;
    this.#actions = actions;
  }

  /** The button that opens the picker. */
  get opener() {
    return this.node.querySelector("button");
  }

  /** Show a value with its picture, which is asked for if it is not known. */
  async show(value, choice) {
    this.#value = value;
    this.#render(choice);
    if (!value || choice) return;
    const found = await this.#find(value);
    if (found && this.#value === value) this.#render(found);
  }

  async #find(value) {
    const found = await this.#service.resolve([editsFrom(value)?.id ?? value]).catch(() => null);
    if (!found) return null;
    const [{ title, thumb, credit }] = found.images;
    return { title, thumb: thumb?.url, credit };
  }

  #render(choice) {
    const { open, edit } = this.#actions;
    const words = this.#words;
    const hadFocus = this.node.matches(":focus-within");
    const choose = (key) => button({ class: "pill", click: open }, words(key));
    const buttons = this.#value
      ? [
        choose("change"), button({ class: "pill", click: () => edit(this.#value) }, words("edit")),
        button({ class: "pill", click: () => this.#remove() }, words("remove")),
      ]
      : [choose("choose")];
    this.node.replaceChildren(
      choice?.thumb
        ? element("img", { src: choice.thumb, alt: "" })
        : element("div", { class: "blank" }, icon("picture")),
      element("div", { class: "about" }, this.#text(choice), element("div", { class: "row" }, buttons)), this.#status,
    );
    if (hadFocus) this.opener.focus();
  }

  #text(choice) {
    if (!this.#value) return element("p", {}, this.#words("no_picture"));
    return [
      element("b", { dir: "auto" }, choice?.title || this.#value),
      choice?.credit && element("p", { dir: "auto" }, choice.credit.line),
    ];
  }

  #remove() {
    this.#actions.remove();
    this.#status.textContent = this.#words("removed");
  }
}
