/* What the picker says, in the reader's language, and how it looks: files that are fetched once for all pickers. */

/** Where embedkit-picker.js, the stylesheet and locales are. */
export const FILES_URL = new URL("..", import.meta.url);

const LANGUAGES = ["en", "de", "fr", "es", "pt-BR", "ja", "ar"];

/** Every picker adopts it; loadStyle() fills it. */
export const STYLE = new CSSStyleSheet();

const texts = new Map(); // promises by name

/** A file's text; null if it can't be had, and then it is asked for again next time. */
function fetchText(name) {
  if (!texts.has(name)) {
    const text = fetch(new URL(name, FILES_URL)).then((response) => (response.ok ? response.text() : null), () => null);
    text.then((found) => found ?? texts.delete(name));
    texts.set(name, text);
  }
  return texts.get(name);
}

export async function loadStyle() {
  const rules = await fetchText("embedkit-picker.css");
  if (rules && !STYLE.cssRules.length) STYLE.replaceSync(rules);
}

/** Our language for a tag such as de-AT or pt: its first part counts. */
function nearestLanguage(tag) {
  const base = (name) => name.toLowerCase().split("-")[0];
  return LANGUAGES.find((language) => base(language) === base(tag)) ?? "en";
}

async function fetchTable(language) {
  const text = await fetchText(`locales/${language}.json`);
  return text && JSON.parse(text);
}

/**
 * @param {string} tag - such as de-AT
 * @param {object} [overrides] - words of the page instead of ours
 * @returns {Promise<Words>} English if there are no others
 */
export async function loadWords(tag, overrides = {}) {
  const wanted = nearestLanguage(tag);
  const found = await fetchTable(wanted);
  const language = found ? wanted : "en";
  const table = { ...(found ?? (await fetchTable("en"))), ...overrides };
  return Object.assign(translator(table, language), {
    language,
    isRightToLeft: table.direction === "rtl",
    date: dateFormatter(language),
    list: (key) => [table[key] ?? []].flat(),
  });
}

function translator(table, language) {
  const plurals = new Intl.PluralRules(language);
  const numbers = new Intl.NumberFormat(language);
  const choosePlural = (forms, values) => forms[plurals.select(values.n ?? values.total ?? 0)] ?? forms.other;
  const write = (value) => (typeof value === "number" ? numbers.format(value) : value);
  return (key, values = {}) => {
    const entry = table[key] ?? key;
    const sentence = typeof entry === "object" ? choosePlural(entry, values) : entry;
    return String(sentence).replace(/\{(\w+)\}/g, (hole, name) => write(values[name]) ?? hole);
  };
}

/** Pictures have days, whatever the reader's time zone. */
function dateFormatter(language) {
  const days = new Intl.DateTimeFormat(language, { dateStyle: "long", timeZone: "UTC" });
  return (value) => {
    const time = Date.parse(value ?? "");
    return Number.isNaN(time) ? "" : days.format(time);
  };
}
