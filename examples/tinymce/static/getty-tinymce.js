// A plugin for TinyMCE 8: in the text, a Getty picture is one object with a preview; in what is saved, a shortcode.

import { GettyPictures, pastedShortcode, shortcodeIn } from '/getty-pictures.js';

const SELECTOR = 'figure.getty[data-getty]';

/** @param {string} service - its URL @param {string} grant @returns {(editor) => void} for the option "setup" */
export function gettyPictures(service, grant) {
  const pictures = new GettyPictures(service, grant);
  return (editor) => {
    editor.ui.registry.addButton('getty', {
      icon: 'gallery', tooltip: 'Insert a Getty picture', onAction: () => choose(editor, pictures),
    });
    editor.on('PreInit', () => convert(editor));
    editor.on('init', () => keepPreviews(editor, pictures));
    editor.on('PastePreProcess', takePasted);
    editor.on('dblclick', ({ target }) => edit(editor, pictures, target.closest(SELECTOR)));
    editor.on('keydown', (event) => editByKey(event, editor, pictures), true);
  };
}

/** A paragraph that is a shortcode becomes a picture, and a picture that paragraph again. */
function convert(editor) {
  const AstNode = tinymce.html.Node;
  editor.parser.addNodeFilter('p', (nodes) => nodes.forEach((node) => {
    const { firstChild: only, attributes } = node;
    const shortcode = !attributes?.length && only === node.lastChild && only?.type === 3 && shortcodeIn(only.value);
    if (!shortcode) return;
    const figure = new AstNode('figure', 1);
    figure.attr({ class: 'getty', contenteditable: 'false', 'data-getty': shortcode });
    node.replace(figure);
  }));
  editor.serializer.addNodeFilter('figure', (nodes) => nodes.forEach((node) => {
    const shortcode = node.attr('data-getty');
    if (!shortcode) return;
    const text = new AstNode('#text', 3);
    text.value = editor.dom.encode(shortcode); // as the text of a document is held here
    node.empty();
    node.name = 'p';
    node.attributes = Object.assign([], { map: {} });
    node.append(text);
  }));
}

/** TinyMCE leaves what is data-mce-bogus out of what it saves, copies and undoes: previews are put back here. */
function keepPreviews(editor, pictures) {
  const fill = () => editor.getBody().querySelectorAll(`${SELECTOR}:not(:has(.getty-preview))`).forEach((figure) => {
    const preview = pictures.preview(figure.dataset.getty);
    preview.dataset.mceBogus = 'all';
    figure.replaceChildren(preview);
  });
  new MutationObserver(fill).observe(editor.getBody(), { childList: true, subtree: true });
  fill();
}

function takePasted(event) {
  const { body } = new DOMParser().parseFromString(event.content, 'text/html');
  const shortcode = pastedShortcode(body.textContent) || pastedShortcode(event.content);
  if (shortcode && !body.querySelector('code, pre')) event.content = paragraphs(shortcode);
}

function paragraphs(shortcodes) {
  return shortcodes.split('\n\n').map((shortcode) => `<p>${tinymce.DOM.encode(shortcode)}</p>`).join('');
}

async function choose(editor, pictures) {
  const chosen = await pictures.choose();
  if (chosen) editor.insertContent(paragraphs(chosen));
  editor.focus();
}

async function edit(editor, pictures, figure) {
  if (!figure) return;
  const chosen = await pictures.choose(figure.dataset.getty);
  editor.focus();
  if (!chosen) return;
  editor.undoManager.transact(() => {
    editor.dom.setAttrib(figure, 'data-getty', chosen);
    figure.replaceChildren();
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
