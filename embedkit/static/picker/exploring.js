/* From a picture to others: scopes, such as the pictures of an event, and the way back. */

import { NO_FILTERS, NO_SCOPE, scopeOf } from "./filters.js";
import { reference } from "./images.js";

export class Explorer {
  #context;
  #actions;
  #before = null; // {query, filters, index} of the search that a scope was entered from

  /** @param {Context} context @param {ExplorerActions} actions */
  constructor(context, actions) {
    this.#context = context;
    this.#actions = actions;
  }

  /** Search in a scope; leaving it leads back to what was searched before. */
  enter(scope) {
    const { filters, openIndex: index } = this.#context.state;
    if (!scopeOf(filters)) this.#before = { query: this.#actions.query(), filters: { ...filters }, index };
    return this.#actions.search("", { ...NO_FILTERS, ...NO_SCOPE, ...scope });
  }

  async leave() {
    const { query, filters, index } = this.#before ?? { query: "", filters: NO_FILTERS, index: 0 };
    await this.#actions.search(query, { ...NO_SCOPE, ...filters });
    this.#actions.focus(index);
  }

  async showNewest(index) {
    await this.enter({ newest: "1", about: this.#context.words("newest") });
    this.#actions.open(index);
  }

  /** Add a word to what is searched for. */
  refine(word) {
    const phrase = this.#actions.query();
    return this.#actions.search(reference(phrase) ? word : `${phrase} ${word}`.trim());
  }
}
