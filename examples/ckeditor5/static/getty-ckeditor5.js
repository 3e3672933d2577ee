// A plugin for CKEditor 5: a Getty picture is an object with a preview in the editor, and a shortcode when saved.

import { ButtonView, IconImage, Plugin, toWidget, Widget } from '/ckeditor5/ckeditor5.js';
import { GettyPictures, optionsOf, pastedShortcode, shortcodeIn } from '/getty-pictures.js';

const NAME = 'gettyPicture';

/** Configure it in the editor's options: getty: { service, grant }. */
export class GettyPlugin extends Plugin {
  #pictures;

  static get requires() {
    return [Widget];
  }

  init() {
    const { service, grant } = this.editor.config.get('getty');
    this.#pictures = new GettyPictures(service, grant);
    this.editor.model.schema.register(NAME, { inheritAllFrom: '$blockObject', allowAttributes: ['shortcode'] });
    this.#read();
    this.#write();
    this.#show();
    this.#addButton();
    this.editor.keystrokes.set('Enter', (_, cancel) => this.#edit(cancel), { priority: 'high' });
  }

  afterInit() {
    this.editor.plugins.get('ClipboardPipeline').on('inputTransformation', (_, data) => this.#takePasted(data));
  }

  /** Turn a paragraph that consists of a shortcode into a picture, and also a Getty link saved by MediaEmbed. */
  #read() {
    const paragraph = (view, { writer }) => {
      const only = view.childCount === 1 && view.getChild(0);
      const isPlain = only && only.is('$text') && [...view.getAttributeKeys()].length === 0;
      const shortcode = isPlain && shortcodeIn(only.data);
      return shortcode ? writer.createElement(NAME, { shortcode }) : null;
    };
    const link = (view, { writer }) => {
      const shortcode = pastedShortcode(view.getAttribute('url') ?? '');
      return shortcode ? writer.createElement(NAME, { shortcode }) : null;
    };
    const upcast = this.editor.conversion.for('upcast');
    upcast.elementToElement({ view: 'p', model: paragraph, converterPriority: 'high' });
    upcast.elementToElement({ view: 'oembed', model: link, converterPriority: 'high' });
  }

  #write() {
    this.editor.conversion.for('dataDowncast').elementToElement({
      model: NAME,
      view: (picture, { writer }) =>
        writer.createContainerElement('p', {}, [writer.createText(picture.getAttribute('shortcode'))]),
    });
  }

  #show() {
    this.editor.conversion.for('editingDowncast').elementToElement({
      model: { name: NAME, attributes: ['shortcode'] }, // re-render if the shortcode changes
      view: (picture, { writer }) => {
        const shortcode = picture.getAttribute('shortcode');
        const preview = writer.createRawElement('div', {}, (node) => {
          node.replaceChildren(this.#pictures.preview(shortcode));
          node.addEventListener('dblclick', () => this.#edit());
        });
        const figure = writer.createContainerElement('figure', { class: 'getty', 'data-getty': shortcode }, [preview]);
        return toWidget(figure, writer, { label: `Getty picture ${optionsOf(shortcode).id}` });
      },
    });
  }

  #addButton() {
    this.editor.ui.componentFactory.add('getty', (locale) => {
      const button = new ButtonView(locale);
      button.set({ label: 'Insert a Getty picture', icon: IconImage, tooltip: true });
      button.bind('isEnabled').to(this.editor, 'isReadOnly', (isReadOnly) => !isReadOnly);
      button.on('execute', () => this.#choose());
      return button;
    });
  }

  async #choose() {
    const chosen = await this.#pictures.choose();
    const { model } = this.editor;
    if (chosen) model.change((writer) => {
      for (const shortcode of chosen.split('\n\n')) {
        model.insertObject(writer.createElement(NAME, { shortcode }), null, null, { setSelection: 'after' });
      }
    });
    this.editor.editing.view.focus();
  }

  /** @param {() => void} [cancel] - cancels the key's default action */
  async #edit(cancel) {
    const picture = this.editor.model.document.selection.getSelectedElement();
    if (!picture?.is('element', NAME) || this.editor.isReadOnly) return;
    cancel?.();
    const chosen = await this.#pictures.choose(picture.getAttribute('shortcode'));
    if (chosen) this.editor.model.change((writer) => writer.setAttribute('shortcode', chosen, picture));
    this.editor.editing.view.focus();
  }

  #takePasted(data) {
    const shortcode = pastedShortcode(data.dataTransfer.getData('text/plain'));
    const { selection } = this.editor.model.document;
    const isIntoCode = selection.hasAttribute('code') || selection.getFirstPosition().parent.is('element', 'codeBlock');
    if (!shortcode || isIntoCode || /<(?:code|pre)\b/i.test(data.dataTransfer.getData('text/html'))) return;
    const paragraph = document.createElement('p');
    paragraph.textContent = shortcode;
    data.content = this.editor.data.processor.toView(paragraph.outerHTML);
  }
}
