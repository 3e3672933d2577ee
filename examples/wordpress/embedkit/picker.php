<?php
/**
 * The service's picker in both editors, in a frame, so that no code from the service runs in the admin. The browser gets a
 * grant, which allows searching for eight hours; the token stays on this server.
 */

namespace EmbedKit;

defined( 'ABSPATH' ) || exit;


function may_write(): bool {
	return current_user_can( 'edit_posts' );
}

/** Return a grant for the current user. Without a token it is empty, and the picker only finds pictures by link. */
function grant() {
	if ( '' === token() ) {
		return array( 'grant' => '' );
	}
	$answer = ask( '/v1/grants', array() );
	$message   = __( 'The service doesn’t allow searching. Ask your administrator to check Settings → embedkit.', 'embedkit' );
	return isset( $answer['grant'] ) ? array( 'grant' => $answer['grant'] ) : new \WP_Error( 'embedkit_grant', $message, array( 'status' => 502 ) );
}

add_action(
	'rest_api_init',
	static function (): void {
		register_rest_route(
			'embedkit/v1',
			'/grant',
			array( 'methods' => 'POST', 'callback' => __NAMESPACE__ . '\grant', 'permission_callback' => __NAMESPACE__ . '\may_write' )
		);
	}
);

/** Enqueue one of the plugin's scripts. */
function script( string $name, array $needs ): void {
	$version = (string) filemtime( __DIR__ . "/$name.js" );
	wp_enqueue_script( "embedkit-$name", plugins_url( "$name.js", __FILE__ ), $needs, $version, true );
}

/** Load the picker's dialog, for a page with a button that opens it. */
function picker(): void {
	if ( wp_script_is( 'embedkit-picker' ) ) {
		return;
	}
	script( 'picker', array( 'wp-api-fetch', 'wp-i18n', 'wp-shortcode' ) );
	$known = array( 'service' => service(), 'language' => str_replace( '_', '-', get_user_locale() ) );
	wp_add_inline_script( 'embedkit-picker', 'window.embedkit = ' . wp_json_encode( $known ) . ';', 'before' );
	wp_enqueue_style( 'embedkit-picker', plugins_url( 'picker.css', __FILE__ ), array(), (string) filemtime( __DIR__ . '/picker.css' ) );
}

add_action(
	'enqueue_block_editor_assets',
	static function (): void {
		if ( '' !== service() && may_write() ) {
			picker();
			$needs = array( 'embedkit-picker', 'wp-block-editor', 'wp-blocks', 'wp-components', 'wp-compose', 'wp-data', 'wp-element', 'wp-escape-html', 'wp-hooks', 'wp-plugins' );
			$where = wp_script_is( 'wp-edit-post', 'enqueued' ) ? array( 'wp-edit-post', 'wp-editor' ) : array(); // not in the widgets editor
			script( 'block-editor', array_merge( $needs, $where ) );
		}
	}
);

function classic_editor(): void {
	picker();
	script( 'classic-editor', array( 'embedkit-picker', 'editor', 'mce-view' ) );
}

/** Add the button above the classic editor, and pictures in it. */
add_action(
	'media_buttons',
	static function ( string $editor ): void {
		if ( '' === service() || ! is_admin() || ! may_write() ) {
			return;
		}
		classic_editor();
		printf(
			' <button type="button" class="button embedkit-add" data-editor="%s"><span class="dashicons dashicons-format-image" aria-hidden="true"></span> %s</button>',
			esc_attr( $editor ),
			esc_html__( 'Add Getty picture', 'embedkit' )
		);
	},
	20
);
