/* The picker for pages and scripts: attributes, properties, methods, events and styles, for readers and TypeScript.
 *
 *   <script type="module" src="…/static/embedkit-picker.js"></script>
 *   <embedkit-picker endpoint="https://embeds.example.org" grant="…"></embedkit-picker>
 *
 *   import { EmbedKit } from "…/static/embedkit-picker.js";      // also the global EmbedKit
 *   const choice = await EmbedKit.open({ endpoint, grant });      // a dialog; null if nothing was chosen
 *
 * Styles: ::part(picker search filters tile details state footer button badge dialog field),
 *         --ek-accent --ek-on-accent --ek-gap --ek-row --ek-radius --ek-font
 */

/** The attributes of <embedkit-picker>, and the options of EmbedKit.open(), which writes page-size as pageSize. */
export interface PickerOptions {
  /** The URL of the service. By default, the service that these files come from. */
  endpoint?: string;
  /**
   * A grant that your server has got from POST /v1/grants, never a token. For EmbedKit.open() and as a property, also a
   * function that returns one. It is called if there is no grant, or if the last one has expired.
   */
  grant?: string | (() => string | Promise<string>);
  /** Instead of the function, a URL of your own server that returns {"grant": …}. */
  grantUrl?: string;
  /** The first search. */
  query?: string;
  /** A language tag such as pt-BR; by default, the page's language. */
  lang?: string;
  dir?: "ltr" | "rtl";
  theme?: "auto" | "light" | "dark";
  /** Whether several pictures can be chosen. */
  multiple?: boolean;
  /** The maximum number of pictures. */
  max?: number;
  /**
   * The filters to offer, separated by commas: type, show, orientation, people, color, section, period, sort, nudity,
   * rights. All by default.
   */
  filters?: string;
  /** The approximate number of tiles in a row. */
  columns?: number;
  /** Pictures per request, 30 by default. */
  pageSize?: number;
  compact?: boolean;
  autofocus?: boolean;
  /** The format of the value, shortcode by default. */
  output?: "shortcode" | "url" | "html" | "markdown" | "json";
  /** The name of the field in a form. A card shows the field's picture, and the picker opens in a dialog. */
  name?: string;
  /** The value of a field. For EmbedKit.open(), the shortcode of a picture to edit. */
  value?: string;
  required?: boolean;
  disabled?: boolean;
  /** Show that the pictures are samples. */
  sandbox?: boolean;
  /**
   * Whether this browser stores recent searches and pictures and, for the session, the last search with its filters and
   * position, and the insert options. On by default.
   */
  remember?: "on" | "off";
  /** Initial insert options, such as align=left&width=400&caption=getty&target=facade. */
  defaults?: string;
  /** Targets to choose from in addition to the service's default: "web facade" by default. "" offers no choice. */
  targets?: string;
  /** Whether the newest editorial pictures are shown before the first search. On by default. */
  newest?: "on" | "off";
  /** Whether more results load automatically while scrolling with a pointer. On by default. */
  autoload?: "on" | "off";
  /** Words that replace those in locales/<lang>.json. */
  i18n?: Record<string, string | Record<string, string> | string[]>;
}

/** A chosen picture. */
export interface Choice {
  id: string;
  title: string;
  caption: string;
  photographer: string;
  collection: string;
  credit: Credit;
  date: string | null;
  orientation: string;
  width: number;
  height: number;
  /** The alternative text that the editor has written, or the title. */
  alt: string;
  thumb: string | null;
  pageUrl: string;
  embeddable: boolean;
  shortcode: string;
  /** A short link for oEmbed consumers. */
  url: string;
  /**
   * For the target that the editor has chosen. This and the next two fields are null unless output needs markup (html,
   * markdown, json), as a shortcode or URL doesn't wait for a request.
   */
  html: string | null;
  markdown: string | null;
  /** For pages without our stylesheet. */
  oembed: string | null;
  /** The pictures, if there are several. */
  items?: Choice[];
}

export interface Credit {
  /** The whole credit, such as "Ada Berg / Moment / Getty Images". */
  line: string;
  photographer: string;
  collection: string;
  agency: string;
}

