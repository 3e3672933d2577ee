/* The page of `embedkit demo`: the picker inserts shortcodes into the text, and the article shows the rendered text. */

const PAUSE_MS = 300; // in typing
const text = document.getElementById("text");
const article = document.getElementById("article");
const status = document.getElementById("told");
let shown = sources([...article.children]); // the article's source, as scripts change its nodes
let asking = new AbortController();
let timer = 0;

function sources(nodes) {
  return nodes.map((node) => node.outerHTML);
}

/** Insert the shortcode at the cursor as a paragraph of its own, by a command that undo supports. */
function insert(shortcode) {
  const before = text.value.slice(0, text.selectionStart).trimEnd();
  const after = text.value.slice(text.selectionEnd).trimStart();
  text.focus({ preventScroll: true });
  text.setSelectionRange(before.length, text.value.length - after.length);
  const paragraph = `${before && "\n\n"}${shortcode}${after && "\n\n"}`;
  if (!document.execCommand("insertText", false, paragraph)) text.setRangeText(paragraph);
  const end = before.length + paragraph.trimEnd().length;
  text.setSelectionRange(end, end);
  text.scrollTop = (text.scrollHeight * end) / text.value.length - text.clientHeight / 2; // roughly the cursor's line
}

function paragraphs() {
  const paragraph = document.createElement("p");
  return text.value.split(/\n\s*\n/).map((words) => {
    paragraph.textContent = words.trim();
    return words.trim() && paragraph.outerHTML;
  }).join("\n");
}

async function update({ scrolls = false } = {}) {
  clearTimeout(timer);
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  try {
    const response = await fetch("/v1/render", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ content: paragraphs(), input: "html" }),
      signal,
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.detail);
    const changed = replace(answer.content);
    if (scrolls) changed.find((node) => node.matches(".ek"))?.scrollIntoView({ block: "nearest" });
    announce([count(answer.embeds.length), ...answer.problems.map(({ detail }) => detail)].join("\n"));
  } catch (error) {
    if (!signal.aborted) announce(`The article can't be updated right now. ${error.message}`);
  }
}

/** Replace only paragraphs that differ, so that other pictures don't load again. */
function replace(html) {
  const template = document.createElement("template");
  template.innerHTML = html; // from our own service, with the text escaped
  const old = [...article.children];
  const fresh = [...template.content.children];
  const wanted = sources(fresh);
  const shorter = Math.min(shown.length, wanted.length);
  let same = 0;
  while (same < shorter && shown[same] === wanted[same]) same++;
  let end = 0;
  while (end < shorter - same && shown.at(-1 - end) === wanted.at(-1 - end)) end++;
  const changed = fresh.slice(same, fresh.length - end);
  old.slice(same, old.length - end).forEach((node) => node.remove());
  changed.forEach((node) => article.insertBefore(node, old[old.length - end] ?? null));
  shown = wanted;
  document.dispatchEvent(new Event("embedkit:scan")); // for click-to-load
  return changed;
}

function count(pictures) {
  return pictures === 1 ? "The article has 1 picture." : `The article has ${pictures} pictures.`;
}

/** Update the status only if it has changed, so that it is announced once. */
function announce(words) {
  if (status.textContent !== words) status.textContent = words;
}

text.form.querySelector("button").hidden = true; // the article updates automatically
if (text.value === text.defaultValue) text.setSelectionRange(text.value.length, text.value.length);
else update(); // the browser has restored what was typed
text.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(update, PAUSE_MS);
});
document.querySelector("embedkit-picker").addEventListener("embedkit-select", ({ detail }) => {
  insert(detail.shortcode);
  update({ scrolls: true });
});
