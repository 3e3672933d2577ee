/* The picker in a dialog: the browser's own, which keeps the focus inside and gives it back. */

import { element } from "./dom.js";

export class PickerDialog {
  node = element("dialog", { class: "dialog", part: "dialog", "aria-labelledby": "title" });
  #root;
  #frame;
  #settle = null; // of the promise of open()

  constructor(root, frame, cancel) {
    this.#root = root;
    this.#frame = frame;
    root.append(this.node);
    this.node.addEventListener("cancel", (event) => {
      event.preventDefault(); // Escape is handled as a key
      cancel();
    });
  }

  get isOpen() {
    return this.node.open;
  }

  place(isModal) {
    this.#frame.toggleAttribute("data-modal", isModal);
    (isModal ? this.node : this.#root).append(this.#frame);
  }

  /** @returns {Promise<Choice|null>} null if it is cancelled, or opened anew */
  open() {
    this.settle(null);
    this.place(true);
    if (!this.isOpen) this.node.showModal();
    return new Promise((resolve) => { this.#settle = resolve; });
  }

  close() {
    this.node.close();
  }

  settle(choice) {
    this.#settle?.(choice);
    this.#settle = null;
  }
}

/**
 * @param {object} [options] - attributes of the element (pageSize is page-size), and i18n
 * @returns {Promise<Choice|null>} null if nothing was chosen
 */
export async function openPicker({ i18n, ...options } = {}) {
  const picker = document.createElement("embedkit-picker");
  for (const [name, value] of Object.entries({ ...options, modal: true })) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") {
      picker[name] = value; // such as grant
      continue;
    }
    const attribute = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    picker.setAttribute(attribute, value === true ? "" : String(value));
  }
  if (i18n) picker.i18n = i18n;
  document.body.append(picker);
  try {
    return await picker.open();
  } finally {
    picker.remove();
  }
}
