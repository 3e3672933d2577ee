/* embedkit: pictures follow a service of Klaro, and Klaro stores the choice that is made in a picture.
 *
 * <script defer src="…/consent/klaro.js" data-ek-service="gettyimages"></script>
 * service: its name in the services of klaroConfig.
 */
(() => {
  "use strict";
  const script = Object.getOwnPropertyDescriptor(Document.prototype, "currentScript").get.call(document);
  const { ekService: service = "gettyimages" } = script?.dataset ?? {};
  let manager;

  function report() {
    if (!manager?.confirmed) return; // the reader was not asked: Klaro returns its default
    const detail = { granted: manager.getConsent(service), source: "klaro" };
    document.dispatchEvent(new CustomEvent("embedkit:consent", { detail }));
  }

  function start() {
    try { manager = window.klaro.getManager(); } catch { return false; } // no Klaro, or no configuration yet
    manager.watch({ update: (_, kind) => { if (kind === "saveConsents") report(); } });
    report();
    return true;
  }

  document.addEventListener("embedkit:consent", (event) => {
    if (event.detail?.source !== "embedkit" || !manager) return;
    manager.updateConsent(service, event.detail.granted);
    if (!manager.confirmed) return; // saving would answer Klaro's other questions, too: the picture stores it
    manager.saveAndApplyConsents();
    event.preventDefault();
  });
  document.addEventListener("embedkit:ready", report);
  if (!start()) addEventListener("load", start, { once: true });
})();
