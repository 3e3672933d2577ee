/* The page /picker: the element, and the talk with whoever framed or opened the page.
 *
 * In the address: ?origin= who that is (one of PICKER_ORIGINS), ?nonce= returned with every message, ?host=tinymce,
 * and #grant=, which no server gets to see. Sent, to that one origin and never to "*":
 *   {source: "embedkit", v: 1, nonce, type: "ready" | "resize" {height} | "select" {detail} | "cancel" | "error" {error}}
 * Without such an origin there is no text to insert into: the shortcode is copied, by itself (nobody has framed or opened
 * the page) that of several pictures, too.
 * Heard, from there alone, with the same nonce: {source: "embedkit-host", v: 1, nonce, type: "grant" {grant} | "focus"}
 */
import "./embedkit-picker.js"; // its first event follows a fetch, so this module has listened before
import { toClipboard } from "./picker/insertion.js";

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
  asked.delete("grant"); // it stays neither in the history nor in an address that somebody copies
  history.replaceState(null, "", `${location.pathname}${asked.size ? `?${asked}` : ""}`);
}

const plain = picker.querySelector("[name=q]");
const written = plain.value === plain.defaultValue ? "" : plain.value; // before this script had come
if (written) picker.setAttribute("query", written);

/** Whom to talk to: who they say they are, or who the browser says; in any case one that may use this page. */
function destination() {
  if (!OTHER) return "";
  const known = asked.has("origin")
    ? [asked.get("origin")]
    : [window.opener ? "" : location.ancestorOrigins?.[0], URL.parse(document.referrer)?.origin].filter(Boolean);
  if (!known.length && origins.length === 2) return origins[0]; // there is but one
  return known.find((one) => origins.includes(one)) ?? "";
}

const TO = destination();

function send(type, said = {}) {
  if (TO) OTHER.postMessage({ source: "embedkit", v: 1, type, nonce, ...said }, TO);
}

/** TinyMCE's dialog hears these from the page in it: https://www.tiny.cloud/docs/tinymce/latest/urldialog/ */
function act(mceAction, said = {}) {
  if (TO && tinymce) OTHER.postMessage({ mceAction, ...said }, TO);
}

/** TinyMCE takes html: whatever else was asked for goes in as text, each piece in a paragraph of its own. */
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
toast.setAttribute("role", "status"); // in the page before it speaks
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

picker.focus(); // by hand: Chromium complains of the attribute autofocus in a frame of another origin
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
