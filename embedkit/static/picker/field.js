/* The picker as a field of a form: the card that shows its value. */

import { button, element, icon } from "./dom.js";
import { editsFrom } from "./images.js";

/** What stands in the form: the picture that the field holds, and buttons to choose, change, edit and remove it. */
export class FieldCard {
  node = element("div", { class: "card", part: "field" });
  #words;
  #service;
  #actions;
  #picture = element("div", { class: "thumb" });
  #text = element("div");
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
    this.#render();
    this.#tell(choice);
    if (!value || choice) return;
    const found = await this.#find(value);
    if (found && this.#value === value) this.#tell(found);
  }

  async #find(value) {
    const found = await this.#service.resolve([editsFrom(value)?.id ?? value]).catch(() => null);
    if (!found) return null;
    const [{ title, thumb, credit }] = found.images;
    return { title, thumb: thumb?.url, credit };
  }

  #render() {
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
      this.#picture, element("div", { class: "about" }, this.#text, element("div", { class: "row" }, buttons)),
      this.#status,
    );
    if (hadFocus) this.opener.focus();
  }

  /** What is known of the picture; the buttons stay, for somebody may be about to press one. */
  #tell(choice) {
    const { thumb, title, credit } = choice ?? {};
    this.#picture.replaceChildren(thumb ? element("img", { src: thumb, alt: "" }) : icon("picture"));
    const texts = [element("b", { dir: "auto" }, title || this.#value), element("p", { dir: "auto" }, credit?.line)];
    this.#text.replaceChildren(...(this.#value ? texts : [element("p", {}, this.#words("no_picture"))]));
  }

  #remove() {
    this.#actions.remove();
    this.#status.textContent = this.#words("removed");
  }
}
