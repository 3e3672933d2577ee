<?php
/**
 * Removes what the plugin wrote. Posts keep their shortcodes and links.
 */

defined( 'WP_UNINSTALL_PLUGIN' ) || exit;

delete_option( 'embedkit_service' );
delete_option( 'embedkit_target' );
delete_transient( 'embedkit_down' );
foreach ( array( 'web', 'facade', 'feed', 'text', 'amp' ) as $embedkit_target ) {
	delete_post_meta_by_key( '_embedkit_' . $embedkit_target );
}
