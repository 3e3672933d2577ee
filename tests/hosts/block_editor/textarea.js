/* The component itself: to modules in the manner of Node, a bundler gives what holds it in its place. */
export { default } from './node_modules/@wordpress/block-editor/node_modules/react-autosize-textarea/lib/index.js';
