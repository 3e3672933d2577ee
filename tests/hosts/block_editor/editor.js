/* The packages of the newest block editor as window.wp, where WordPress provides them to pages and plugins. */
import * as a11y from '@wordpress/a11y';
import apiFetch from '@wordpress/api-fetch';
import * as blockEditor from '@wordpress/block-editor';
import * as blocks from '@wordpress/blocks';
import * as components from '@wordpress/components';
import * as compose from '@wordpress/compose';
import * as coreData from '@wordpress/core-data';
import * as data from '@wordpress/data';
import * as date from '@wordpress/date';
import domReady from '@wordpress/dom-ready';
import * as editPost from '@wordpress/edit-post';
import * as editor from '@wordpress/editor';
import * as element from '@wordpress/element';
import * as escapeHtml from '@wordpress/escape-html';
import '@wordpress/format-library';
import * as hooks from '@wordpress/hooks';
import * as i18n from '@wordpress/i18n';
import * as plugins from '@wordpress/plugins';
import * as preferences from '@wordpress/preferences';
import shortcode from '@wordpress/shortcode';

// The page describes the blocks of the older WordPress around it, and adds to wp.editor
const described = { unstable__bootstrapServerSideBlockDefinitions() {} };

Object.assign( ( window.wp ??= {} ), {
	...{ a11y, apiFetch, blockEditor, blocks: { ...blocks, ...described }, components, compose, coreData, data, date },
	...{ domReady, editPost, editor: { ...editor }, element, escapeHtml, hooks, i18n, plugins, preferences, shortcode },
} );
