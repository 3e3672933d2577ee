/* Shapes that the modules share, for readers and TypeScript (tests/browser/picker/test_types.py). Browsers don't load this
 * file.
 */

import type { PickerConfig, PickerState, Service, ServiceError } from "./model.js";
import type { FilterBar, Finder, SearchBox } from "./search.js";
import type { Chooser, DetailsPane } from "./details.js";
import type { Announcer, KeyHelp, LoadMore, Messages, ResultsGrid } from "./results.js";
import type { Picker } from "./element.js";
import type { Choice, Credit } from "../embedkit-picker.js";

export type { Choice, Credit, EmbedOptions } from "../embedkit-picker.js";

/** The picker's words in one language. */
export interface Words {
  /**
   * Return a sentence of locales/en.json in this language with its placeholders filled in. Numbers are formatted, and n
   * or total selects the plural. An unknown key is returned unchanged.
   */
  (key: string, values?: Record<string, any>): string;
  language: string;
  isRightToLeft: boolean;
  /** Format a day; "" if the value is not a date. */
  date(value: string | null): string;
  /** A list of sentences. */
  list(key: string): string[];
}

/** Kept when the language changes. */
export interface Session {
  state: PickerState;
  config: PickerConfig;
  service: Service;
  /** Dispatch an event of the element, such as "results"; false if a listener has canceled it. */
  emit(name: string, detail?: object, isCancelable?: boolean): boolean;
}

/** Shared by all parts of a picker, which find each other here. */
export interface Context extends Session, Parts {
  words: Words;
  announcer: Announcer;
  isRightToLeft: boolean;
  /** The element around all parts. */
  frame: HTMLElement;
  /** Ends when the picker is replaced or removed. */
  lifetime: AbortController;
  signal: AbortSignal;
  host: Host;
  picker: Picker;
  finder: Finder;
  chooser: Chooser;
}

/** What a picker and a card ask of their element. */
export interface Host {
  /** Take a choice; false if a listener rejects it. */
  accept(choice: Choice): boolean;
  cancel(): void;
  open(): void;
  /** Open the details of the picture in the value. */
  edit(): void;
  clear(): void;
}

/** A picture. Unknown texts are "". */
export interface Picture {
  id: string;
  title: string;
  caption: string;
  photographer: string;
  collection: string;
  /** ISO 8601. */
  date: string | null;
  /** creative or editorial. */
  family: string;
  orientation: string;
  /** Width and height of the original, in pixels. */
  width: number;
  height: number;
  thumb: Size | null;
  preview: Size | null;
  /** The picture's page at Getty Images. */
  pageUrl: string;
  restrictions: string[];
  keywords: string[];
  /** "" if unknown. */
  collectionCode: string;
  /** 0 if there is none. */
  eventId: number;
  /** True if restrictions, keywords, event and collection code are not known yet. */
  isPartial?: boolean;
  /** The ID of an event that is shown as a tile. */
  event?: number;
  credit: Credit;
}

/** An image file. Width and height are in pixels, 0 if unknown. */
export interface Size {
  url: string;
  width: number;
  height: number;
}

/** An editor's options for one picture. Null means unchanged. */
export interface Edits {
  alt: string | null;
  /** "", left, center or right. */
  align: string;
  /** In pixels, or "". */
  width: string;
  /** none, getty or own. */
  caption: string;
  /** The text of a custom caption. */
  words: string | null;
  /** The target, such as facade; "" for the service's default. */
  target: string;
}

/** A page of results. */
export interface Results {
  total: number;
  pageSize?: number;
  images: Picture[];
  /** Other searches. */
  related: string[];
  /** The language of the texts; "" if unknown. */
  language?: string;
  /** Searches that the service allows per day, and how many are left; 0 without a limit. */
  budget?: number;
  budgetLeft?: number;
  /** The error because of which this page is outdated. */
  stale?: ServiceError;
}

/** A search and its results so far. */
export interface CurrentSearch {
  /** Equal for equal searches; null if the search may be repeated. */
  key: string | null;
  query: string;
  filters: Record<string, any>;
  /** The query, or the label of the scope. */
  title: string;
  /** The last page that is shown, from 1. */
  page: number;
  total: number;
  hasMore: boolean;
  isLoading: boolean;
  /** Whether the query is a reference to pictures. */
  isReference: boolean;
  abort: AbortController;
  /** Resolves when the first page is shown. */
  done?: Promise<void>;
  /** Resolves when the next page is shown. */
  next?: Promise<void>;
}

/** The visible parts. */
export interface Parts {
  main: HTMLElement;
  count: HTMLElement;
  searchBox: SearchBox;
  filterBar: FilterBar;
  messages: Messages;
  grid: ResultsGrid;
  loadMore: LoadMore;
  details: DetailsPane;
  keyHelp: KeyHelp;
}
