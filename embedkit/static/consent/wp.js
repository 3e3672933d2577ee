/* embedkit: pictures follow the WP Consent API of WordPress.
 *
 * <script defer src="…/consent/wp.js" data-ek-category="marketing"></script>
 * A category contains more than our pictures, so it is read but never written. Only a reader's choice loads pictures:
 * with the type "optout" everything is allowed before the reader was asked, so only a change counts.
 */
(() => {
  "use strict";
  const script = Object.getOwnPropertyDescriptor(Document.prototype, "currentScript").get.call(document);
  const { ekCategory: category = "marketing" } = script?.dataset ?? {};
  let granted;

  function report() {
    if (granted === undefined) return;
    const detail = { granted, readonly: true, source: "wp" };
    document.dispatchEvent(new CustomEvent("embedkit:consent", { detail }));
  }

  function start() {
    if (typeof window.wp_has_consent !== "function" || !String(window.wp_consent_type).includes("optin")) return;
    if (window.wp_has_consent(category)) granted = true; // else the reader may not have been asked
    report();
  }

  document.addEventListener("wp_listen_for_consent_change", ({ detail }) => {
    if (!detail || !(category in detail)) return;
    granted = detail[category] === "allow";
    report();
  });
  document.addEventListener("wp_consent_type_defined", start);
  document.addEventListener("embedkit:ready", report);
  document.readyState === "complete" ? start() : addEventListener("load", start, { once: true });
})();
