<?php
/**
 * The newest block editor in place of WordPress's own, for a browser with the cookie "newest". Everything else stays
 * the same: its page, its REST API, and the plugin, whose scripts are loaded with their declared dependencies.
 */

if ( ! isset( $_COOKIE['newest'] ) ) {
	return;
}

add_action(
	'wp_default_scripts',
	static function ( WP_Scripts $scripts ): void {
		foreach ( $scripts->registered as $script ) {
			if ( preg_match( '#/wp-includes/js/dist/(?!vendor|preferences-persistence)#', (string) $script->src ) ) {
				$script->src    = false; // its inline scripts remain
				$script->deps[] = 'newest';
			}
		}
		$scripts->add( 'newest', '/newest/editor.js' );
	},
	99
);

add_action(
	'wp_default_styles',
	static function ( WP_Styles $styles ): void {
		foreach ( $styles->registered as $style ) {
			if ( preg_match( '#/wp-includes/css/dist/([^/]+)/([a-z]+)[^/]*$#', (string) $style->src, $found ) ) {
				$file       = "/newest/packages/$found[1]/build-style/$found[2].css";
				$style->src = is_file( ABSPATH . $file ) ? $file : false;
				unset( $style->extra['path'] );
			}
		}
	},
	99
);