/** How a picture is embedded. */
export interface EmbedOptions {
  /** In pixels. */
  width?: number | string;
  /** A text, or true for Getty's caption. */
  caption?: string | true;
  /** left, center or right. */
  align?: string;
  /** The alternative text. */
  title?: string;
}

/** Filters of a search, as the service names them. */
export interface SearchFilters {
  family?: "all" | "creative" | "editorial";
  orientations?: string;
  number_of_people?: "" | "none" | "one" | "two" | "group";
  /** Six hexadecimal digits. */
  color?: string;
  sort_order?: "" | "most_popular" | "newest" | "oldest";
  /** For editorial pictures: news, sport, entertainment or archival. */
  editorial_segments?: string;
  /** For editorial pictures: the first day, such as 2026-09-12, and the last day. */
  date_from?: string;
  date_to?: string;
  exclude_editorial_use_only?: boolean;
  exclude_nudity?: boolean;
  /** Editorial events instead of pictures. */
  show?: "" | "events";
  /** Where to search instead of everywhere; set only one. A photographer's name, collection codes, event IDs. */
  artists?: string;
  collection_codes?: string;
  event_ids?: string;
  /** The same, without a query: the ID of a picture for similar ones or its series, or the ID of a board. */
  similar?: string;
  by_image?: string;
  series?: string;
  board?: string;
}

/** Events of the element. They bubble, even out of shadow trees. */
export interface PickerEvents {
  "embedkit-ready": CustomEvent<object>;
  "embedkit-search": CustomEvent<{ query: string; filters: SearchFilters; page: number }>;
  "embedkit-results": CustomEvent<{ query: string; total: number; page: number }>;
  "embedkit-focus": CustomEvent<{ id: string; title: string }>;
  /** A picture was chosen. Cancel the event to reject it. */
  "embedkit-select": CustomEvent<Choice & { value: string }>;
  /** The same, but within the click, as clipboards need it, and without markup. Cancel it if you only copy. */
  "embedkit-select-sync": CustomEvent<Choice>;
  "embedkit-cancel": CustomEvent<object>;
  /** retryAfter is in seconds. */
  "embedkit-error": CustomEvent<{ type: string; status: number; retryAfter: number | null }>;
  "embedkit-quota": CustomEvent<{ retryAfter: number | null }>;
}

/** The element. It has a property for each attribute, and these. */
export class EmbedKitPicker extends HTMLElement {
  i18n: PickerOptions["i18n"];
  grant: string | (() => string | Promise<string>);
  value: string;
  output: string;
  readonly language: string;
  readonly form: HTMLFormElement | null;
  readonly validity: ValidityState;
  checkValidity(): boolean;
  reportValidity(): boolean;
  /** Show the picker in a dialog. Resolves to the choice, or to null if it is canceled. */
  open(): Promise<Choice | null>;
  close(choice?: Choice | null): void;
  cancel(): void;
  /** Clear the search, filters, insert options and selection. */
  reset(): void;
  /** Search as if the query had been typed. Resolves when the results are shown. */
  search(query: string, filters?: SearchFilters): Promise<void>;
  addEventListener<K extends keyof PickerEvents>(
    type: K, listener: (event: PickerEvents[K]) => void, options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string, listener: EventListenerOrEventListenerObject, options?: boolean | AddEventListenerOptions,
  ): void;
}

export const EmbedKit: {
  /** Open a picker in a dialog. Resolves to the choice, or to null if it is canceled or already open. */
  open(options?: PickerOptions): Promise<Choice | null>;
};

/** Return the shortcode of a picture. */
export function shortcode(id: string, options?: EmbedOptions & { target?: string }): string;

/** Return the picture reference in a text, or "" if it is a search. */
export function reference(text: string): string;

/** Break tiles into rows as wide as the space, in pixels. Ratios are width divided by height. */
export function justify(
  ratios: number[], space: number, target: number, gap: number,
): { width: number; height: number }[][];

declare global {
  interface HTMLElementTagNameMap {
    "embedkit-picker": EmbedKitPicker;
  }
}
