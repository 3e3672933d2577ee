/* The block editor: the block "Getty Images picture" (an embed), the picker where one is wanted, and pictures in place
 * of shortcodes. */
( function ( embedkit ) {
	const { __ } = wp.i18n;
	const { createElement: el, Fragment, useEffect, useState } = wp.element;
	const { BlockControls, InspectorControls } = wp.blockEditor;
	const { Button, PanelBody, SandBox, ToolbarButton, ToolbarGroup } = wp.components;
	const { createHigherOrderComponent } = wp.compose;
	const { createBlock, isUnmodifiedDefaultBlock, pasteHandler, registerBlockVariation } = wp.blocks;
	const { useRegistry, useSelect } = wp.data; // an editor may have stores of its own, which its registry knows
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

	/** A choice as a block: an embed; a shortcode if it has options that an embed has no place for. */
	function blockOf( choice ) {
		const { align, caption = '', ...others } = embedkit.read( choice.shortcode ).options;
		if ( Object.keys( others ).length || caption === 'true' ) {
			return createBlock( 'core/shortcode', { text: choice.shortcode } );
		}
		const words = caption ? { caption: wp.escapeHtml.escapeHTML( caption ) } : {};
		return createBlock( 'core/embed', { url: choice.url, ...ATTRIBUTES, ...words, ...( align ? { align } : {} ) } );
	}

	async function pickInto( { dispatch }, clientId ) {
		const choice = await embedkit.pick();
		if ( choice ) {
			dispatch( 'core/block-editor' ).replaceBlocks( clientId, ( choice.items || [ choice ] ).map( blockOf ) );
		}
	}

	/** Put blocks behind the selected one, or in its place if it is an empty paragraph. */
	function insert( { dispatch, select }, blocks ) {
		const { getBlockInsertionPoint, getSelectedBlock } = select( 'core/block-editor' );
		const selected = getSelectedBlock();
		const { rootClientId, index } = getBlockInsertionPoint();
		if ( selected && isUnmodifiedDefaultBlock( selected ) ) {
			dispatch( 'core/block-editor' ).replaceBlocks( selected.clientId, blocks );
		} else {
			dispatch( 'core/block-editor' ).insertBlocks( blocks, index, rootClientId );
		}
	}

	async function pickAndInsert( registry ) {
		const choice = await embedkit.pick();
		if ( choice ) {
			insert( registry, ( choice.items || [ choice ] ).map( blockOf ) );
		}
	}

	/* Pasted embed code: the editor would leave a bare link of it, before any server sees it. */

	const EMBED_CODE = /gie\.widgets|gie-(?:single|slideshow)|embed(?:-cdn)?\.gettyimages\./i;

	async function paste( registry, text ) {
		const content = await embedkit.convert( text ).catch( () => text );
		insert( registry, pasteHandler( { HTML: '', plainText: content, mode: 'BLOCKS' } ) );
	}

	function hearPaste( registry, event ) {
		const text = event.clipboardData.getData( 'text/plain' );
		if ( EMBED_CODE.test( text ) && ! event.target.closest( 'pre, code, textarea, input' ) ) {
			event.preventDefault();
			event.nativeEvent.stopImmediatePropagation();
			event.stopPropagation(); // from a block within this one
			paste( registry, text );
		}
	}

	addFilter( 'editor.BlockListBlock', 'embedkit/paste', ( Block ) => ( props ) => {
		const registry = useRegistry();
		const onPasteCapture = ( event ) => hearPaste( registry, event );
		return el( Block, { ...props, wrapperProps: { ...props.wrapperProps, onPasteCapture } } );
	} );

	/** The picture of a shortcode. */
	function Picture( { text } ) {
		const [ html, setHtml ] = useState( '' );
		useEffect( () => {
			let isWanted = true;
			embedkit.preview( text ).catch( () => '' ).then( ( found ) => isWanted && setHtml( found ) );
			return () => {
				isWanted = false;
			};
		}, [ text ] );
		return html ? el( 'div', { className: 'embedkit-picture' }, el( SandBox, { html, title: __( 'Preview of the picture', 'embedkit' ) } ) ) : null;
	}

	function Buttons( { clientId } ) {
		const registry = useRegistry();
		const pick = () => pickInto( registry, clientId );
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

	/** An empty block that is selected as it appears is new, from the slash menu or the inserter: it opens the picker. */
	function GettyEmbed( { Edit, ...props } ) {
		const { attributes, clientId, isSelected } = props;
		const registry = useRegistry();
		useEffect( () => {
			if ( isSelected && ! attributes.url ) {
				pickInto( registry, clientId );
			}
		}, [] );
		return el( Fragment, {}, el( Edit, props ), el( Buttons, props ) );
	}

	function GettyShortcode( { Edit, ...props } ) {
		const { text } = props.attributes;
		return el( Fragment, {}, props.isSelected && el( Edit, props ), el( Picture, { text } ), el( Buttons, props ) );
	}

	const isOurs = /^\s*\[getty\b[^\]]*\](?:[^[]*\[\/getty\])?\s*$/;

	addFilter(
		'editor.BlockEdit',
		'embedkit/edit',
		createHigherOrderComponent(
			( Edit ) => ( props ) => {
				if ( props.name === 'core/embed' && props.attributes.providerNameSlug === SLUG ) {
					return el( GettyEmbed, { Edit, ...props } );
				}
				if ( props.name === 'core/shortcode' && isOurs.test( props.attributes.text ) ) {
					return el( GettyShortcode, { Edit, ...props } );
				}
				return el( Edit, props );
			},
			'withGettyPicture'
		)
	);

	/* A featured image that is an embed: a field of the post, below WordPress's own. */

	function Featured() {
		const shortcode = useSelect( ( get ) => get( 'core/editor' ).getEditedPostAttribute( 'embedkit_featured' ), [] );
		const { dispatch } = useRegistry();
		if ( shortcode === undefined ) {
			return null;
		}
		const edit = ( value ) => dispatch( 'core/editor' ).editPost( { embedkit_featured: value } );
		const choose = () => embedkit.pick().then( ( choice ) => choice && edit( choice.shortcode ) );
		return el(
			'div',
			{ className: 'embedkit-featured' },
			shortcode && el( Picture, { text: shortcode } ),
			el( Button, { variant: 'secondary', onClick: choose }, __( 'Choose a Getty picture', 'embedkit' ) ),
			shortcode && el( Button, { variant: 'link', isDestructive: true, onClick: () => edit( '' ) }, __( 'Remove the Getty picture', 'embedkit' ) )
		);
	}

	addFilter( 'editor.PostFeaturedImage', 'embedkit/featured', ( Original ) => ( props ) =>
		el( Fragment, {}, el( Original, props ), el( Featured ) )
	);

	/* A button in the editor's own toolbar, which opens a sidebar: where there is a post to edit, not for widgets. */

	function Sidebar() {
		const registry = useRegistry();
		return el(
			PluginSidebar,
			{ name: 'embedkit', title: 'Getty Images' },
			el(
				PanelBody,
				{},
				el( 'p', {}, __( 'Search Getty Images, and put a picture behind the selected block.', 'embedkit' ) ),
				el( Button, { variant: 'primary', onClick: () => pickAndInsert( registry ) }, CHOOSE )
			)
		);
	}

	const { PluginSidebar } = { ...wp.editPost, ...( wp.editor?.PluginSidebar ? wp.editor : {} ) };
	if ( PluginSidebar ) {
		wp.plugins.registerPlugin( 'embedkit', { icon: ICON, render: Sidebar } );
	}
} )( window.embedkit );
