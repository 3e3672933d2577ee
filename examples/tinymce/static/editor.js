// TinyMCE with an additional button for Getty pictures, which are chosen in embedkit's picker.

import { gettyPictures } from './getty-tinymce.js';

const { service, grant } = document.getElementById('body').dataset;
const dark = matchMedia('(prefers-color-scheme: dark)').matches;

tinymce.init({
  selector: '#body',
  license_key: 'gpl',
  base_url: '/tinymce',
  suffix: '.min',
  plugins: 'autolink code link lists',
  toolbar: 'undo redo | blocks | bold italic | bullist numlist | link getty | code',
  menubar: false,
  promotion: false,
  skin: dark ? 'oxide-dark' : 'oxide',
  content_css: [dark ? 'dark' : 'default', '/getty-pictures.css'],
  height: 420,
  setup: gettyPictures(service, grant),
});
