// A plugin for TinyMCE 8: a Getty picture is an object with a preview in the editor, and a shortcode when saved.

import { GettyPictures, pastedShortcode, shortcodeIn } from '/getty-pictures.js';

const SELECTOR = 'figure.getty[data-getty]';

/** @param {string} service - its URL @param {string} grant @returns {(editor) => void} the value of the option "setup" */
export function gettyPictures(service, grant) {
  const pictures = new GettyPictures(service, grant);
  return (editor) => {
    editor.ui.registry.addButton('getty', {
      icon: 'gallery', tooltip: 'Insert a Getty picture', onAction: () => choose(editor, pictures),
    });
    editor.on('PreInit', () => convert(editor));
    editor.on('init', () => keepPreviews(editor, pictures));
    editor.on('PastePreProcess', (event) => takePasted(event, editor));
    editor.on('dblclick', ({ target }) => edit(editor, pictures, target.closest(SELECTOR)));
    editor.on('keydown', (event) => editByKey(event, editor, pictures), true);
  };
}

/** Turn a paragraph that consists of a shortcode into a picture, and back into that paragraph when saved. */
function convert(editor) {
  const AstNode = tinymce.html.Node;
  editor.parser.addNodeFilter('p', (nodes) => nodes.forEach((node) => {
    const { firstChild: only, attributes } = node;
    const shortcode = !attributes?.length && only === node.lastChild && only?.type === 3 && shortcodeIn(only.value);
    if (!shortcode) return;
    const figure = new AstNode('figure', 1);
    const code = new AstNode('code', 1);
    const text = new AstNode('#text', 3);
    text.value = shortcode; // an empty figure would be removed
    figure.attr({ class: 'getty', contenteditable: 'false', 'data-getty': shortcode });
    figure.append(code).append(text);
    node.replace(figure);
  }));
  editor.serializer.addNodeFilter('figure', (nodes) => nodes.forEach((node) => {
    const shortcode = node.attr('data-getty');
    if (!shortcode) return;
    const text = new AstNode('#text', 3);
    text.value = shortcode;
    node.empty();
    node.name = 'p';
    node.attributes = Object.assign([], { map: {} });
    node.append(text);
  }));
}

/** Add missing previews: TinyMCE doesn't save, copy or undo elements with data-mce-bogus. */
function keepPreviews(editor, pictures) {
  const fill = () => editor.getBody().querySelectorAll(`${SELECTOR}:not(:has(.getty-preview))`).forEach((figure) => {
    const preview = pictures.preview(figure.dataset.getty);
    preview.dataset.mceBogus = 'all';
    figure.append(preview);
  });
  new MutationObserver(fill).observe(editor.getBody(), { childList: true, subtree: true });
  fill();
}

function takePasted(event, editor) {
  if (editor.selection.getNode().closest('code, pre')) return;
  const { body } = new DOMParser().parseFromString(event.content, 'text/html');
  const shortcode = pastedShortcode(body.textContent) || pastedShortcode(event.content);
  if (shortcode && !body.querySelector('code, pre')) event.content = figures(shortcode);
  else if (body.textContent.includes('[getty')) event.content = withFigures(body);
}

/** Restore the figures in pasted HTML: an editor copies pictures in the form that it saves. */
function withFigures(body) {
  for (const paragraph of body.querySelectorAll('p')) {
    const shortcode = !paragraph.children.length && shortcodeIn(paragraph.textContent);
    if (shortcode) paragraph.replaceWith(...new DOMParser().parseFromString(figures(shortcode), 'text/html').body.children);
  }
  return body.innerHTML;
}

function figures(shortcodes) {
  return shortcodes.split('\n\n').map((shortcode) => tinymce.DOM.createHTML('figure', {
    class: 'getty', contenteditable: 'false', 'data-getty': shortcode,
  }, `<code>${tinymce.DOM.encode(shortcode)}</code>`)).join('');
}

async function choose(editor, pictures) {
  const chosen = await pictures.choose();
  if (chosen) editor.insertContent(figures(chosen));
  editor.focus();
}

async function edit(editor, pictures, figure) {
  if (!figure || editor.mode.isReadOnly()) return;
  const chosen = await pictures.choose(figure.dataset.getty);
  editor.focus();
  if (!chosen) return;
  editor.undoManager.transact(() => {
    editor.dom.setAttrib(figure, 'data-getty', chosen);
    figure.replaceChildren(editor.dom.create('code', {}, editor.dom.encode(chosen)));
  });
  editor.selection.select(figure);
}

function editByKey(event, editor, pictures) {
  const node = editor.selection.getNode();
  if (event.key !== 'Enter' || !node.matches(SELECTOR)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  edit(editor, pictures, node);
}
