/* The classic editor: a button that opens the picker, pictures instead of shortcodes, and the featured image. */
( function ( embedkit ) {
	const { __ } = wp.i18n;

	document.addEventListener( 'click', async ( { target } ) => {
		const button = target.closest( '.embedkit-add' );
		if ( ! button ) {
			return;
		}
		window.wpActiveEditor = button.dataset.editor;
		const choice = await embedkit.pick( true );
		if ( choice ) {
			window.send_to_editor( `\n\n${ choice.shortcode }\n\n` );
		}
	} );

	/* A WordPress view: it shows the picture, but the text is saved unchanged. */

	const CODE = /<(pre|code)\b(?![\s\S]*<\/\1)/i; // opened, but not yet closed

	wp.mce?.views.register( 'getty', {
		match( content ) {
			const found = wp.shortcode.next( 'getty', content );
			if ( found && ! CODE.test( content.slice( 0, found.index ) ) ) {
				return { index: found.index, content: found.content, options: { shortcode: found.shortcode } };
			}
		},
		initialize() {
			embedkit
				.preview( this.text )
				.catch( () => '' )
				.then( ( html ) => {
					if ( html ) {
						this.render( html );
					} else {
						this.setError( __( 'The picture can’t be shown right now.', 'embedkit' ), 'format-image' );
					}
				} );
		},
		edit( text, update ) {
			embedkit.pick().then( ( choice ) => choice && update( choice.shortcode ) );
		},
	} );

	/* The "Featured image" box, which WordPress replaces whenever its own image changes. */

	function showFeatured() {
		const box = document.querySelector( '.embedkit-featured' );
		if ( ! box ) {
			return;
		}
		const { value } = box.querySelector( 'input' );
		box.querySelector( '.button-link' ).hidden = ! value;
		box.querySelector( '.embedkit-picture' )?.remove();
		if ( value ) {
			const picture = Object.assign( document.createElement( 'div' ), { className: 'embedkit-picture' } );
			box.prepend( picture );
			embedkit.preview( value ).catch( () => '' ).then( ( html ) => {
				picture.innerHTML = html;
			} );
		}
	}

	document.addEventListener( 'click', async ( { target } ) => {
		const box = target.closest( '.embedkit-featured' );
		if ( ! box || target.tagName !== 'BUTTON' ) {
			return;
		}
		const choice = target.matches( '.button-link' ) ? { shortcode: '' } : await embedkit.pick();
		if ( choice ) {
			box.querySelector( 'input' ).value = choice.shortcode;
			showFeatured();
		}
	} );
	document.addEventListener( 'DOMContentLoaded', showFeatured );
} )( window.embedkit );
