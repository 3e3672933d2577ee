/* embedkit: pictures that ask before they load. Nothing is requested from Getty Images before the reader agrees.
 *
 * <script defer src="…/embedkit-facade.js"></script>; data-frame-origin and data-frame-sandbox, or origin= and
 * sandbox= in the address, change where frames come from and what they may do.
 *
 * Events on document: embedkit:consent with detail {granted: true | false} is heard from a consent tool, and sent
 * when a reader makes or takes back the lasting choice; embedkit:scan is for content that was added later.
 */
((document) => {
  "use strict";
  const KEY = "embedkit:always";
  const CONSENT = "embedkit:consent";
  const FACADE = ".ek--facade[data-ek-src]";
  // The path comes from an attribute that a commenter may be able to write: only a viewer's will do.
  const PATH = /^\/embed\/[0-9A-Za-z-]{1,24}(?:,[0-9A-Za-z-]{1,24}){0,4}\?[\w=&.-]+$/;

  const LOADED = Symbol.for("embedkit.facade");
  if (document[LOADED]) return; // loaded twice
  document[LOADED] = true;

  // Asked of the prototype: on the document itself a commenter's <img name=currentScript> would stand in for it.
  const script = Object.getOwnPropertyDescriptor(Document.prototype, "currentScript").get.call(document);
  const option = (name, otherwise) =>
    script?.getAttribute("data-frame-" + name) ??
    (script?.src ? new URL(script.src).searchParams.get(name) : null) ?? otherwise;
  const origin = option("origin", "") || "https://embed.gettyimages.com";
  const sandbox = option("sandbox", "allow-scripts allow-same-origin allow-popups" +
    " allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation");
  const status = document.createElement("div");
  let granted = remembered() && !matchMedia("(prefers-reduced-data: reduce)").matches;

  // Storage may be blocked: then the choice holds for this page.
  function remembered() {
    try { return localStorage.getItem(KEY) === "1"; } catch { return false; }
  }
  function remember(always) {
    try { always ? localStorage.setItem(KEY, "1") : localStorage.removeItem(KEY); } catch { /* blocked */ }
  }

  const figures = () => document.querySelectorAll(FACADE);
  const part = (figure, name) => figure.querySelector(".ek-" + name);
  const shown = (figure) => figure.querySelector("iframe");

  function load(figure) {
    const path = figure.dataset.ekSrc;
    const box = part(figure, "box");
    const gate = part(figure, "gate");
    if (shown(figure) || !PATH.test(path) || !box || !gate) return;
    const ratio = part(figure, "ratio");
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
    if (sandbox) attributes.sandbox = sandbox; // before it is in the page, or it would not count
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

  function offerToAskAgain(figure) {
    if (!shown(figure) || part(figure, "again")) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "ek-again";
    button.textContent = figure.dataset.ekAgain;
    (part(figure, "caption") || figure).append(button);
  }

  function apply(figure) {
    if (!granted) return unload(figure);
    load(figure);
    offerToAskAgain(figure);
  }

  function choose(grant) {
    granted = grant;
    remember(grant);
    figures().forEach(apply);
    document.dispatchEvent(new CustomEvent(CONSENT, { detail: { granted, source: "embedkit" } }));
  }

  function scan() {
    if (!status.isConnected) {
      status.className = "ek-status";
      status.setAttribute("role", "status"); // in the page before there is anything to say
      document.body.append(status);
    }
    document.querySelectorAll(FACADE + ":not(.ek--ready)").forEach((figure) => {
      figure.classList.add("ek--ready");
      part(figure, "open")?.setAttribute("role", "button"); // without this script it stays a link
      if (granted) apply(figure);
    });
  }

  function show(figure, event) {
    if (part(figure, "always")?.checked) choose(true);
    load(figure);
    const frame = shown(figure);
    if (!frame) return; // no address of a viewer: the link stays a link
    event.preventDefault();
    frame.addEventListener("load", () => { status.textContent = figure.dataset.ekLoaded; }, { once: true });
    frame.focus();
  }

  function askAgain(figure) {
    choose(false);
    part(figure, "open")?.focus();
    status.textContent = figure.dataset.ekRevoked;
  }

  document.addEventListener("click", (event) => {
    const control = event.target.closest?.(".ek-open, .ek-again");
    const figure = control?.closest(FACADE);
    if (!figure || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    control.matches(".ek-again") ? askAgain(figure) : show(figure, event);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== " " || !event.target.matches?.(FACADE + " .ek-open[role=button]")) return;
    event.preventDefault(); // a button is pressed by the space bar, and the page does not scroll
    event.target.click();
  });
  // Content added later is met when somebody comes near it, at the latest.
  const near = (event) => event.target.closest?.(FACADE + ":not(.ek--ready)") && scan();
  document.addEventListener("focusin", near);
  document.addEventListener("pointerover", near, { passive: true });
  document.addEventListener("embedkit:scan", scan);
  document.addEventListener(CONSENT, ({ detail }) => {
    if (!detail || detail.source === "embedkit") return;
    granted = detail.granted === true;
    if (!granted) remember(false);
    figures().forEach(apply);
  });
  document.readyState === "loading" ? document.addEventListener("DOMContentLoaded", scan) : scan();
})(document);
