/* embedkit: pictures follow the WP Consent API of WordPress.
 *
 * <script defer src="…/consent/wp.js" data-ek-category="marketing"></script>
 * A category holds more than our pictures, so it is read and never written. Only a reader's choice opens pictures:
 * in the type "optout" all is allowed before anybody was asked, and there a change alone counts.
 */
(() => {
  "use strict";
  const script = Object.getOwnPropertyDescriptor(Document.prototype, "currentScript").get.call(document);
  const { ekCategory: category = "marketing" } = script?.dataset ?? {};
  let granted;

  function tell() {
    if (granted === undefined) return;
    const detail = { granted, readonly: true, source: "wp" };
    document.dispatchEvent(new CustomEvent("embedkit:consent", { detail }));
  }

  function start() {
    if (typeof window.wp_has_consent !== "function" || !String(window.wp_consent_type).includes("optin")) return;
    if (window.wp_has_consent(category)) granted = true; // else it may be that nobody was asked
    tell();
  }

  document.addEventListener("wp_listen_for_consent_change", ({ detail }) => {
    if (!detail || !(category in detail)) return;
    granted = detail[category] === "allow";
    tell();
  });
  document.addEventListener("wp_consent_type_defined", start);
  document.addEventListener("embedkit:ready", tell);
  document.readyState === "complete" ? start() : addEventListener("load", start, { once: true });
})();
