<?php
/**
 * Settings, embedkit: where the service is, and how pictures look.
 */

namespace EmbedKit;

defined( 'ABSPATH' ) || exit;

add_action(
	'admin_init',
	static function (): void {
		register_setting( 'embedkit', 'embedkit_service', array( 'type' => 'string', 'sanitize_callback' => __NAMESPACE__ . '\service_url' ) );
		register_setting( 'embedkit', 'embedkit_target', array( 'type' => 'string', 'sanitize_callback' => 'sanitize_key' ) );
	}
);

add_action(
	'admin_menu',
	static function (): void {
		add_options_page( 'embedkit', 'embedkit', 'manage_options', 'embedkit', __NAMESPACE__ . '\page' );
	}
);

/** A URL of the web, or the old one and a message. */
function service_url( string $value ): string {
	$url = untrailingslashit( esc_url_raw( trim( $value ), array( 'http', 'https' ) ) );
	if ( '' === $url && '' !== trim( $value ) ) {
		add_settings_error( 'embedkit_service', 'embedkit_service', __( 'The URL of the service must begin with https:// or http://.', 'embedkit' ) );
		return service();
	}
	delete_transient( 'embedkit_down' );
	return $url;
}

/** What the service says about itself, for people. */
function state(): string {
	if ( '' === service() ) {
		return __( 'Enter the URL of your embedkit service.', 'embedkit' );
	}
	$answer = wp_remote_get( service() . '/healthz', array( 'timeout' => TIMEOUT_S ) );
	return 200 === wp_remote_retrieve_response_code( $answer )
		? __( 'Connected: the service answers.', 'embedkit' )
		: __( 'The service does not answer. Check the URL, and that it is running.', 'embedkit' );
}

function page(): void {
	?>
	<div class="wrap">
		<h1><?php esc_html_e( 'embedkit: Getty Images pictures', 'embedkit' ); ?></h1>
		<p role="status"><?php echo esc_html( state() ); ?></p>
		<form action="options.php" method="post">
			<?php settings_fields( 'embedkit' ); ?>
			<table class="form-table" role="presentation">
				<tr>
					<th scope="row"><label for="embedkit_service"><?php esc_html_e( 'Service URL', 'embedkit' ); ?></label></th>
					<td><input type="url" class="regular-text" id="embedkit_service" name="embedkit_service" placeholder="https://embeds.example.org" value="<?php echo esc_attr( service() ); ?>"></td>
				</tr>
				<tr>
					<th scope="row"><label for="embedkit_target"><?php esc_html_e( 'Pictures', 'embedkit' ); ?></label></th>
					<td><select id="embedkit_target" name="embedkit_target">
						<option value="web" <?php selected( page_target(), 'web' ); ?>><?php esc_html_e( 'Load with the page', 'embedkit' ); ?></option>
						<option value="facade" <?php selected( page_target(), 'facade' ); ?>><?php esc_html_e( 'Load after a click', 'embedkit' ); ?></option>
					</select></td>
				</tr>
			</table>
			<?php submit_button(); ?>
		</form>
	</div>
	<?php
}
