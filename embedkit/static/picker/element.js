/* The element <embedkit-picker>: attributes in, events out, a value for forms, a dialog where one is wanted. */

import { element } from "./dom.js";
import { FieldCard } from "./field.js";
import { Picker } from "./picker.js";
import { Service } from "./service.js";
import { PickerConfig, PickerState } from "./state.js";
import { loadStyle, loadWords, STYLE } from "./words.js";

const TEXT_PROPERTIES = ["endpoint", "query", "theme", "max", "filters", "columns", "name"];
const SWITCH_PROPERTIES = ["multiple", "compact", "sandbox", "required", "disabled"];

/** The browser's own dialog, which keeps the focus inside and gives it back. */
class PickerDialog {
  #root;
  #frame;
  #settle = null; // of the promise of open()

  constructor(root, frame, back) {
    this.#root = root;
    this.#frame = frame;
    const cancel = (event) => {
      event.preventDefault(); // Escape is handled as a key
      back();
    };
    this.node = element("dialog", { class: "dialog", part: "dialog", "aria-labelledby": "title", cancel });
    root.append(this.node);
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

/** What a script has set before there was a class to hear of it: as it is, it would hide the class's own. */
function takeProperties(host) {
  const early = Object.entries(host).filter(([name]) => name in EmbedKitPicker.prototype);
  for (const [name] of early) delete host[name];
  return Object.fromEntries(early);
}

export class EmbedKitPicker extends HTMLElement {
  static formAssociated = true;
  grantSource = null; // a function
  static observedAttributes = [
    "lang", "dir", "multiple", "filters", "sandbox", "remember", "columns", "grant", "query", "value", "required",
  ];

  #early = takeProperties(this);
  #internals = this.attachInternals();
  #config = new PickerConfig(this);
  #value = "";
  #box = element("input", { type: "search", "aria-label": "Getty Images" }); // until the words are there
  #frame = element("section", { class: "picker", part: "picker" }, this.#box);
  #session = {
    config: this.#config,
    service: new Service(this.#config, (grant) => this.setAttribute("grant", grant)),
    state: new PickerState(this.#config),
    emit: (name, detail, isCancelable) => this.#emit(name, detail, isCancelable),
  };
  #picker; // until the words are there, undefined
  #card; // of a field, likewise
  #dialog;
  #ownWords = {};
  #builds = 0;
  #wantsFocus = false; // once it can take it

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
    const plain = /** @type {any} */ (document.activeElement);
    const isInside = this.contains(plain);
    this.#box.autofocus = this.hasAttribute("autofocus");
    this.#wantsFocus = this.#box.autofocus || isInside;
    if (isInside && !this.#isModal) this.#box.value = plain.value ?? "";
    Object.assign(this, this.#early);
    this.#early = {};
    this.#takeField();
    this.#setValue(this.#value);
    this.#dialog.place(this.#dialog.isOpen || this.#isModal);
    this.#build();
    if (isInside) this.#box.focus();
  }

  /** The plain field, for where there are no scripts: it goes, and what was written into it meanwhile stays. */
  #takeField() {
    for (const field of /** @type {any[]} */ ([...this.querySelectorAll("[name]:not([disabled])")])) {
      const isChanged = field.name === this.getAttribute("name") && field.value !== field.defaultValue;
      if (isChanged) this.value = field.value;
      field.disabled = true;
    }
  }

  disconnectedCallback() {
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
    this.#wantsFocus ||= this.shadowRoot.activeElement === this.#box;
    before?.leave();
    this.#frame.lang = words.language;
    this.#frame.dir = this.#config.direction || (words.isRightToLeft ? "rtl" : getComputedStyle(this).direction);
    this.#picker = new Picker(this.#frame, words, this.#session, {
      accept: (choice) => this.#accept(choice),
      cancel: () => this.cancel(),
    });
    this.#makeCard(words);
    this.#validate();
    if (!before && this.hasAttribute("modal") && this.value) this.#picker.edit(this.value);
    else this.#searchAgain(before);
    const { activeElement } = document;
    const isFree = activeElement === document.body || this.contains(activeElement); // nobody writes elsewhere
    if (this.#dialog.isOpen || (!before && this.#wantsFocus && isFree)) this.focus();
    if (this.#box.value) this.#picker.input.setSelectionRange(-1, -1); // it is written on
    if (!before) this.#emit("ready");
  }

  /** What an earlier picker was asked, else what was typed before, or the page says. */
  #searchAgain(before) {
    const { query, index } = this.#session.state.remembered;
    const wanted = before ? before.input.value : this.#box.value || (this.getAttribute("query") ?? query ?? "");
    this.search(wanted).then(() => wanted === query && this.#picker.returnTo(index));
  }

  /** In a form stands a card; the picker is in a dialog. */
  #makeCard(words) {
    this.#card?.node.remove();
    this.#card = null;
    if (!this.#config.isField) return;
    this.#card = new FieldCard(words, this.#session.service, {
      open: () => this.open(),
      edit: (value) => {
        this.open();
        this.#picker.edit(value);
      },
      remove: () => this.#clear(),
    });
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

  #back() {
    if (this.#picker) this.#picker.back();
    else this.cancel();
  }

  get language() {
    return this.#config.language;
  }

  /** A grant, or a function that gets one whenever one is needed. */
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

  /** @returns {Promise<Choice|null>} null if it is cancelled */
  open() {
    const choice = this.#dialog.open();
    this.focus();
    return choice;
  }

  close(choice = null) {
    this.#picker?.giveUp();
    if (!this.#dialog.isOpen) return;
    this.#dialog.close();
    if (!this.#isModal) this.#dialog.place(false);
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
    if (this.#card && !this.#dialog.isOpen) this.#card.opener.focus(options);
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

  /** Tell the form whether a value is missing. */
  #validate() {
    const words = this.#picker?.words;
    const valueMissing = this.hasAttribute("required") && !this.#value;
    const message = words ? words("required") : "…";
    const anchor = this.#card?.opener ?? this.#picker?.input;
    this.#internals.setValidity({ valueMissing }, valueMissing ? message : "", anchor);
    const label = Array.from(this.#internals.labels, ({ textContent }) => textContent.trim()).join(" ");
    this.#internals.ariaLabel = label || (words ? words("title") : null);
  }

  #emitChange() {
    for (const name of ["input", "change"]) this.dispatchEvent(new Event(name, { bubbles: true, composed: true }));
  }

  /** Take a choice: it is the value while listeners look at it, and stays unless one objects. */
  #accept(choice) {
    const before = this.value;
    this.#setValue(this.output === "json" ? JSON.stringify(choice) : choice[this.output]);
    if (!this.#emit("select", { ...choice, value: this.value }, true)) {
      this.#setValue(before);
      return false;
    }
    this.close(choice); // the focus is back in the card before this one changes
    this.#card?.show(this.value, choice);
    this.#emitChange();
    return true;
  }

  #clear() {
    this.value = "";
    this.#emitChange();
  }
}

const define = (name, accessors) =>
  Object.defineProperty(EmbedKitPicker.prototype, name, { configurable: true, ...accessors });
for (const name of TEXT_PROPERTIES) {
  define(name, {
    get() { return this.getAttribute(name) ?? ""; },
    set(value) { this.setAttribute(name, value); },
  });
}
for (const name of SWITCH_PROPERTIES) {
  define(name, {
    get() { return this.hasAttribute(name); },
    set(isOn) { this.toggleAttribute(name, Boolean(isOn)); },
  });
}

let hasOpened = false; // where our script came late, somebody may have clicked twice

/** @param {any} [options] - attributes (pageSize is page-size), and i18n @returns {Promise<Choice|null>} */
export async function openPicker({ i18n, ...options } = {}) {
  if (hasOpened) return null;
  const picker = document.createElement("embedkit-picker");
  for (const [name, value] of Object.entries({ ...options, modal: true })) {
    if ((value ?? false) === false) continue;
    const attribute = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    if (typeof value === "function") picker[name] = value; // such as grant
    else picker.setAttribute(attribute, value === true ? "" : String(value));
  }
  if (i18n) picker.i18n = i18n;
  document.body.append(picker);
  hasOpened = true;
  try {
    return await picker.open();
  } finally {
    hasOpened = false;
    picker.remove();
  }
}
