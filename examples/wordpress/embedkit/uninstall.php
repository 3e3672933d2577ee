<?php
/**
 * Removes all data of the plugin. Posts keep their shortcodes and links.
 */

defined( 'WP_UNINSTALL_PLUGIN' ) || exit;

foreach ( array( 'service', 'token', 'target', 'privacy' ) as $embedkit_name ) {
	delete_option( "embedkit_$embedkit_name" );
}
foreach ( array( 'web', 'facade', 'feed', 'text', 'amp', 'featured' ) as $embedkit_name ) {
	delete_post_meta_by_key( "_embedkit_$embedkit_name" );
}
delete_transient( 'embedkit_down' );
wp_unschedule_hook( 'embedkit_refresh' );
