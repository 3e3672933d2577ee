/* Pictures as values: checked when they arrive, named in text, described when they are handed over. */

export const MAX_CAPTION_CHARS = 900;
const AGENCY = "Getty Images";

// Of one picture, or of up to five for a slideshow.
const ID = /^[0-9A-Za-z-]{1,24}(?:,[0-9A-Za-z-]{1,24}){0,4}$/;
const NAMED_ID = /^(?:id\s*:|#)\s*(?=\S*\d)([\w-]+(?:\s*,\s*[\w-]+)*)$/;
// IDs, also such as a0075-000067a; URLs, also without a scheme; a shortcode; embed code.
const REFERENCES = [
  /^\d{5,24}(?:\s*,\s*\d{5,24}){0,4}$/,
  /^[a-z]?\d{3,}-\d{3,}\w?$/i,
  /^(?:https?:)?\/\/\S+$/i,
  /^(?:www\.)?(?:gty\.im|gettyimages\.\S+?)\/\S+$/i,
  /^\[getty\b/i,
  /<[a-z]|gie\.widgets/i,
];
const SWITCH = /^(?:true|yes|on|false|no|off)$/i; // what a caption is read as that is not a text
const SPECIAL = /[\\[\]`&<>"']|\0./g; // read by shortcodes, HTML or Markdown; or any character after NUL

export function asText(value) {
  return typeof value === "string" ? value : "";
}

/** An absolute URL on http or https; "" for others: a javascript: URL of an answer must not become a link. */
export function httpUrl(value, base = document.baseURI) {
  const url = asText(value) && URL.parse(value, base);
  return url && /^https?:$/.test(url.protocol) ? url.href : "";
}

function sizeFrom(value) {
  const url = httpUrl(value?.url);
  return url ? { url, width: Number(value.width) || 0, height: Number(value.height) || 0 } : null;
}

function textsFrom(values) {
  return Array.isArray(values) ? values.map(asText).filter(Boolean) : [];
}

function creditFrom({ line, photographer, collection, agency }) {
  return {
    line: asText(line), photographer: asText(photographer), collection: asText(collection), agency: asText(agency),
  };
}

function orientationOf(width, height) {
  if (width === height) return "square";
  return width > height ? "horizontal" : "vertical";
}

/** Check a picture of /v1/search. @returns {Picture|undefined} undefined if its ID is not one */
export function pictureFromSearch(raw) {
  if (!ID.test(asText(raw?.id))) return undefined;
  const preview = sizeFrom(raw.preview);
  const thumb = sizeFrom(raw.thumb) ?? preview;
  const width = Number(raw.width) || thumb?.width || 3;
  const height = Number(raw.height) || thumb?.height || 2;
  return {
    id: raw.id,
    title: asText(raw.title),
    caption: asText(raw.caption),
    photographer: asText(raw.photographer),
    collection: asText(raw.collection),
    date: asText(raw.date_created) || null,
    family: asText(raw.family),
    orientation: asText(raw.orientation) || orientationOf(width, height),
    width,
    height,
    thumb,
    preview: preview ?? thumb,
    pageUrl: httpUrl(raw.page_url),
    restrictions: textsFrom(raw.restrictions),
    keywords: textsFrom(raw.keywords),
    collectionCode: asText(raw.collection_code),
    eventId: Number(raw.event_ids?.[0]) || 0,
    isPartial: false,
    event: 0,
    credit: creditFrom(raw.credit ?? {}),
  };
}

/** An event as what is shown in place of a picture: it leads to those of the event. @returns {Picture|undefined} */
export function pictureFromEvent(raw, words) {
  const { id, name, image_count: count, city, country, start_date: date } = raw ?? {};
  const about = [words.date(date), count > 0 && words("event_pictures", { n: count }), city, country];
  const picture = pictureFromSearch({ id: `event-${id}`, title: name, thumb: raw?.thumb });
  return picture && { ...picture, photographer: about.filter(Boolean).join(" · "), event: id };
}

/** Check a record of /v1/embeds, which knows less of a picture. @returns {Picture|undefined} */
export function pictureFromRecord(record) {
  const { photographer, collection } = record;
  const line = [...new Set([photographer, collection, AGENCY])].filter(Boolean).join(" / ");
  const picture = pictureFromSearch({
    ...record,
    id: record.ref,
    thumb: { url: record.thumbnail_url, width: record.thumbnail_width, height: record.thumbnail_height },
    credit: { line, photographer, collection, agency: AGENCY },
  });
  return picture && { ...picture, isPartial: !picture.id.includes(",") };
}

export function titleOf({ title, id }, words) {
  return title || words("untitled", { id });
}

/** What the picture may not be used for, in a sentence; "" if nothing is known. */
export function rightsOf({ restrictions, family }, words) {
  return restrictions.join(" ") || (family === "editorial" ? words("editorial_only") : "");
}

/** What a text names, as the service understands it; "" for words to search for. */
export function reference(text) {
  const named = NAMED_ID.exec(text);
  if (named) return named[1];
  return REFERENCES.some((pattern) => pattern.test(text)) ? text : "";
}

/**
 * Write a shortcode exactly as embedkit.shortcodes.format does: what is empty is left out.
 *
 * @param {string} id @param {EmbedOptions & {target?: string}} [options]
 */
export function shortcode(id, { width, caption, align, title, target } = {}) {
  const attributes = Object.entries({ width, caption, align, title, target }).filter(([, value]) => value);
  if (!attributes.length) return `[getty ${id}]`;
  return `[getty src="${id}"${attributes.map(([name, value]) => ` ${name}="${escapeValue(name, value)}"`).join("")}]`;
}

function escapeValue(name, value) {
  const line = String(value).replace(/\s+/g, " ").trim();
  const looksLikeSwitch = name === "caption" && value !== true && SWITCH.test(line);
  const marked = looksLikeSwitch ? `\0${line}` : line; // its first letter is escaped, so that it stays a text
  return marked.replace(SPECIAL, (match) => `&#${match.charCodeAt(match.length - 1)};`);
}

/**
 * Read what shortcode() has written, by itself or in the value of output=json.
 *
 * @returns {(Partial<Edits> & {id: string})|null} null for other values, such as URLs
 */
export function editsFrom(value) {
  const inJson = /"shortcode":("(?:[^"\\]|\\.)*")/.exec(value);
  const tag = inJson ? JSON.parse(inJson[1]) : value;
  const [, id] = /^\[getty (?:src=")?([\w,-]+)/.exec(tag) ?? [];
  if (!id) return null;
  const attributes = [...tag.matchAll(/ (\w+)="([^"]*)"/g)].map(([, name, text]) => [name, unescapeValue(text)]);
  const { width = "", align = "", title: alt = null, target = "", caption } = Object.fromEntries(attributes);
  return { id, width, align, alt, target, ...captionFrom(caption) };
}

function captionFrom(text) {
  if (!text) return { caption: "none" };
  return text === "true" ? { caption: "getty" } : { caption: "own", words: text };
}

const unescapeValue = (text) => text.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(code));

/** @returns {EmbedOptions} */
export function embedOptions({ caption }, edits) {
  const captions = { getty: true, own: edits.words ?? caption.slice(0, MAX_CAPTION_CHARS) };
  return {
    width: Number(edits.width) || undefined,
    caption: captions[edits.caption] || undefined,
    align: edits.align || undefined,
    title: edits.alt || undefined,
  };
}

/** @returns {Choice} without markup */
export function choiceOf(picture, edits) {
  const { id, title, caption, photographer, collection, date, orientation, width, height, pageUrl } = picture;
  const options = embedOptions(picture, edits);
  return {
    id, title, caption, photographer, credit: { ...picture.credit }, collection, date, orientation, width, height,
    alt: options.title ?? title, thumb: picture.thumb?.url ?? null, pageUrl, embeddable: true,
    shortcode: shortcode(id, { ...options, target: edits.target }), url: `https://gty.im/${id}`,
    html: null, markdown: null, oembed: null,
  };
}

/** Several choices as one: texts are joined, everything else is that of the first. */
export function joinChoices(choices) {
  const join = (name, separator) =>
    choices.some((choice) => choice[name] === null) ? null : choices.map((choice) => choice[name]).join(separator);
  return {
    ...choices[0],
    id: join("id", ","),
    shortcode: join("shortcode", "\n\n"),
    url: join("url", "\n"),
    html: join("html", "\n"),
    markdown: join("markdown", "\n\n"),
    oembed: join("oembed", "\n"),
    items: choices.map((choice) => ({ ...choice })),
  };
}

export function slideshowOf(pictures, words) {
  const [first, ...others] = pictures;
  const title = words("slideshow_title", { title: first.title || first.id, n: others.length });
  return { ...first, id: pictures.map(({ id }) => id).join(","), title, caption: "" };
}
