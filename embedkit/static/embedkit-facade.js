/* embedkit: pictures that ask before they load. Nothing is requested from Getty Images before the reader agrees.
 *
 * <script defer src="…/embedkit-facade.js"></script>; data-frame-origin, data-frame-sandbox and
 * data-frame-credentialless, or origin=, sandbox= and credentialless= in the URL, change where frames are loaded from
 * and what they can do.
 *
 * Events on document:
 * embedkit:consent  detail {granted: true | false}. Received from a consent tool; with readonly: true the choice
 *                   can only be made in the tool, so pictures don't offer it. Sent with source "embedkit" when a
 *                   reader makes or revokes the permanent choice here: a tool that stores the choice itself calls
 *                   preventDefault(), so that it is stored only once.
 * embedkit:ready    sent once, when embedkit:consent can be received: tools loaded earlier send it now.
 * embedkit:scan     received when content was added.
 *
 * The choice is stored in localStorage as embedkit:always: its date, followed by "gpc" if it was made despite Global
 * Privacy Control. It expires after a year. With that signal no other choice counts, wherever it is stored.
 */
((document) => {
  "use strict";
  const KEY = "embedkit:always";
  const LASTS_MS = 365 * 24 * 60 * 60 * 1000;
  const CONSENT = "embedkit:consent";
  const FACADE = ".ek--facade[data-ek-src]";
  // The path is in an attribute that a commenter might be able to write: accept only the path of an embed.
  const PATH = /^\/embed\/[0-9A-Za-z-]{1,24}(?:,[0-9A-Za-z-]{1,24}){0,4}\?[\w=&.-]+$/;

  const LOADED = Symbol.for("embedkit.facade");
  if (document[LOADED]) return; // loaded twice
  document[LOADED] = true;

  // From the prototype: on the document, a commenter's <img name=currentScript> would shadow it.
  const script = Object.getOwnPropertyDescriptor(Document.prototype, "currentScript").get.call(document);
  const option = (name, otherwise) =>
    script?.getAttribute("data-frame-" + name) ??
    (script?.src ? new URL(script.src).searchParams.get(name) : null) ?? otherwise;
  const origin = option("origin", "") || "https://embed.gettyimages.com";
  const sandbox = option("sandbox", "allow-scripts allow-same-origin allow-popups" +
    " allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation");
  const credentialless = option("credentialless", null) !== null;
  const status = document.createElement("div");
  const signal = navigator.globalPrivacyControl === true ? "gpc" : ""; // globalprivacycontrol.org
  const savesData = matchMedia("(prefers-reduced-data: reduce)").matches;
  const asksFirst = savesData || signal !== "";
  let readonly = false;
  let granted = remembered() && !savesData;

  // If storage is blocked, the choice is valid for this page.
  function remembered() {
    try {
      const [date, inSpiteOf] = (localStorage.getItem(KEY) ?? "").split(" ");
      const age = Date.now() - Date.parse(date); // NaN without a date, which fails both comparisons
      return age >= 0 && age < LASTS_MS && (!signal || inSpiteOf === signal);
    } catch { return false; }
  }
  function remember(always) {
    try {
      always ? localStorage.setItem(KEY, `${new Date().toISOString()} ${signal}`.trim()) : localStorage.removeItem(KEY);
    } catch { /* blocked */ }
  }

  const figures = () => document.querySelectorAll(FACADE);
  const part = (figure, name) => figure.querySelector(".ek-" + name);
  const shown = (figure) => figure.querySelector("iframe");

  function load(figure) {
    const path = figure.dataset.ekSrc;
    const box = part(figure, "box");
    const gate = part(figure, "gate");
    if (shown(figure) || !PATH.test(path) || !box || !gate || document.prerendering === true) return;
    const ratio = figure.querySelector("canvas");
    const frame = document.createElement("iframe");
    const attributes = {
      src: origin + path,
      title: box.dataset.ekTitle || "",
      width: ratio?.width || 594,
      height: ratio?.height || 396,
      loading: "lazy",
      referrerpolicy: "strict-origin-when-cross-origin",
      allow: "",
      frameborder: 0,
    };
    if (sandbox) attributes.sandbox = sandbox; // has no effect once the frame is in the page
    if (credentialless) attributes.credentialless = ""; // as above
    Object.entries(attributes).forEach(([name, value]) => frame.setAttribute(name, value));
    gate.hidden = true;
    box.append(frame);
  }

  function unload(figure) {
    shown(figure)?.remove();
    part(figure, "again")?.remove();
    const gate = part(figure, "gate");
    const always = part(figure, "always");
    if (gate) gate.hidden = false;
    if (always) always.checked = false;
  }

  function offerToStop(figure) {
    if (readonly || !shown(figure) || part(figure, "again")) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "ek-again";
    button.textContent = figure.dataset.ekAgain;
    figure.append(button); // not into the caption, which labels the figure
  }

  function apply(figure) {
    const choice = part(figure, "choice");
    if (choice) choice.hidden = readonly;
    if (!granted) return unload(figure);
    load(figure);
    offerToStop(figure);
  }

  function choose(grant) {
    granted = grant;
    const detail = { granted, source: "embedkit" };
    const ours = document.dispatchEvent(new CustomEvent(CONSENT, { detail, cancelable: true }));
    remember(grant && (ours || signal !== "")); // tools don't store that it was chosen despite the signal
    figures().forEach(apply);
  }

  function scan() {
    if (!status.isConnected) {
      status.className = "ek-status";
      status.setAttribute("role", "status"); // in the page before it has text
      document.body.append(status);
    }
    document.querySelectorAll(FACADE + ":not(.ek--ready)").forEach((figure) => {
      figure.classList.add("ek--ready");
      part(figure, "open")?.setAttribute("role", "button"); // without this script it stays a link
      if (granted || readonly) apply(figure);
    });
  }

  function show(figure, event) {
    load(figure);
    if (!shown(figure)) return; // not the path of an embed: the link stays a link
    event.preventDefault();
    goTo(shown(figure), figure);
  }

  function goTo(frame, figure) {
    frame.addEventListener("load", () => { status.textContent = figure.dataset.ekLoaded; }, { once: true });
    frame.focus();
  }

  function stop(figure) {
    choose(false);
    part(figure, "open")?.focus();
    status.textContent = figure.dataset.ekRevoked;
  }

  document.addEventListener("click", (event) => {
    const control = event.target.closest?.(".ek-open, .ek-again");
    const figure = control?.closest(FACADE);
    if (!figure || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    control.matches(".ek-again") ? stop(figure) : show(figure, event);
  });
  document.addEventListener("change", ({ target }) => {
    const figure = target.matches?.(".ek-always") && target.closest(FACADE);
    if (!figure) return;
    choose(target.checked);
    if (shown(figure)) goTo(shown(figure), figure);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== " " || !event.target.matches?.(FACADE + " .ek-open[role=button]")) return;
    event.preventDefault(); // the space bar presses a button instead of scrolling
    event.target.click();
  });
  // Content added later is found at the latest when it is hovered or focused.
  const near = (event) => event.target.closest?.(FACADE + ":not(.ek--ready)") && scan();
  document.addEventListener("focusin", near);
  document.addEventListener("pointerover", near, { passive: true });
  document.addEventListener("embedkit:scan", scan);
  document.addEventListener(CONSENT, ({ detail }) => {
    if (!detail || detail.source === "embedkit") return;
    readonly = detail.readonly === true;
    granted = detail.granted === true && (granted || !asksFirst);
    if (detail.granted !== true) remember(false);
    figures().forEach(apply);
  });
  document.addEventListener("prerenderingchange", () => figures().forEach(apply));
  addEventListener("storage", ({ key, newValue }) => { // revoked in another tab
    if (key !== KEY || newValue !== null) return;
    granted = false;
    figures().forEach(apply);
  });
  document.readyState === "loading" ? document.addEventListener("DOMContentLoaded", scan) : scan();
  document.dispatchEvent(new CustomEvent("embedkit:ready"));
})(document);
