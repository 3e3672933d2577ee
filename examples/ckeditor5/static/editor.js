// CKEditor 5 with a plugin for Getty pictures, chosen in embedkit's picker.

import {
  Autoformat, BlockQuote, Bold, ClassicEditor, Code, CodeBlock, Essentials, Heading, Italic, Link, List, Paragraph,
} from '/ckeditor5/ckeditor5.js';
import { GettyPlugin } from './getty-ckeditor5.js';

const { service, grant } = document.getElementById('body').dataset;

ClassicEditor.create({
  attachTo: document.getElementById('body'),
  licenseKey: 'GPL',
  plugins: [
    Essentials, Autoformat, BlockQuote, Bold, Code, CodeBlock, GettyPlugin, Heading, Italic, Link, List, Paragraph,
  ],
  toolbar: [
    'undo', 'redo', '|', 'heading', '|', 'bold', 'italic', 'blockQuote', '|', 'bulletedList', 'numberedList', '|',
    'link', 'getty',
  ],
  getty: { service, grant },
});
