// CKEditor 5 with a plugin for Getty pictures, chosen in embedkit's picker.

import {
  Autoformat, BlockQuote, Bold, ButtonView, ClassicEditor, Essentials, Heading, IconImage, Italic, Link, List,
  MediaEmbed, Paragraph, Plugin,
} from '/ckeditor5/ckeditor5.js';

const { service, grant } = document.getElementById('body').dataset;
const PLAIN = /^\[getty [\w,-]+\]$/;

class GettyPictures extends Plugin {
  static get requires() {
    return [MediaEmbed];
  }

  init() {
    this.editor.ui.componentFactory.add('getty', (locale) => {
      const button = new ButtonView(locale);
      button.set({ label: 'Insert a Getty picture', icon: IconImage, tooltip: true });
      button.bind('isEnabled').to(this.editor, 'isReadOnly', (readOnly) => !readOnly);
      button.on('execute', () => this.choose());
      return button;
    });
  }

  async choose() {
    const { EmbedKit } = await import(`${service}/static/embedkit-picker.js`);
    const choice = await EmbedKit.open({ endpoint: service, grant });
    if (choice) this.insert(choice);
    this.editor.editing.view.focus();
  }

  // A link has a preview, and is saved as <figure class="media"><oembed url="…">. It has no place for a
  // caption, a width or a side: those need the shortcode.
  insert(choice) {
    if (PLAIN.test(choice.shortcode)) {
      this.editor.execute('mediaEmbed', choice.url);
      return;
    }
    const { model } = this.editor;
    model.change((writer) => {
      const paragraph = writer.createElement('paragraph');
      writer.insertText(choice.shortcode, paragraph);
      writer.insert(paragraph, [...model.document.selection.getSelectedBlocks()].at(-1), 'after');
      writer.setSelection(paragraph, 'end');
    });
  }
}

// CKEditor hands in addresses without scheme and www.
const ADDRESSES = [
  /^gty\.im\/([\w,-]+)/,
  /^gettyimages\.[a-z.]+\/detail\/(?:[^?#]*\/)?([\w-]*\d[\w-]*)(?:[?#]|$)/,
];

function preview([, ref]) {
  const frame = document.createElement('iframe');
  frame.src = `${service}/embed/${ref}?maxwidth=480#?secret=${Math.random().toString(36).slice(2, 12)}`;
  frame.title = `Getty picture ${ref}`;
  frame.className = 'getty-preview';
  return frame.outerHTML;
}

// Frames of /embed/… tell their height to whoever gave them a secret, as WordPress does.
addEventListener('message', ({ origin, source, data }) => {
  if (origin !== service || data?.message !== 'height') return;
  for (const frame of document.querySelectorAll('.getty-preview')) {
    if (frame.contentWindow === source) frame.style.blockSize = `${Math.min(Number(data.value) || 0, 900)}px`;
  }
});

ClassicEditor.create({
  attachTo: document.getElementById('body'),
  licenseKey: 'GPL',
  plugins: [Essentials, Autoformat, BlockQuote, Bold, GettyPictures, Heading, Italic, Link, List, Paragraph],
  toolbar: [
    'undo', 'redo', '|', 'heading', '|', 'bold', 'italic', 'blockQuote', '|', 'bulletedList', 'numberedList', '|',
    'link', 'getty',
  ],
  mediaEmbed: { extraProviders: [{ name: 'getty', url: ADDRESSES, html: preview }] },
});
