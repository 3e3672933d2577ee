/* The element <embedkit-picker>: attributes in, events out, a value for forms, a dialog where one is wanted. */

import { PickerDialog } from "./dialog.js";
import { element } from "./dom.js";
import { FormValue } from "./field.js";
import { Picker } from "./picker.js";
import { Service } from "./service.js";
import { PickerConfig, PickerState } from "./state.js";
import { loadStyle, loadWords, STYLE } from "./words.js";

const TEXT_PROPERTIES = ["endpoint", "grant", "query", "theme", "max", "filters", "columns", "name"];
const SWITCH_PROPERTIES = ["multiple", "compact", "sandbox", "required", "disabled"];

export class EmbedKitPicker extends HTMLElement {
  static formAssociated = true;
  static observedAttributes = [
    "lang", "dir", "multiple", "filters", "sandbox", "recent", "columns", "grant", "query", "value", "required",
  ];

  #internals = this.attachInternals();
  #config = new PickerConfig(this);
  #field = new FormValue(this, this.#internals);
  #frame = element("section", { class: "picker", part: "picker", "aria-labelledby": "title" });
  #session = {
    config: this.#config,
    service: new Service(this.#config),
    state: new PickerState(),
    emit: (name, detail, isCancelable) => this.#emit(name, detail, isCancelable),
  };
  #picker; // until the words are there, undefined
  #dialog;
  #connection; // aborts when the element leaves the page
  #ownWords = {};
  #builds = 0;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [STYLE];
    this.#dialog = new PickerDialog(root, this.#frame, () => this.#back());
    this.#internals.role = "group";
    this.addEventListener("click", (event) => {
      if (event.composedPath()[0] === this) this.focus(); // its label was clicked
    });
  }

  connectedCallback() {
    this.#connection = new AbortController();
    const { signal } = this.#connection;
    window.addEventListener("message", (event) => this.#picker?.receiveMessage(event), { signal });
    window.addEventListener("online", () => this.#picker?.retryAfter("offline", "server"), { signal });
    for (const field of this.querySelectorAll("[name]")) field.toggleAttribute("disabled", true); // for no scripts
    this.#setValue(this.#field.value);
    this.#dialog.place(this.#dialog.isOpen || this.hasAttribute("modal"));
    this.#build();
  }

  disconnectedCallback() {
    this.#connection.abort();
    this.#picker?.leave();
    this.#dialog.settle(null);
  }

  attributeChangedCallback(name, before, now) {
    if (name === "value") this.value = now ?? "";
    if (name === "required") this.#validate();
    if (!this.#picker || before === now) return;
    if (name === "query") this.search(now ?? "");
    else if (name === "grant") this.#picker.retryAfter("token", "forbidden");
    else if (name === "columns") this.#picker.relayout();
    else if (name !== "value" && name !== "required") this.#build();
  }

  /** Load words and style, then make the picker, or make it anew with the query that it had. */
  async #build() {
    const build = ++this.#builds;
    const [words] = await Promise.all([loadWords(this.language, this.#ownWords), loadStyle()]);
    if (build !== this.#builds || !this.isConnected) return;
    const before = this.#picker;
    before?.leave();
    this.#frame.lang = words.language;
    this.#frame.dir = this.#config.direction || (words.isRightToLeft ? "rtl" : getComputedStyle(this).direction);
    this.#picker = new Picker(this.#frame, words, this.#session, {
      accept: (choice) => this.#accept(choice),
      cancel: () => this.cancel(),
      clear: () => this.#clear(),
    });
    this.#validate();
    this.#picker.showValue(this.value);
    this.search(before ? before.input.value : this.getAttribute("query") ?? "");
    if (this.#dialog.isOpen || (!before && this.hasAttribute("autofocus"))) this.focus();
    if (!before) this.#emit("ready");
  }

  #emit(name, detail = {}, isCancelable = false) {
    const event = { detail, cancelable: isCancelable, bubbles: true, composed: true };
    return this.dispatchEvent(new CustomEvent(`embedkit-${name}`, event));
  }

  #back() {
    if (this.#picker) this.#picker.back();
    else this.cancel();
  }

  get language() {
    return this.#config.language;
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

  /** @returns {Promise<Choice|null>} null if it is cancelled */
  open() {
    const choice = this.#dialog.open();
    this.focus();
    return choice;
  }

  close(choice = null) {
    if (!this.#dialog.isOpen) return;
    this.#dialog.close();
    if (!this.hasAttribute("modal")) this.#dialog.place(false);
    this.#dialog.settle(choice);
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
    this.#picker?.input.focus(options);
  }

  get value() {
    return this.#field.value;
  }
  set value(value) {
    this.#setValue(String(value ?? ""));
    this.#picker?.showValue(this.value);
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
  }
  formStateRestoreCallback(state) {
    this.value = state;
  }

  #setValue(value) {
    this.#field.value = value;
    this.#validate();
  }

  #validate() {
    this.#field.validate(this.#picker?.words, this.#picker?.input);
  }

  /** Take a choice: it is the value while listeners look at it, and stays unless one objects. */
  #accept(choice) {
    const before = this.value;
    this.#setValue(this.output === "json" ? JSON.stringify(choice) : choice[this.output]);
    if (!this.#emit("select", { ...choice, value: this.value }, true)) {
      this.#setValue(before);
      return false;
    }
    this.#picker.showValue(this.value, choice);
    this.#field.emitChange();
    this.close(choice);
    return true;
  }

  #clear() {
    this.value = "";
    this.#field.emitChange();
  }
}

for (const name of TEXT_PROPERTIES) {
  Object.defineProperty(EmbedKitPicker.prototype, name, {
    configurable: true,
    get() { return this.getAttribute(name) ?? ""; },
    set(value) { this.setAttribute(name, value); },
  });
}
for (const name of SWITCH_PROPERTIES) {
  Object.defineProperty(EmbedKitPicker.prototype, name, {
    configurable: true,
    get() { return this.hasAttribute(name); },
    set(isOn) { this.toggleAttribute(name, Boolean(isOn)); },
  });
}
