/* The filters of a search: their names and values for the service, the row of controls, and scopes. */

import { button, element, icon, radio } from "./dom.js";
import { reference } from "./images.js";

const PANORAMA = "panoramic_horizontal,panoramic_vertical";
const COLORS = {
  red: "d92b2b", orange: "f08a24", yellow: "f4d03f", green: "3f9b4f", teal: "1f9e97", blue: "2f6fd0",
  purple: "7d4fb3", pink: "e77fa8", brown: "8a5a3c", black: "111111", grey: "8c8c8c", white: "ffffff",
};

const EDITORIAL = ["editorial"];
const NOT_EDITORIAL = ["all", "creative"];
const DAY_MS = 86_400_000;
const RANGE = "range"; // of dates, with two fields

/** Values that the service calls as the words do. */
const same = (...values) => Object.fromEntries(values.map((value) => [value, value]));

// By the key of words: the service's name, values by the key of words, and the families that have it, if not all do.
// A period is ours: the service has date_from and date_to.
const FILTERS = {
  family: { name: "family", values: same("all", "creative", "editorial") },
  show: { name: "show", values: { pictures: "", events: "events" }, families: EDITORIAL },
  orientation: {
    name: "orientations", values: { any: "", ...same("horizontal", "vertical", "square"), panoramic: PANORAMA },
  },
  people: { name: "number_of_people", values: { any: "", ...same("none", "one", "two", "group") } },
  color: { name: "color", values: { any: "", ...COLORS }, families: NOT_EDITORIAL },
  section: {
    name: "editorial_segments", families: EDITORIAL,
    values: { any: "", ...same("news", "sport", "entertainment", "archival") },
  },
  period: { name: "period", values: { any: "", day: "0", week: "7", month: "30", range: RANGE }, families: EDITORIAL },
  sort: { name: "sort_order", values: { best_match: "", ...same("most_popular", "newest", "oldest") } },
  nudity: { name: "exclude_nudity", families: NOT_EDITORIAL },
  rights: { name: "exclude_editorial_use_only", families: ["creative"] },
};
const OF_EVENTS = ["family", "show", "section", "period", "sort"];
const SWITCHES = ["nudity", "rights"];
const WIDE = ["nudity", "sort"]; // what is chosen in them leaves no picture out
const OLDEST = "oldest"; // an order of editorial pictures alone

export const NO_FILTERS = Object.freeze({
  family: "all", orientations: "", number_of_people: "", color: "", sort_order: "", exclude_nudity: true,
  show: "", editorial_segments: "", period: "", date_from: "", date_to: "", exclude_editorial_use_only: false,
});
/** Where to look, instead of everywhere: one of these is set, and about names it. */
export const NO_SCOPE = Object.freeze({
  artists: "", collection_codes: "", event_ids: "", similar: "", series: "", by_image: "", board: "", newest: "",
  about: "",
});
const ALONE = ["similar", "series", "by_image", "board", "newest"]; // narrowed by nothing, not even by words
export const NEWEST = { family: "editorial", sort_order: "newest" };

/** The name of the scope that is set; undefined for everywhere. */
export const scopeOf = (filters) => Object.keys(NO_SCOPE).find((name) => name !== "about" && filters[name]);

export const isAlone = (filters) => ALONE.includes(scopeOf(filters));

/** Whether the search of a family has a filter. */
const isOffered = ({ families }, family) => families?.includes(family) ?? true;

/** The first day of a period, or both ends of a range, by the service's names. */
function datesOf({ period, date_from, date_to }) {
  if (period && period !== RANGE) return { date_from: isoDay(Date.now() - Number(period) * DAY_MS) };
  return period ? { ...(date_from && { date_from }), ...(date_to && { date_to }) } : {};
}

/** The day where the editor is, in Swedish, which writes days as ISO 8601 does: in UTC it may be tomorrow. */
const isoDay = (time) => new Date(time).toLocaleDateString("sv");

/** What the service is asked with: where to look, and the filters that are set and that the family takes. */
export function activeFilters(filters) {
  const scope = scopeOf(filters);
  if (scope === "newest") return NEWEST;
  return { ...(!isAlone(filters) && narrowing(filters)), ...(scope && { [scope]: filters[scope] }) };
}

function narrowing(filters) {
  const values = active(filters).map(([, { name }]) => [name, filters[name]]);
  const { period, ...others } = Object.fromEntries(values);
  return period ? { ...others, ...datesOf(filters) } : others;
}

