// Code that the editors share: reading the shortcode of a Getty picture, its preview, and the picker.

const SHORTCODE = /^\[getty\b(?=[^[\]]*\d)(?:"[^"\]]*"|[^[\]"])*\]$|^\[getty\b[^[\]]*\][\w,-]*\d[\w,-]*\[\/getty\]$/;
const REFERENCES = [
  /^(?:https?:)?(?:\/\/)?(?:www\.)?gty\.im\/([\w,-]*\d[\w,-]*)\/?(?:[?#]\S*)?$/i,
  /^(?:https?:)?(?:\/\/)?(?:www\.)?gettyimages\.[a-z.]+\/detail\/(?:[^\s?#]*\/)?([\w-]*\d[\w-]*)(?:[?#]\S*)?$/i,
  /^<(?=.*\bgie\.widgets\b)[^]*\bitems:\s*['"]([\w,-]+)['"][^]*>$/s, // embed code with a script
  /^<(?:iframe|div)\b[^]*\/\/embed\.gettyimages\.com\/embed\/([\w,-]+)[^]*>$/i, // and older embed code
];
const ATTRIBUTE = /(\w+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s\]]+))/g;
const SIDES = { left: 'left', center: 'centre', right: 'right' };
const MAX_REFS = 100; // per request
const RENEW_MS = 60_000; // how often an open document checks for withdrawn pictures
const PROBLEMS = {
  'not-found': 'This picture is no longer available.',
  'not-embeddable': 'This picture may not be embedded.',
  unsupported: 'There is no such picture.',
};
const UNREACHABLE = 'The picture can’t be shown at the moment.';

/** Return the shortcode if a text consists of one; else "". */
export function shortcodeIn(text) {
  const tag = text.trim();
  return SHORTCODE.test(tag) ? tag : '';
}

/** Like shortcodeIn, for pasted text: also accepts a single link, or Getty's embed code. */
export function pastedShortcode(text) {
  const pasted = text.trim();
  const [id] = REFERENCES.map((pattern) => pattern.exec(pasted)?.[1]).filter(Boolean);
  return id ? `[getty ${id}]` : shortcodeIn(pasted);
}

/** @returns {{id: string, width?: string, align?: string, caption?: string, title?: string, alt?: string}} */
export function optionsOf(shortcode) {
  const [, inside, enclosed = ''] = /^\[getty\b([^\]]*)\]([\w,-]*)/.exec(shortcode);
  const named = [...inside.matchAll(ATTRIBUTE)].map(([, name, ...values]) =>
    [name, values.find((value) => value !== undefined).replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(code))]);
  const bare = inside.replace(ATTRIBUTE, '').trim();
  return { id: enclosed || bare, ...Object.fromEntries(named.map(([name, value]) => [name === 'src' ? 'id' : name, value])) };
}

/** Create an element; its text is never parsed as markup. */
function element(tag, attributes, ...children) {
  const node = Object.assign(document.createElement(tag), attributes);
  node.append(...children.filter(Boolean));
  return node;
}

/** The pictures in a page, from one service. */
export class GettyPictures {
  #service;
  #grant;
  #records = new Map(); // promises, by ID
  #waiting = []; // to be requested together
  #previews = new Map(); // what each preview shows, by node

  /** @param {string} service - its URL @param {string} grant - from POST /v1/grants; never a token */
  constructor(service, grant) {
    this.#service = service;
    this.#grant = grant;
    setInterval(() => this.#renew(), RENEW_MS);
  }

  /** Choose pictures, or edit one. @returns {Promise<string>} shortcodes, separated by blank lines; or "" */
  async choose(shortcode = '') {
    const { EmbedKit } = await import(`${this.#service}/static/embedkit-picker.js`);
    const options = { endpoint: this.#service, grant: this.#grant, value: shortcode, multiple: !shortcode };
    const choice = await EmbedKit.open(options);
    return choice?.shortcode ?? '';
  }

  /** Return the preview of a shortcode: text at first, then the picture as soon as it is known. */
  preview(shortcode) {
    const node = element('div', { className: 'getty-preview' }, element('code', {}, shortcode));
    this.#show(node, shortcode);
    return node;
  }

  async #show(node, shortcode) {
    const options = optionsOf(shortcode);
    const record = await this.#record(options.id);
    const shown = JSON.stringify(record);
    const before = this.#previews.get(node)?.shown;
    if (before && (before === shown || record.problem === UNREACHABLE)) return;
    this.#previews.set(node, { shortcode, shown });
    node.replaceChildren(...partsOf(record, options, shortcode));
  }

  /** Check for pictures that were withdrawn while the document was open. */
  #renew() {
    this.#records.clear();
    for (const [node, { shortcode }] of this.#previews) {
      if (node.isConnected) this.#show(node, shortcode);
      else this.#previews.delete(node);
    }
  }

  /** Return the service's record of a picture, or {problem} if there isn't one. */
  #record(id) {
    if (!this.#records.has(id)) {
      if (!this.#waiting.length) setTimeout(() => this.#askAll());
      this.#records.set(id, new Promise((resolve) => { this.#waiting.push({ id, resolve }); }));
    }
    return this.#records.get(id);
  }

  #askAll() {
    while (this.#waiting.length) this.#ask(this.#waiting.splice(0, MAX_REFS));
  }

  async #ask(batch) {
    const found = await this.#fetch(batch.map(({ id }) => id)).catch(() => []);
    batch.forEach(({ id, resolve }, index) => {
      const record = found[index] ?? { error: {} };
      const problem = record.error && (PROBLEMS[record.error.code] ?? UNREACHABLE);
      if (problem === UNREACHABLE) this.#records.delete(id); // the next preview asks again
      resolve({ ...record, problem });
    });
  }

  async #fetch(refs) {
    const headers = { 'Content-Type': 'application/json' };
    const response = await fetch(`${this.#service}/v1/embeds`, { method: 'POST', headers, body: JSON.stringify({ refs }) });
    return (await response.json()).embeds ?? [];
  }
}

function partsOf(record, options, shortcode) {
  if (record.problem) return [element('p', { role: 'note' }, record.problem), element('code', {}, shortcode)];
  const { photographer, collection, thumbnail_url: src, title } = record;
  const words = { true: record.caption, false: '' }[options.caption] ?? options.caption;
  const credit = [...new Set([photographer, collection, 'Getty Images'])].filter(Boolean).join(' / ');
  const layout = [options.width && `${options.width} px wide`, SIDES[options.align]].filter(Boolean).join(', ');
  return [
    /^https?:/.test(src) && element('img', { src, alt: options.title ?? options.alt ?? title, draggable: false }),
    words && element('p', {}, words),
    element('p', { className: 'credit' }, credit),
    layout && element('p', { className: 'layout' }, layout),
  ].filter(Boolean);
}
