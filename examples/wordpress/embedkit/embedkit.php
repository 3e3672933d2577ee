<?php
/**
 * Plugin Name:       embedkit: Getty Images pictures
 * Description:       Shows Getty Images pictures in your posts: choose one in the picker, write [getty 74917285], or paste a link on a line of its own.
 * Version:           0.2.0
 * Requires at least: 6.1
 * Requires PHP:      7.4
 * License:           MIT (compatible with the GNU GPL, version 2 or later)
 * License URI:       https://opensource.org/license/mit
 * Text Domain:       embedkit
 */

namespace EmbedKit;

defined( 'ABSPATH' ) || exit;

require __DIR__ . '/service.php';  // access to the settings and the service
require __DIR__ . '/render.php';   // posts, feeds, excerpts
require __DIR__ . '/convert.php';  // pasted embed code, when a post is saved
require __DIR__ . '/previews.php'; // pictures instead of links and shortcodes, in the editors
require __DIR__ . '/picker.php';   // the picker, in both editors
require __DIR__ . '/featured.php'; // a Getty picture as the featured image
if ( is_admin() ) {
	require __DIR__ . '/settings.php';
}

register_deactivation_hook(
	__FILE__,
	static function (): void {
		wp_unschedule_hook( 'embedkit_refresh' );
	}
);
