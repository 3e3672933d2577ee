/* The service's picker in a dialog: embedkit.pick() returns the choice, or null. The picker is in a frame from another
 * origin, so no code from the service runs in this page. Messages are accepted only from that frame and that origin, and
 * with the nonce of this dialog. */
( function ( embedkit ) {
	const { __ } = wp.i18n;
	const SILENT_MS = 8000; // a picker that may not be framed here never sends a message

	const element = ( tag, properties, ...children ) => {
		const node = Object.assign( document.createElement( tag ), properties );
		node.append( ...children );
		return node;
	};

	/** The picker's URL; the grant is after the "#", which is not sent to servers. */
	function address( nonce, grant, multiple ) {
		const query = new URLSearchParams( { origin: window.location.origin, nonce, multiple, lang: embedkit.language } );
		return `${ embedkit.service }/picker?${ query }#grant=${ encodeURIComponent( grant ) }`;
	}

	/** @return {Promise<string>} a grant, or an error that says why there isn't one */
	const askForGrant = () => wp.apiFetch( { path: '/embedkit/v1/grant', method: 'POST' } ).then( ( { grant } ) => grant );

	function build() {
		const title = __( 'Getty Images', 'embedkit' );
		const close = element( 'button', { type: 'button', className: 'button', textContent: __( 'Close', 'embedkit' ) } );
		const notice = element( 'p', {} );
		notice.setAttribute( 'role', 'alert' );
		const frame = element( 'iframe', { title: __( 'Picker for Getty Images pictures', 'embedkit' ), allow: 'clipboard-write' } );
		const header = element( 'header', {}, element( 'h2', { id: 'embedkit-title', textContent: title } ), close );
		const dialog = element( 'dialog', { className: 'embedkit-dialog' }, header, notice, frame );
		dialog.setAttribute( 'aria-labelledby', 'embedkit-title' );
		return { dialog, close, notice, frame };
	}

	/**
	 * Let the user choose a picture.
	 *
	 * @param {boolean} multiple whether several pictures may be chosen, each an item of the choice
	 * @return {Promise<?Object>} the choice as sent by the picker (id, title, shortcode, url …), or null
	 */
	embedkit.pick = function ( multiple = false ) {
		if ( document.querySelector( '.embedkit-dialog' ) ) {
			return Promise.resolve( null ); // React's StrictMode calls this twice while debugging
		}
		const { dialog, close, notice, frame } = build();
		const nonce = window.crypto.randomUUID ? window.crypto.randomUUID() : String( Math.random() );
		const origin = new URL( embedkit.service ).origin;
		document.body.append( dialog );
		dialog.showModal();
		return new Promise( ( resolve ) => {
			const silence = setTimeout( () => {
				notice.textContent = __( 'The picker isn’t responding. Ask your administrator to press Test in Settings → embedkit.', 'embedkit' );
			}, SILENT_MS );
			const end = ( choice ) => {
				clearTimeout( silence );
				window.removeEventListener( 'message', hear );
				dialog.remove();
				resolve( choice );
			};
			const hear = ( { source, origin: from, data } ) => {
				if ( source !== frame.contentWindow || from !== origin || data?.source !== 'embedkit' || data.nonce !== nonce ) {
					return;
				}
				clearTimeout( silence );
				if ( data.type === 'ready' ) {
					notice.textContent = '';
					frame.focus();
				}
				if ( data.type === 'select' || data.type === 'cancel' ) {
					end( data.type === 'select' ? data.detail : null );
				}
			};
			window.addEventListener( 'message', hear );
			dialog.addEventListener( 'close', () => end( null ) );
			close.addEventListener( 'click', () => dialog.close() );
			askForGrant()
				.catch( ( error ) => {
					notice.textContent = error.message;
					return '';
				} )
				.then( ( grant ) => {
					frame.src = address( nonce, grant, multiple );
				} );
		} );
	};

	/** Return the reference and the other attributes of a shortcode, or null. */
	embedkit.read = function ( text ) {
		const found = wp.shortcode.next( 'getty', text );
		if ( ! found ) {
			return null;
		}
		const { named, numeric } = found.shortcode.attrs;
		const { src, ...options } = named;
		return { ref: src || numeric[ 0 ] || ( found.shortcode.content || '' ).trim(), options };
	};

	/** Return the picture of a shortcode as markup, or "". */
	embedkit.preview = ( text ) =>
		wp.apiFetch( { path: `/embedkit/v1/preview?text=${ encodeURIComponent( text ) }` } ).then( ( { html } ) => html );

	/** Return a text with its embed code as shortcodes. */
	embedkit.convert = ( text ) =>
		wp.apiFetch( { path: '/embedkit/v1/convert', method: 'POST', data: { text } } ).then( ( { content } ) => content );
} )( window.embedkit );
