/* embedkit: pictures follow Google Consent Mode, as gtag('consent', 'update', …) writes it into the data layer.
 *
 * <script defer src="…/consent/google.js" data-ek-types="ad_storage" data-ek-layer="dataLayer"></script>
 * types: all of them must be granted. Only an update loads pictures: a default is not a reader's choice.
 */
(() => {
  "use strict";
  const script = Object.getOwnPropertyDescriptor(Document.prototype, "currentScript").get.call(document);
  const { ekTypes: types = "ad_storage", ekLayer: name = "dataLayer" } = script?.dataset ?? {};
  const needed = types.split(/[\s,]+/);
  const state = {};
  let granted;

  function report() {
    if (granted === undefined) return;
    const detail = { granted, readonly: true, source: "google" };
    document.dispatchEvent(new CustomEvent("embedkit:consent", { detail }));
  }

  function read(entry) {
    if (entry?.[0] !== "consent" || entry[1] !== "update") return;
    Object.assign(state, entry[2]);
    if (!needed.every((type) => type in state)) return;
    granted = needed.every((type) => state[type] === "granted");
    report();
  }

  if (!Array.isArray(window[name])) window[name] = [];
  const layer = window[name];
  const push = layer.push; // Google's own scripts listen in the same way
  layer.push = (...entries) => {
    const length = push.apply(layer, entries);
    entries.forEach(read);
    return length;
  };
  document.addEventListener("embedkit:ready", report);
  layer.forEach(read);
})();
