/* The page /picker: the element, and messages to and from the page that has framed or opened it.
 *
 * In the URL: ?origin= of that page (one of PICKER_ORIGINS), ?nonce= returned in every message, ?host=tinymce,
 * and #grant=, which is never sent to a server. Sent to that origin only, never to "*":
 *   {source: "embedkit", v: 1, nonce, type: "ready" | "resize" {height} | "select" {detail} | "cancel" | "error" {error}}
 * Without an allowed origin there is no text to insert into, so the shortcode is copied; also those of several pictures
 * if nothing has framed or opened the page.
 * Received from that page only, with the same nonce:
 *   {source: "embedkit-host", v: 1, nonce, type: "grant" {grant} | "focus"}
 */
import "./embedkit-picker.js"; // its first event follows a fetch, so listeners added below hear it
import { toClipboard } from "./picker/dom.js";

const TOAST_MS = 4_000;
const OTHER = window.opener ?? (window.parent === window ? null : window.parent);
const asked = new URLSearchParams(location.search);
const nonce = asked.get("nonce") ?? "";
const tinymce = asked.get("host") === "tinymce";
const origins = [...(document.body.dataset.origins || "").split(" ").filter(Boolean), location.origin];
const picker = document.querySelector("embedkit-picker");

const grant = new URLSearchParams(location.hash.slice(1)).get("grant") ?? asked.get("grant");
if (grant) {
  picker.setAttribute("grant", grant);
  asked.delete("grant"); // keep it out of the history, and of copied URLs
  history.replaceState(null, "", `${location.pathname}${asked.size ? `?${asked}` : ""}`);
}

const plain = picker.querySelector("[name=q]");
const written = plain.value === plain.defaultValue ? "" : plain.value; // before this script was loaded
if (written) picker.setAttribute("query", written);

/** The origin to send messages to, from the URL or the browser; "" unless it is allowed to use this page. */
function destination() {
  if (!OTHER) return "";
  const known = asked.has("origin")
    ? [asked.get("origin")]
    : [window.opener ? "" : location.ancestorOrigins?.[0], URL.parse(document.referrer)?.origin].filter(Boolean);
  if (!known.length && origins.length === 2) return origins[0]; // the only one allowed
  return known.find((origin) => origins.includes(origin)) ?? "";
}

const TO = destination();

function send(type, fields = {}) {
  if (TO) OTHER.postMessage({ source: "embedkit", v: 1, type, nonce, ...fields }, TO);
}

/** Send a message to TinyMCE's dialog: https://www.tiny.cloud/docs/tinymce/latest/urldialog/ */
function act(mceAction, fields = {}) {
  if (TO && tinymce) OTHER.postMessage({ mceAction, ...fields }, TO);
}

/** TinyMCE takes HTML: other output is inserted as text, each piece in a paragraph of its own. */
function asHtml(value) {
  if (picker.output === "html") return value;
  const paragraph = document.createElement("p");
  return value.split("\n\n").map((piece) => {
    paragraph.textContent = piece;
    return paragraph.outerHTML;
  }).join("");
}

const own = document.body.dataset;
const toast = document.createElement("p");
toast.setAttribute("role", "status"); // in the page before it has text
toast.className = "toast";
document.body.append(toast);

async function copy(shortcode) {
  toast.textContent = "";
  const isCopied = await toClipboard(shortcode, picker.shadowRoot.querySelector(".picker"));
  toast.textContent = isCopied ? own.copied : own.failed;
  setTimeout(() => { toast.textContent = ""; }, TOAST_MS);
}

if (!OTHER && !asked.has("multiple")) picker.setAttribute("multiple", "");

if (!TO) {
  picker.i18n = { insert: own.copy, insert_all: own.copy, insert_slideshow: own.slideshow };
  picker.addEventListener("embedkit-select-sync", (event) => {
    event.preventDefault();
    copy(event.detail.shortcode);
  });
}

if (OTHER && !TO) {
  const note = document.createElement("p");
  note.setAttribute("role", "alert");
  note.className = "stranger";
  document.body.prepend(note);
  note.textContent = own.stranger;
}

picker.focus(); // Chromium warns about the autofocus attribute in a cross-origin frame
picker.addEventListener("embedkit-ready", () => send("ready"), { once: true });
picker.addEventListener("embedkit-select", (event) => {
  if (!TO) return;
  send("select", { detail: event.detail });
  act("insertContent", { content: asHtml(picker.value || event.detail.shortcode) });
  act("close");
});
picker.addEventListener("embedkit-cancel", () => {
  send("cancel");
  act("close");
});
picker.addEventListener("embedkit-error", ({ detail }) => send("error", { error: detail }));

window.addEventListener("message", ({ source, origin, data }) => {
  if (!TO || source !== OTHER || origin !== TO || data?.source !== "embedkit-host" || data.nonce !== nonce) return;
  if (data.type === "grant" && typeof data.grant === "string") picker.setAttribute("grant", data.grant);
  if (data.type === "focus") picker.focus();
});

new ResizeObserver(() => send("resize", { height: Math.ceil(document.body.getBoundingClientRect().height) }))
  .observe(document.body);
