// Replaces links of the form <a id='ET' class='gie-single'> with frames. Pages queue functions in window.gie.q; this
// script runs them when it loads, and from then on, gie(fn) runs fn immediately.
(function () {
  "use strict";
  if (window.gie && window.gie.widgets) return; // every embed on a page loads this script
  var script = document.currentScript;
  var origin = script && script.src ? new URL(script.src).origin : "";

  function source(config) {
    return origin + "/embed/" + config.items + "?et=" + config.id + "&tld=" + config.tld + "&sig=" + config.sig +
      (config.caption ? "&caption=true" : "") + "&ver=2";
  }

  function load(config) {
    var link = document.getElementById(config.id);
    if (!link) return;
    var width = parseInt(config.w, 10), height = parseInt(config.h, 10);
    var frame = document.createElement("iframe");
    frame.src = source(config);
    frame.title = link.textContent;
    frame.width = width;
    frame.height = height;
    frame.setAttribute("scrolling", "no");
    frame.setAttribute("frameborder", "0");
    frame.setAttribute("allowfullscreen", "");
    frame.style.cssText = "display:block;border:0;width:100%;height:auto;max-width:" + width + "px;aspect-ratio:" + width + "/" + height;
    link.parentNode.replaceChild(frame, link);
  }

  function run(job) {
    try { job(); } catch (error) { setTimeout(function () { throw error; }); } // a broken embed must not stop the others
  }

  var waiting = (window.gie && window.gie.q) || [];
  window.gie = run;
  window.gie.widgets = { load: load };
  waiting.forEach(run);
})();
