/* The picker for pages and scripts: attributes, properties, methods, events, styles. For readers, and for TypeScript.
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
  /** The URL of the service; by default these files come from it. */
  endpoint?: string;
  /**
   * What POST /v1/grants has given to your server: never a token. Or, for EmbedKit.open() and as a property, a function
   * that gets one: it is called whenever there is none, or when the last one has run out.
   */
  grant?: string | (() => string | Promise<string>);
  /** Instead of the function: a URL of your own server that answers {"grant": …}. */
  grantUrl?: string;
  /** What to search for at first. */
  query?: string;
  /** A language tag such as pt-BR; by default that of the page. */
  lang?: string;
  dir?: "ltr" | "rtl";
  theme?: "auto" | "light" | "dark";
  /** Whether several pictures can be chosen. */
  multiple?: boolean;
  /** How many, at most. */
  max?: number;
  /**
   * Which filters are offered, with commas: type, show, orientation, people, color, section, period, sort, nudity,
   * rights.
   */
  filters?: string;
  /** About how many tiles make a row. */
  columns?: number;
  /** Pictures of one request, 30 by default. */
  pageSize?: number;
  compact?: boolean;
  autofocus?: boolean;
  /** What the value is: shortcode by default. */
  output?: "shortcode" | "url" | "html" | "markdown" | "json";
  /** In a form: the name that the value is sent under. A card shows the picture, and the picker is in a dialog. */
  name?: string;
  /** Of a field; for EmbedKit.open(), the shortcode of a picture to edit. */
  value?: string;
  required?: boolean;
  disabled?: boolean;
  /** Say that the pictures are samples. */
  sandbox?: boolean;
  /**
   * Whether this browser keeps recent searches and pictures, and, for its session, the last search, its filters and
   * place, and how pictures were inserted: on by default.
   */
  remember?: "on" | "off";
  /** How pictures are inserted until somebody chooses otherwise: align=left&width=400&caption=getty&target=facade. */
  defaults?: string;
  /** Targets to choose from, beside the service's own: "web facade" by default. "" offers no choice. */
  targets?: string;
  /** Whether the newest editorial pictures are shown before anything is searched: on by default. */
  newest?: "on" | "off";
  /** Whether pointer users see more results without asking: on by default. */
  autoload?: "on" | "off";
  /** Words instead of those of locales/<lang>.json. */
  i18n?: Record<string, string | Record<string, string> | string[]>;
}

/** What the page is given for a picture. */
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
  /** What the editor has written, or the title. */
  alt: string;
  thumb: string | null;
  pageUrl: string;
  embeddable: boolean;
  shortcode: string;
  /** A short link, which oEmbed consumers understand. */
  url: string;
  /**
   * Of the form that the editor has chosen. Null, as are the next two, unless output asks for markup (html, markdown,
   * json): a shortcode or a URL waits for nothing.
   */
  html: string | null;
  markdown: string | null;
  /** For pages without our stylesheet. */
  oembed: string | null;
  /** Each of several. */
  items?: Choice[];
}

export interface Credit {
  /** All of it, such as "Ada Berg / Moment / Getty Images". */
  line: string;
  photographer: string;
  collection: string;
  agency: string;
}

/** How a picture is embedded. */
export interface EmbedOptions {
  /** In pixels. */
  width?: number | string;
  /** A text, or true for Getty's own. */
  caption?: string | true;
  /** left, center or right. */
  align?: string;
  /** The alternative text. */
  title?: string;
}

/** Filters of a search, by the service's names. */
export interface SearchFilters {
  family?: "all" | "creative" | "editorial";
  orientations?: string;
  number_of_people?: "" | "none" | "one" | "two" | "group";
  /** Six hexadecimal digits. */
  color?: string;
  sort_order?: "" | "most_popular" | "newest" | "oldest";
  /** Editorial pictures: news, sport, entertainment or archival. */
  editorial_segments?: string;
  /** Editorial pictures: from that day on, such as 2026-09-12, and up to that day. */
  date_from?: string;
  date_to?: string;
  exclude_editorial_use_only?: boolean;
  exclude_nudity?: boolean;
  /** Editorial: events instead of pictures. */
  show?: "" | "events";
  /** Where to look instead of everywhere, one of these: a photographer's name, codes of collections, IDs of events. */
  artists?: string;
  collection_codes?: string;
  event_ids?: string;
  /** The same, without words: the ID of a picture that others are like, or are of one series with; of a board. */
  similar?: string;
  by_image?: string;
  series?: string;
  board?: string;
}

/** Events of the element. They bubble, out of shadow trees as well. */
export interface PickerEvents {
  "embedkit-ready": CustomEvent<object>;
  "embedkit-search": CustomEvent<{ query: string; filters: SearchFilters; page: number }>;
  "embedkit-results": CustomEvent<{ query: string; total: number; page: number }>;
  "embedkit-focus": CustomEvent<{ id: string; title: string }>;
  /** Something was chosen. Cancel the event to refuse it. */
  "embedkit-select": CustomEvent<Choice & { value: string }>;
  /** The same within the click, as clipboards need it: without markup. Cancel it if copying is all there is to do. */
  "embedkit-select-sync": CustomEvent<Choice>;
  "embedkit-cancel": CustomEvent<object>;
  /** retryAfter is in seconds. */
  "embedkit-error": CustomEvent<{ type: string; status: number; retryAfter: number | null }>;
  "embedkit-quota": CustomEvent<{ retryAfter: number | null }>;
}

/** The element. Its properties are its attributes, and these. */
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
  /** Show it as a dialog. Resolves to the choice, to null if it is cancelled. */
  open(): Promise<Choice | null>;
  close(choice?: Choice | null): void;
  cancel(): void;
  /** Start anew: nothing searched, filtered, edited or selected. */
  reset(): void;
  /** Search as if it had been typed. Resolves once there is an answer. */
  search(query: string, filters?: SearchFilters): Promise<void>;
  addEventListener<K extends keyof PickerEvents>(
    type: K, listener: (event: PickerEvents[K]) => void, options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string, listener: EventListenerOrEventListenerObject, options?: boolean | AddEventListenerOptions,
  ): void;
}

export const EmbedKit: {
  /** Open a picker in a dialog of its own. Resolves to the choice, to null if nothing was chosen, or if one is open. */
  open(options?: PickerOptions): Promise<Choice | null>;
};

/** Write the shortcode of a picture. */
export function shortcode(id: string, options?: EmbedOptions & { target?: string }): string;

/** The reference in a text that names a picture; "" for words to search for. */
export function reference(text: string): string;

/** Rows of tiles as wide as the space, all in pixels; ratios are width by height. */
export function justify(
  ratios: number[], space: number, target: number, gap: number,
): { width: number; height: number }[][];

declare global {
  interface HTMLElementTagNameMap {
    "embedkit-picker": EmbedKitPicker;
  }
}
