// Reports the frame's height to the page around it, as WordPress expects (wp-embed.js): the parent adds
// "#?secret=…" to the URL, and accepts only messages with that secret. The parent's origin is unknown and
// a height is not confidential, hence "*". Nothing is ever received.
(() => {
  "use strict";
  const secret = /[#?&]secret=([A-Za-z0-9]+)/.exec(window.location.hash)?.[1];
  if (!secret || window.parent === window) return;
  let last = 0;
  const report = () => {
    const value = Math.ceil(document.body.getBoundingClientRect().height);
    if (value === last) return;
    last = value;
    window.parent.postMessage({ message: "height", value, secret }, "*");
  };
  new ResizeObserver(report).observe(document.body);
  window.addEventListener("load", report);
})();
