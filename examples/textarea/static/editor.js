// Getty pictures for a textarea and for a contenteditable: chosen in embedkit's picker, inserted as shortcodes.

const form = document.querySelector('form');
const { service, grant } = form.dataset;
const intro = document.getElementById('intro');
const story = document.getElementById('story');
let place; // the caret position in the story, which is lost when the picker opens

document.addEventListener('selectionchange', () => {
  const selection = getSelection();
  if (selection.rangeCount && story.contains(selection.anchorNode)) place = selection.getRangeAt(0).cloneRange();
});

form.addEventListener('submit', () => {
  form.elements.body.value = story.innerHTML;
});

form.addEventListener('click', async ({ target }) => {
  const { into } = target.dataset;
  if (!into) return;
  const { EmbedKit } = await import(`${service}/static/embedkit-picker.js`);
  const choice = await EmbedKit.open({ endpoint: service, grant });
  if (!choice) return;
  if (into === 'intro') insertLine(intro, choice.shortcode);
  else insertParagraph(choice.shortcode);
});

// execCommand is the only way to insert text that keeps the undo history. If the browser doesn't support it in a field,
// the text is inserted without undo.
function insertLine(field, text) {
  const before = field.value.slice(0, field.selectionStart);
  const after = field.value.slice(field.selectionEnd);
  const line = `${gap(before.match(/\n*$/)[0], before)}${text}${gap(after.match(/^\n*/)[0], after)}`;
  field.focus();
  if (document.execCommand('insertText', false, line)) return;
  field.setRangeText(line, field.selectionStart, field.selectionEnd, 'end');
  field.dispatchEvent(new InputEvent('input', { bubbles: true, inputType: 'insertText', data: line }));
}

function gap(breaks, beyond) {
  return beyond.trim() ? '\n'.repeat(Math.max(0, 2 - breaks.length)) : '';
}

// Insert after the paragraph with the caret, not in the middle of it.
function insertParagraph(text) {
  const caret = place?.endContainer ?? story;
  const block = [...story.children].find((child) => child.contains(caret)) ?? story;
  story.focus();
  getSelection().selectAllChildren(block);
  getSelection().collapseToEnd();
  if (block.textContent.trim()) document.execCommand('insertParagraph');
  document.execCommand('insertText', false, text);
}
