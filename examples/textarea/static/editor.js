// Getty pictures for a textarea and for a contenteditable: chosen in embedkit's picker, inserted as shortcodes.

const form = document.querySelector('form');
const { service, grant } = form.dataset;
const intro = document.getElementById('intro');
const story = document.getElementById('story');
let place; // where the caret was in the story, which forgets it when the picker opens

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

// execCommand is the one way to insert that undo knows of. Where a browser can't do that in a field, the text
// comes in all the same.
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

// After the paragraph with the caret, not in the midst of it.
function insertParagraph(text) {
  const caret = place?.endContainer ?? story;
  const block = [...story.children].find((child) => child.contains(caret)) ?? story;
  story.focus();
  getSelection().selectAllChildren(block);
  getSelection().collapseToEnd();
  if (block.textContent.trim()) document.execCommand('insertParagraph');
  document.execCommand('insertText', false, text);
}
