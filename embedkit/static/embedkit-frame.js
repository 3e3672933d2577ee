// Tells the page around a frame how high it should be, as WordPress asks (wp-embed.js): the parent puts
// "#?secret=…" into the address and takes a height only with that secret. The parent's origin is not
// known, and a height is not a secret, hence "*"; nothing is ever received.
(() => {
  "use strict";
  const secret = /[#?&]secret=([A-Za-z0-9]+)/.exec(window.location.hash)?.[1];
  if (!secret || window.parent === window) return;
  let last = 0;
  const tell = () => {
    const value = Math.ceil(document.body.getBoundingClientRect().height);
    if (value === last) return;
    last = value;
    window.parent.postMessage({ message: "height", value, secret }, "*");
  };
  new ResizeObserver(tell).observe(document.body);
  window.addEventListener("load", tell);
})();
