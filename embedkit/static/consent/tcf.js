/* embedkit: pictures follow the IAB Transparency and Consent Framework, 2.2 and 2.3. Load it after the stub.
 *
 * <script defer src="…/consent/tcf.js" data-ek-purposes="1" data-ek-vendor="…"></script>
 * purposes: all of them need consent. vendor: an ID of the Global Vendor List that needs consent, too.
 * Only a reader's choice loads pictures: if GDPR does not apply, or the reader was not asked, the pictures ask.
 */
(() => {
  "use strict";
  const script = Object.getOwnPropertyDescriptor(Document.prototype, "currentScript").get.call(document);
  const { ekPurposes: purposes = "1", ekVendor: vendor = "" } = script?.dataset ?? {};
  const DECIDED = ["tcloaded", "useractioncomplete"];
  let granted;

  function report() {
    if (granted === undefined) return;
    const detail = { granted, readonly: true, source: "tcf" };
    document.dispatchEvent(new CustomEvent("embedkit:consent", { detail }));
  }

  const allows = (data) =>
    purposes.split(/[\s,]+/).every((purpose) => data.purpose?.consents?.[purpose] === true) &&
    (!vendor || (data.vendor?.consents?.[vendor] === true && data.vendor.disclosedVendors?.[vendor] !== false));

  function start() {
    if (typeof window.__tcfapi !== "function") return false;
    window.__tcfapi("addEventListener", 2, (data, success) => {
      if (!success || !DECIDED.includes(data.eventStatus) || data.gdprApplies === false) return;
      granted = allows(data);
      report();
    });
    return true;
  }

  document.addEventListener("embedkit:ready", report);
  if (!start()) addEventListener("load", start, { once: true });
})();
