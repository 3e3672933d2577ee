// Slideshow: the browser scrolls and snaps the strip; the arrows only set the position.
(function () {
  "use strict";
  var strip = document.querySelector(".slides");
  var previous = document.querySelector(".previous");
  var next = document.querySelector(".next");
  var count = document.querySelector(".count");
  var total = strip.children.length;

  function at() { return Math.round(strip.scrollLeft / strip.clientWidth); }
  function go(step) { strip.scrollTo({ left: (at() + step) * strip.clientWidth, behavior: "smooth" }); }
  function show() {
    var now = at();
    previous.hidden = now === 0;
    next.hidden = now === total - 1;
    var text = now + 1 + " / " + total;
    if (count.textContent !== text) count.textContent = text;
  }

  previous.addEventListener("click", function () { go(-1); });
  next.addEventListener("click", function () { go(1); });
  document.addEventListener("keydown", function (event) {
    if (event.key === "ArrowLeft") go(-1);
    if (event.key === "ArrowRight") go(1);
  });
  strip.addEventListener("scroll", show, { passive: true });
  show();
})();
