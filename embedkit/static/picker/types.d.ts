/* Shapes that the modules share, for readers and for TypeScript's check (tests/browser/picker/test_modules.py). Browsers do not
 * load this file.
 */

import type { PickerConfig, PickerState } from "./state.js";
import type { Service, ServiceError } from "./service.js";
import type { Announcer, KeyHelp, LoadMore, Messages } from "./messages.js";
import type { DetailsPane } from "./details.js";
import type { Explorer, FilterBar } from "./filters.js";
import type { Chooser, SelectionBar } from "./insertion.js";
import type { Picker } from "./picker.js";
import type { ResultsGrid } from "./results.js";
import type { Finder, SearchBox } from "./search.js";
import type { Choice, Credit } from "../embedkit-picker.js";

export type { Choice, Credit, EmbedOptions } from "../embedkit-picker.js";

/** What the picker says in one language. */
export interface Words {
  /**
   * A sentence of locales/en.json in this language, its holes filled: numbers are written as is usual, n or total
   * chooses a plural. A key without words is returned as it is.
   */
  (key: string, values?: Record<string, any>): string;
  language: string;
  isRightToLeft: boolean;
  /** A day as it is usually written; "" for what is not a date. */
  date(value: string | null): string;
  /** A list of sentences. */
  list(key: string): string[];
}

/** What outlasts a change of language. */
export interface Session {
  state: PickerState;
  config: PickerConfig;
  service: Service;
  /** Dispatch an event of the element, such as "results"; false if a listener has cancelled it. */
  emit(name: string, detail?: object, isCancelable?: boolean): boolean;
}

/** What all parts of one picker share, and by which they know each other. */
export interface Context extends Session {
  words: Words;
  announcer: Announcer;
  isRightToLeft: boolean;
  /** Around all of it. */
  frame: HTMLElement;
  /** Aborts when the picker is left for another, or for good. */
  signal: AbortSignal;
  host: Host;
  parts: Parts;
  picker: Picker;
  finder: Finder;
  explorer: Explorer;
  chooser: Chooser;
}

/** The element around a picker. */
export interface Host {
  /** Take a choice; false if a listener objects. */
  accept(choice: Choice): boolean;
  cancel(): void;
}

/** A picture that the service knows. Texts are "" if unknown. */
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
  /** Of the original, in pixels, as is height. */
  width: number;
  height: number;
  thumb: Size | null;
  preview: Size | null;
  /** At Getty Images. */
  pageUrl: string;
  restrictions: string[];
  keywords: string[];
  /** "" if unknown. */
  collectionCode: string;
  /** 0 if there is none. */
  eventId: number;
  /** Whether only its record is known, without restrictions, keywords, event and collection code. */
  isPartial: boolean;
  /** The ID of an event that is shown in place of a picture; 0 for pictures. */
  event: number;
  credit: Credit;
}

/** A file of a picture, in pixels; 0 if unknown. */
export interface Size {
  url: string;
  width: number;
  height: number;
}

/** What an editor has set for one picture; null is "as it came". */
export interface Edits {
  alt: string | null;
  /** "", left, center or right. */
  align: string;
  /** In pixels, or "". */
  width: string;
  /** none, getty or own. */
  caption: string;
  /** Of an own caption. */
  words: string | null;
  /** The form of the embed, such as facade; "" for the service's default. */
  target: string;
}

/** A page of results. */
export interface Results {
  total: number;
  pageSize: number;
  images: Picture[];
  /** Other searches. */
  related: string[];
  /** Of the texts; "" if unknown. */
  language: string;
  /** Searches that the service allows in a day, and how many are left; 0 without a limit. */
  budget?: number;
  budgetLeft?: number;
  /** Why this is an older answer. */
  stale?: ServiceError;
}

/** One search and what is shown of it. */
export interface CurrentSearch {
  /** What makes another search the same; null if it may be made again. */
  key: string | null;
  query: string;
  filters: Record<string, any>;
  /** What it is called: the query, or where it looks. */
  title: string;
  /** The last one that is shown, from 1. */
  page: number;
  total: number;
  hasMore: boolean;
  isLoading: boolean;
  /** Whether the query named pictures, instead of words to look for. */
  isReference: boolean;
  abort: AbortController;
  /** Until its first page is shown. */
  done: Promise<void>;
  /** Until a further page is shown, if one has been asked for. */
  next: Promise<void>;
}

/** What is shown. */
export interface Parts {
  main: HTMLElement;
  count: HTMLElement;
  searchBox: SearchBox;
  filterBar: FilterBar;
  messages: Messages;
  grid: ResultsGrid;
  loadMore: LoadMore;
  details: DetailsPane;
  selectionBar: SelectionBar;
  keyHelp: KeyHelp;
}

/** What a card asks of its field. */
export interface FieldActions {
  open(): void;
  /** Open the details of the picture that a value names. */
  edit(value: string): void;
  remove(): void;
}
