/* Exports the component itself; bundlers otherwise pass CommonJS modules the object that contains it. */
export { default } from './node_modules/@wordpress/block-editor/node_modules/react-autosize-textarea/lib/index.js';
