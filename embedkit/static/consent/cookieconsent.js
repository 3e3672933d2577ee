/* embedkit: pictures follow CookieConsent 3 (vanilla-cookieconsent), as window.CookieConsent.
 *
 * <script defer src="…/consent/cookieconsent.js" data-ek-category="media" data-ek-service="gettyimages"></script>
 * (CookieConsent treats scripts with the attributes data-category and data-service as its own.)
 * With a service, CookieConsent stores the choice that is made in a picture. Without one the category is read but
 * never written, as it can contain more than our pictures.
 */
(() => {
  "use strict";
  const script = Object.getOwnPropertyDescriptor(Document.prototype, "currentScript").get.call(document);
  const { ekCategory: category = "gettyimages", ekService: service = "" } = script?.dataset ?? {};
  const isValid = () => window.CookieConsent?.validConsent?.() === true;

  function report() {
    if (!isValid()) return;
    const tool = window.CookieConsent;
    const granted = service ? tool.acceptedService(service, category) : tool.acceptedCategory(category);
    const detail = { granted, readonly: !service, source: "cookieconsent" };
    document.dispatchEvent(new CustomEvent("embedkit:consent", { detail }));
  }

  document.addEventListener("embedkit:consent", (event) => {
    if (event.detail?.source !== "embedkit" || !service || !isValid()) return;
    const others = (window.CookieConsent.getUserPreferences().acceptedServices[category] ?? [])
      .filter((name) => name !== service);
    window.CookieConsent.acceptService(event.detail.granted ? [...others, service] : others, category);
    event.preventDefault();
  });
  addEventListener("cc:onConsent", report);
  addEventListener("cc:onChange", report);
  document.addEventListener("embedkit:ready", report);
  report();
})();
