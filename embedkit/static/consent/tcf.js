/* embedkit: pictures follow the IAB Transparency and Consent Framework, 2.2 and 2.3. Its stub is in the page before.
 *
 * <script defer src="…/consent/tcf.js" data-ek-purposes="1" data-ek-vendor="…"></script>
 * purposes: those that must be consented to. vendor: one of the Global Vendor List that must be, too.
 * Only a reader's choice opens pictures: where GDPR does not apply, or nobody was asked, they ask by themselves.
 */
(() => {
  "use strict";
  const script = Object.getOwnPropertyDescriptor(Document.prototype, "currentScript").get.call(document);
  const { ekPurposes: purposes = "1", ekVendor: vendor = "" } = script?.dataset ?? {};
  const DECIDED = ["tcloaded", "useractioncomplete"];
  let granted;

  function tell() {
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
      tell();
    });
    return true;
  }

  document.addEventListener("embedkit:ready", tell);
  if (!start()) addEventListener("load", start, { once: true });
})();
