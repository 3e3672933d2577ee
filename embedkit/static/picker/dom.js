/* Elements and icons, made without a parser (Trusted Types) or style attributes (CSP). */

const SVG = "http://www.w3.org/2000/svg";
const ICON_PATHS = {
  search: "M10 4a6 6 0 1 0 .1 0M15 15l5 5",
  close: "M6 6l12 12M18 6 6 18",
  down: "M6 9l6 6 6-6",
  filter: "M4 7h16M7 12h10M10 17h4",
  clock: "M12 4a8 8 0 1 0 .1 0M12 8v4l3 2",
  previous: "M15 6l-6 6 6 6",
  next: "M9 6l6 6-6 6",
  check: "M5 12l5 5 9-10",
  out: "M14 5h5v5M19 5l-8 8M17 14v5H5V7h5",
  picture: "M4 6h16v12H4zM4 16l5-5 4 4 3-3 4 4M15 9v.1",
  none: "M4 12h16",
  left: "M4 5h16M4 19h16M4 9h7v6H4zM15 10h5M15 14h5",
  center: "M4 5h16M4 19h16M8 9h8v6H8z",
  right: "M4 5h16M4 19h16M13 9h7v6h-7zM4 10h5M4 14h5",
  offline: "M3 9a13 13 0 0 1 18 0M7 13a7 7 0 0 1 10 0M11 17h2M4 4l16 16",
  setup: "M16 4a4 4 0 1 0 .1 0M13 11l-8 8M8 16l2 2",
  rights: "M12 4 2.5 20h19zM12 10v4M12 17v.1",
  camera: "M4 8h4l2-3h4l2 3h4v11H4zM12 10a3 3 0 1 0 .1 0",
  lock: "M6 11h12v9H6zM8 11V8a4 4 0 0 1 8 0v3",
  slow: "M7 4h10M7 20h10M8 4l8 16M16 4 8 20",
  server: "M5 5h14v5H5zM5 14h14v5H5zM8 7.5h.1M8 16.5h.1",
};

const isPresent = (value) => (value ?? false) !== false;

/** @param {string} tag @param {object} [attributes] - functions are listeners @param {...*} children @returns {any} */
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (isPresent(value)) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter(isPresent));
  return node;
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICON_PATHS[name]);
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.append(path);
  return svg;
}

export function button(attributes, ...children) {
  return element("button", { type: "button", part: "button", ...attributes }, ...children);
}

/** A radio button in its label. An icon as a label needs a title. */
export function radio(name, value, checked, label, title) {
  const input = element("input", { type: "radio", name, value, checked, "aria-label": title });
  return element("label", { class: "segment", title }, input, element("span", {}, label));
}

export function externalLink(words, href, key) {
  return element(
    "a", { class: "link", href, target: "_blank", rel: "noopener noreferrer" },
    words(key), element("span", { class: "unseen" }, ` ${words("new_tab")}`), icon("out"),
  );
}

/** @returns {HTMLElement|null} the focused element in the tree of a node */
export function focusedBeside(/** @type {any} */ node) {
  return node.getRootNode().activeElement;
}

export class Part {
  /** @param {Context} context */
  constructor(context) {
    this.context = context;
  }
}

/** Return whether it worked. Safari needs the promise within the click. */
export async function toClipboard(text, node, isWanted = async () => true) {
  try {
    await navigator.clipboard.write([new ClipboardItem({ "text/plain": asBlob(text, isWanted) })]);
    return true;
  } catch {
    return (await isWanted()) && copyByField((await text) ?? "", node);
  }
}

/** Throw if the clipboard is to stay unchanged. */
async function asBlob(text, isWanted) {
  if (!(await isWanted())) throw new Error("another is copied");
  return new Blob([(await text) ?? ""], { type: "text/plain" });
}

/** Without permission, as in a frame of another origin. */
function copyByField(text, node) {
  const focused = focusedBeside(node);
  const field = element("textarea", { class: "unseen", "aria-hidden": "true" });
  field.value = text;
  node.closest(".picker").append(field);
  field.select();
  const isCopied = document.execCommand("copy");
  field.remove();
  focused?.focus();
  return isCopied;
}
