/* The block editor: the block "Getty Images picture" (an embed), the picker, and pictures instead of shortcodes. */
( function ( embedkit ) {
	const { __ } = wp.i18n;
	const { createElement: el, Fragment, useEffect, useState } = wp.element;
	const { BlockControls, InspectorControls, PlainText, useBlockProps } = wp.blockEditor;
	const { Button, PanelBody, SandBox, ToolbarButton, ToolbarGroup } = wp.components;
	const { createHigherOrderComponent } = wp.compose;
	const { createBlock, isUnmodifiedDefaultBlock, pasteHandler, registerBlockVariation } = wp.blocks;
	const { useRegistry, useSelect } = wp.data; // an editor may have its own stores, which are in its registry
	const { addFilter } = wp.hooks;

	const ICON = el(
		'svg',
		{ viewBox: '0 0 24 24', width: 24, height: 24 },
		el( 'path', { d: 'M4 4h16v16H4zM5.5 5.5v13h13v-13zM7 17l3.5-5 2.5 3 1.5-2 2.5 4zM15 10a1.5 1.5 0 1 1 .01 0z' } )
	);
	const SLUG = 'getty-images';
	const ATTRIBUTES = { providerNameSlug: SLUG, type: 'rich', responsive: false };
	const CHOOSE = __( 'Choose a picture', 'embedkit' );

	registerBlockVariation( 'core/embed', {
		name: SLUG,
		title: __( 'Getty Images picture', 'embedkit' ),
		description: __( 'Search Getty Images, and embed a picture.', 'embedkit' ),
		keywords: [ 'getty', __( 'picture', 'embedkit' ), __( 'photo', 'embedkit' ) ],
		icon: ICON,
		patterns: [ /^https?:\/\/(www\.)?gty\.im\/\S+/i, /^https?:\/\/(www\.)?gettyimages\.[a-z.]{2,6}\/\S+/i ],
		attributes: ATTRIBUTES,
		isActive: [ 'providerNameSlug' ],
	} );

	/** Return a choice as a block: an embed, or a shortcode if it has options that an embed can't store. */
	function blockOf( choice ) {
		const { align, caption = '', ...others } = embedkit.read( choice.shortcode ).options;
		if ( Object.keys( others ).length || caption === 'true' ) {
			return createBlock( 'core/shortcode', { text: choice.shortcode } );
		}
		const words = caption ? { caption: wp.escapeHtml.escapeHTML( caption ) } : {};
		return createBlock( 'core/embed', { url: choice.url, ...ATTRIBUTES, ...words, ...( align ? { align } : {} ) } );
	}

	/** Let the author choose pictures, and return them as blocks. */
	async function pickBlocks( multiple ) {
		const choice = await embedkit.pick( multiple );
		return choice ? choice.items.map( blockOf ) : [];
	}

	async function pickInto( { dispatch }, clientId, multiple ) {
		const blocks = await pickBlocks( multiple );
		if ( blocks.length ) {
			dispatch( 'core/block-editor' ).replaceBlocks( clientId, blocks );
		}
	}

	/** Return the ID of the selected block. */
	const placeIn = ( { select } ) => select( 'core/block-editor' ).getSelectedBlockClientId();

	/** Insert blocks after the given block, or replace it if it is an empty paragraph. */
	function insert( registry, blocks, place = placeIn( registry ) ) {
		const { getBlock, getBlockIndex, getBlockInsertionPoint, getBlockRootClientId } = registry.select( 'core/block-editor' );
		const { insertBlocks, replaceBlocks } = registry.dispatch( 'core/block-editor' );
		const block = getBlock( place );
		if ( block && isUnmodifiedDefaultBlock( block ) ) {
			replaceBlocks( place, blocks );
		} else if ( block && place !== placeIn( registry ) ) { // the author has moved on; keep the selection
			insertBlocks( blocks, getBlockIndex( place ) + 1, getBlockRootClientId( place ), false );
		} else {
			const { rootClientId, index } = getBlockInsertionPoint();
			insertBlocks( blocks, index, rootClientId );
		}
	}

	async function pickAndInsert( registry ) {
		const blocks = await pickBlocks( true );
		if ( blocks.length ) {
			insert( registry, blocks );
		}
	}

	/* Pasted embed code: the editor would reduce it to a bare link before any server sees it. */

	const EMBED_CODE = /gie\.widgets|gie-(?:single|slideshow)|embed(?:-cdn)?\.gettyimages\./i;

	async function paste( registry, text ) {
		const place = placeIn( registry );
		const content = await embedkit.convert( text ).catch( () => text );
		insert( registry, pasteHandler( { HTML: '', plainText: content, mode: 'BLOCKS' } ), place );
	}

	function hearPaste( registry, event ) {
		const text = event.clipboardData.getData( 'text/plain' );
		if ( EMBED_CODE.test( text ) && ! event.target.closest( 'pre, code, textarea, input' ) ) {
			event.preventDefault();
			event.stopPropagation(); // to a block inside this one, and to the editor
			paste( registry, text );
		}
	}

	addFilter( 'editor.BlockListBlock', 'embedkit/paste', ( Block ) => ( props ) => {
		const registry = useRegistry();
		const onPasteCapture = ( event ) => hearPaste( registry, event );
		return el( Block, { ...props, wrapperProps: { ...props.wrapperProps, onPasteCapture } } );
	} );

	/** Return the preview of a shortcode as markup: a picture, or a text if it was withdrawn; "" until it is known. */
	function usePreview( text ) {
		const [ html, setHtml ] = useState( '' );
		useEffect( () => {
			let isWanted = true;
			const request = text.trim().endsWith( ']' ) ? embedkit.preview( text ) : Promise.resolve( '' );
			request.catch( () => '' ).then( ( found ) => isWanted && setHtml( found ) );
			return () => {
				isWanted = false;
			};
		}, [ text ] );
		return html;
	}

	const COVER = el( 'div', { style: { position: 'absolute', inset: 0 } } ); // a click selects the block instead of reaching Getty's frame

	/** Show markup in a frame that has an origin, because Getty's own frame only works in web pages. */
	function Picture( { html, isCovered } ) {
		const title = __( 'Preview of the picture', 'embedkit' );
		return el(
			'div',
			{ className: 'embedkit-picture', style: { position: 'relative' } },
			el( SandBox, { html, title, allowSameOrigin: true } ),
			isCovered && COVER
		);
	}

	function Buttons( { clientId } ) {
		const registry = useRegistry();
		const pick = () => pickInto( registry, clientId, false );
		return el(
			Fragment,
			{},
			el( BlockControls, {}, el( ToolbarGroup, {}, el( ToolbarButton, { icon: ICON, label: CHOOSE, onClick: pick } ) ) ),
			el(
				InspectorControls,
				{},
				el( PanelBody, { title: 'Getty Images' }, el( Button, { variant: 'secondary', onClick: pick }, CHOOSE ) )
			)
		);
	}

	/** An empty block that is selected when it appears was just inserted, so it opens the picker. */
	function GettyEmbed( { Edit, ...props } ) {
		const { attributes, clientId, isSelected } = props;
		const registry = useRegistry();
		useEffect( () => {
			if ( isSelected && ! attributes.url ) {
				pickInto( registry, clientId, true );
			}
		}, [] );
		return el( Fragment, {}, el( Edit, props ), el( Buttons, props ) );
	}

	/** Show the picture, and the text of its shortcode while the block is selected or there is no picture. */
	function GettyShortcode( props ) {
		const { attributes: { text }, isSelected, setAttributes } = props;
		const html = usePreview( text );
		const words = { 'aria-label': __( 'Shortcode text' ), className: 'blocks-shortcode__textarea', style: { width: '100%' }, value: text };
		return el(
			'div',
			useBlockProps(),
			html && el( Picture, { html, isCovered: ! isSelected } ),
			( isSelected || ! html ) && el( PlainText, { ...words, onChange: ( value ) => setAttributes( { text: value } ) } ),
			el( Buttons, props )
		);
	}

	const isOurs = /^\s*\[getty\b[^\]]*(?:\](?:[^[]*\[\/getty\])?\s*)?$/; // one shortcode, even while it is being typed

	addFilter(
		'editor.BlockEdit',
		'embedkit/edit',
		createHigherOrderComponent(
			( Edit ) => ( props ) => {
				if ( props.name === 'core/embed' && props.attributes.providerNameSlug === SLUG ) {
					return el( GettyEmbed, { Edit, ...props } );
				}
				if ( props.name === 'core/shortcode' && isOurs.test( props.attributes.text ) ) {
					return el( GettyShortcode, props );
				}
				return el( Edit, props );
			},
			'withGettyPicture'
		)
	);

	/* A featured image that is an embed: a field of the post, below WordPress's own. */

	function Featured() {
		const shortcode = useSelect( ( get ) => get( 'core/editor' ).getEditedPostAttribute( 'embedkit_featured' ), [] );
		const html = usePreview( shortcode || '' );
		const { dispatch } = useRegistry();
		if ( shortcode === undefined ) {
			return null;
		}
		const edit = ( value ) => dispatch( 'core/editor' ).editPost( { embedkit_featured: value } );
		const choose = () => embedkit.pick().then( ( choice ) => choice && edit( choice.shortcode ) );
		return el(
			'div',
			{ className: 'embedkit-featured' },
			html && el( Picture, { html } ),
			el( Button, { variant: 'secondary', onClick: choose }, __( 'Choose a Getty picture', 'embedkit' ) ),
			shortcode && el( Button, { variant: 'link', isDestructive: true, onClick: () => edit( '' ) }, __( 'Remove the Getty picture', 'embedkit' ) )
		);
	}

	addFilter( 'editor.PostFeaturedImage', 'embedkit/featured', ( Original ) => ( props ) =>
		el( Fragment, {}, el( Original, props ), el( Featured ) )
	);

	/* A button in the editor's toolbar that opens a sidebar, for posts but not for widgets. */

	function Sidebar() {
		const registry = useRegistry();
		return el(
			PluginSidebar,
			{ name: 'embedkit', title: 'Getty Images' },
			el(
				PanelBody,
				{},
				el( 'p', {}, __( 'Search Getty Images, and insert a picture after the selected block.', 'embedkit' ) ),
				el( Button, { variant: 'primary', onClick: () => pickAndInsert( registry ) }, CHOOSE )
			)
		);
	}

	const { PluginSidebar } = { ...wp.editPost, ...( wp.editor?.PluginSidebar ? wp.editor : {} ) };
	if ( PluginSidebar ) {
		wp.plugins.registerPlugin( 'embedkit', { icon: ICON, render: Sidebar } );
	}
} )( window.embedkit );
