/* embedkit: pictures follow a service of iframemanager, which stores the choice that is made in a picture.
 *
 * <script defer src="…/consent/iframemanager.js" data-ek-service="gettyimages"></script>
 * Load it between iframemanager.js and the script that calls run(). service: its name in the services of run().
 */
(() => {
  "use strict";
  const script = Object.getOwnPropertyDescriptor(Document.prototype, "currentScript").get.call(document);
  const { ekService: service = "gettyimages" } = script?.dataset ?? {};
  const manager = typeof window.iframemanager === "function" ? window.iframemanager() : null;
  if (!manager) return;
  const run = manager.run;
  const accepted = () => manager.getState().acceptedServices.includes(service);

  function report(granted) {
    const detail = { granted, source: "iframemanager" };
    document.dispatchEvent(new CustomEvent("embedkit:consent", { detail }));
  }

  const start = () => { if (accepted()) report(true); }; // else the reader may not have been asked

  manager.run = (config) => {
    const onChange = (change) => {
      config.onChange?.(change);
      if (change.changedServices.includes(service)) report(accepted());
    };
    run({ ...config, onChange });
    start();
  };
  document.addEventListener("embedkit:consent", (event) => {
    if (event.detail?.source !== "embedkit" || !manager.getState().services.has(service)) return;
    event.detail.granted ? manager.acceptService(service) : manager.rejectService(service);
    event.preventDefault();
  });
  document.addEventListener("embedkit:ready", start);
})();