/** The filters that have a value and that the family takes, by their keys. */
function active(filters) {
  const isActive = ([key, filter]) => {
    const value = filters[filter.name];
    if (value === "" || !isOffered(filter, filters.family)) return false;
    if (key === "rights") return value; // that of nudity is always told
    return value !== OLDEST || filters.family === "editorial";
  };
  return Object.entries(FILTERS).filter(isActive);
}

const changed = (filters) => active(filters).filter(([, { name }]) => filters[name] !== NO_FILTERS[name]);

/** What leaves pictures out: in words, and what to set instead. @returns {{text: string, instead: object}[]} */
export function narrowedBy(filters, words) {
  const tell = ([key, { name, values = {} }]) => {
    const choice = Object.keys(values).find((one) => values[one] === filters[name]);
    return { text: words(choice ? `${key}_${choice}` : key), instead: { [name]: NO_FILTERS[name] } };
  };
  return changed(filters).filter(([key]) => !WIDE.includes(key)).map(tell);
}

/** A group of filters, and a button that shows the group where there is little room. */
export class FilterBar {
  #context;
  #controls;

  /** @param {Context} context */
  constructor(context) {
    const { words, config } = context;
    this.#context = context;
    this.#controls = Object.keys(FILTERS)
      .filter((key) => config.filters?.includes(key) ?? true)
      .map((key) => this.#control(key));
    this.toggle = button({
      class: "pill toggle", "aria-expanded": "false", "aria-controls": "filters", click: () => this.#toggle(),
    });
    this.scope = button({ class: "pill set scope", hidden: true, click: () => context.explorer.leave() });
    const clear = () => context.picker.unfilter();
    this.clear = button({ class: "link", hidden: true, click: clear }, words("filters_clear"));
    this.group = element(
      "div", { class: "filters", part: "filters", id: "filters", role: "group", "aria-label": words("filters") },
      this.#controls.map(({ node }) => node), this.clear,
    );
  }

  get nodes() {
    return [this.#controls.length > 0 && this.toggle, this.scope, this.group];
  }

  /** Offer boards to choose from. */
  showBoards(boards) {
    const { words } = this.#context;
    const select = element("select", {
      "aria-label": words("boards"), change: () => {
        const about = `${words("board")}: ${select.selectedOptions[0].label}`;
        this.#context.explorer.enter({ board: select.value, about });
        select.value = "";
      },
    }, new Option(words("boards"), ""), ...boards.map(({ id, name }) => new Option(name, id)));
    this.clear.before(element("span", { class: "pick pill boards" }, select, icon("down")));
  }

  update(filters, isReference = false) {
    this.#showScope(filters);
    this.toggle.hidden = this.group.hidden = isReference || isAlone(filters);
    for (const { key, node, show } of this.#controls) {
      const isDead = filters.show && filters.family === "editorial" && !OF_EVENTS.includes(key);
      node.hidden = isDead || !isOffered(FILTERS[key], filters.family);
      show(filters[FILTERS[key].name], filters);
    }
    const count = changed(filters).length;
    this.clear.hidden = count === 0;
    this.#label(count);
  }

  #showScope(filters) {
    const { words } = this.#context;
    const scope = scopeOf(filters);
    this.scope.hidden = !scope;
    this.scope.replaceChildren(
      element("span", { dir: "auto" }, filters.about || filters[scope] || ""),
      element("span", { class: "unseen" }, `: ${words("scope_leave")}`), icon("close"),
    );
  }

  #label(count) {
    const { words } = this.#context;
    const number = count > 0 && element("span", { class: "number", "aria-hidden": "true" }, words("{n}", { n: count }));
    this.toggle.replaceChildren(icon("filter"), words("filters"), number || "");
    this.toggle.ariaLabel = count ? words("filters_set", { n: count }) : null;
  }

