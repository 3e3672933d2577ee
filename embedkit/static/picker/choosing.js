/* What is chosen: pictures are selected, alone or several, and inserted. */

export class Chooser {
  #context;
  #parts;

  /** @param {Context} context @param {ChooserParts} parts */
  constructor(context, parts) {
    this.#context = context;
    this.#parts = parts;
  }

  select(index, { isRange = false } = {}) {
    const { words, state, config, announcer } = this.#context;
    if (state.images[index].event) return;
    const max = config.maxSelected;
    const hasRoom = state.toggleSelected(index, isRange, max);
    this.show();
    if (hasRoom) announcer.confirm(words("selected", { n: state.selection.size }), "unseen");
    else announcer.alert(words("too_many", { n: max }));
  }

  deselect() {
    const { grid } = this.#parts;
    this.#context.state.selection.clear();
    this.show();
    grid.focus(grid.activeIndex);
  }

  show() {
    const { grid, details, selectionBar } = this.#parts;
    grid.mark();
    details.mark();
    selectionBar.render(this.#context.state.selection.size);
  }

  insertSelection(options) {
    return this.#parts.inserter.insert([...this.#context.state.selection.values()], options);
  }

  /** Insert what was clicked twice: with others if some are selected. */
  insertAtOnce(image) {
    if (this.#context.state.selection.size) this.insertSelection();
    else if (!image.event && !this.#parts.details.isRefused) this.#parts.inserter.insert([image]);
  }

  insertCurrent(target) {
    const { images, isOpen, openIndex, selection } = this.#context.state;
    const { grid, details, inserter } = this.#parts;
    const image = images[isOpen ? openIndex : grid.activeIndex];
    if (selection.size) this.insertSelection();
    else if (image && !image.event && (isOpen ? !details.isRefused : target.matches(".tile"))) inserter.insert([image]);
  }

  /** Out of the picker; where something is selected, the second time. */
  leave(cancel) {
    const { selection } = this.#context.state;
    const { selectionBar } = this.#parts;
    if (selection.size && !selectionBar.isAsking) selectionBar.ask(selection.size, () => this.leave(cancel));
    else {
      selection.clear();
      this.show();
      cancel();
    }
  }
}