  #toggle() {
    this.toggle.ariaExpanded = this.#context.frame.toggleAttribute("data-filters");
  }

  /** A control with its element, and show(value, filters). */
  #control(key) {
    const { name } = FILTERS[key];
    const change = ({ target }) => {
      this.#context.picker.filter({ [name]: target.type === "checkbox" ? target.checked : target.value });
    };
    if (key === "family") return this.#segments(key, change);
    if (SWITCHES.includes(key)) return this.#checkbox(key, change);
    if (key === "color") return this.#swatches(key, change);
    return key === "period" ? this.#period(key, change) : this.#select(key, change);
  }

  #segments(key, change) {
    const { words } = this.#context;
    const choices = Object.keys(FILTERS[key].values).map((value) => radio(key, value, false, words(`${key}_${value}`)));
    const legend = element("legend", { class: "unseen" }, words(key));
    const show = (value) => {
      for (const { firstChild: input } of choices) input.checked = input.value === value;
    };
    return { key, node: element("fieldset", { class: "segments", change }, legend, choices), show };
  }

  #checkbox(key, change) {
    const input = element("input", { type: "checkbox", change });
    const node = element("label", { class: "tick" }, input, this.#context.words(key));
    return { key, node, show: (value) => { input.checked = value; } };
  }

  /** Colors to choose from, and a field for any other. */
  #swatches(key, change) {
    const { words } = this.#context;
    const swatches = Object.entries(FILTERS[key].values).map(([name, value]) => {
      const node = radio(key, value, false, null, words(`${key}_${name}`));
      node.style.setProperty("--ek-dot", value ? `#${value}` : "transparent");
      return node;
    });
    const hex = element("input", {
      class: "hex", pattern: "#?[0-9A-Fa-f]{6}", maxlength: 7, placeholder: "#0B6B57", spellcheck: "false",
      "aria-label": words("color_hex"), change: (event) => {
        event.stopPropagation();
        if (hex.validity.valid) this.#context.picker.filter({ [key]: hex.value.replace("#", "").toLowerCase() });
      },
    });
    const summary = element("summary", { class: "pill" }, element("i"), words(key), icon("down"));
    const group = element("fieldset", { change }, element("legend", { class: "unseen" }, words(key)), swatches, hex);
    const node = element("details", {
      class: "color",
      focusout: ({ relatedTarget }) => node.contains(relatedTarget) || node.toggleAttribute("open", false),
      keydown: (event) => this.#closeSwatches(event, node, summary),
    }, summary, group);
    const show = (value) => {
      for (const { firstChild: input } of swatches) input.checked = input.value === value;
      hex.value = value && `#${value}`;
      summary.classList.toggle("set", value !== "");
      node.style.setProperty("--ek-dot", value ? `#${value}` : "transparent");
    };
    return { key, node, show };
  }

  #closeSwatches(event, node, summary) {
    if (event.key !== "Escape" || !node.open) return;
    event.preventDefault(); // a dialog around it stays
    event.stopPropagation();
    node.open = false;
    summary.focus();
  }

  /** A select, and two days for a range. */
  #period(key, change) {
    const { words } = this.#context;
    const { node: select, show } = this.#select(key, change);
    const days = ["date_from", "date_to"].map((name) => element("input", {
      type: "date", class: "pill", "aria-label": words(name),
      change: ({ target }) => this.#context.picker.filter({ [name]: target.value }),
    }));
    const range = element("span", { class: "range" }, days);
    return {
      key, node: element("span", { class: "range" }, select, range),
      show: (value, filters) => {
        show(value, filters);
        range.hidden = value !== RANGE;
        [days[0].value, days[1].value] = [filters.date_from, filters.date_to];
      },
    };
  }

  /** A select whose first choice has the name of the filter. */
  #select(key, change) {
    const { words } = this.#context;
    const { values } = FILTERS[key];
    const select = element("select", { "aria-label": words(key), change });
    const node = element("span", { class: `pick pill ${key}` }, select, icon("down"));
    const show = (value, { family }) => {
      const names = Object.keys(values).filter((name) => name !== OLDEST || family === "editorial");
      const label = (name) => words(name === "any" ? key : `${key}_${name}`);
      select.replaceChildren(...names.map((name) => new Option(label(name), values[name])));
      select.value = value;
      node.classList.toggle("set", select.value !== "");
    };
    return { key, node, show };
  }
}

/** From a picture to others: scopes, such as the pictures of an event, and the way back. */
export class Explorer {
  #context;
  #before = null; // {query, filters, index} of the search that a scope was entered from

  /** @param {Context} context */
  constructor(context) {
    this.#context = context;
  }

  /** Search in a scope, and act on what is found; leaving it leads back to what was searched before. */
  enter(scope, act = () => {}) {
    const { state: { filters, openIndex: index }, picker } = this.#context;
    if (!scopeOf(filters)) this.#before = { query: picker.query, filters: { ...filters }, index };
    return picker.searchThen(act, "", { ...NO_FILTERS, ...NO_SCOPE, ...scope });
  }

  async leave() {
    const { picker } = this.#context;
    const { query, filters, index } = this.#before ?? { query: "", filters: NO_FILTERS, index: 0 };
    await picker.searchThen(() => picker.focusResult(index), query, { ...NO_SCOPE, ...filters });
  }

  showNewest(index) {
    const { picker, words } = this.#context;
    return this.enter({ newest: "1", about: words("newest") }, () => picker.open(index));
  }

  /** Add a word to what is searched for. */
  refine(word) {
    const { picker } = this.#context;
    const phrase = picker.query;
    return picker.search(reference(phrase) ? word : `${phrase} ${word}`.trim());
  }
}
