<?php
/**
 * The page Settings → embedkit: the service's URL, the look of pictures, and a test of everything.
 */

namespace EmbedKit;

defined( 'ABSPATH' ) || exit;

const SAMPLE = '74917285';

add_action(
	'admin_init',
	static function (): void {
		$settings = array(
			'embedkit_service' => __NAMESPACE__ . '\service_url',
			'embedkit_token'   => __NAMESPACE__ . '\new_token',
			'embedkit_target'  => 'sanitize_key',
			'embedkit_privacy' => 'absint',
		);
		foreach ( $settings as $name => $clean ) {
			register_setting( 'embedkit', $name, array( 'sanitize_callback' => $clean ) );
		}
	}
);

add_action(
	'admin_menu',
	static function (): void {
		add_options_page( 'embedkit', 'embedkit', 'manage_options', 'embedkit', __NAMESPACE__ . '\page' );
	}
);

/** Return a web URL; if it is invalid, add a message and return the old one. */
function service_url( ?string $value ): string {
	$value = trim( (string) $value );
	$url   = untrailingslashit( esc_url_raw( $value, array( 'http', 'https' ) ) );
	if ( '' === $url && '' !== $value ) {
		add_settings_error( 'embedkit_service', 'embedkit_service', __( 'The URL of the service must begin with https:// or http://.', 'embedkit' ) );
		return service();
	}
	delete_transient( 'embedkit_down' );
	return $url;
}

/** Return the token that was typed. The page never shows the token, so an empty field keeps it; "-" deletes it. */
function new_token( ?string $value ): string {
	$value = trim( (string) $value );
	return '' === $value ? (string) get_option( 'embedkit_token', '' ) : ( '-' === $value ? '' : sanitize_text_field( $value ) );
}

/**
 * Return what works and what doesn't, in the order in which to fix it.
 *
 * @return array<int, array{0: bool, 1: string}>
 */
function findings(): array {
	if ( '' === service() ) {
		return array( array( false, __( 'Enter the URL of your embedkit service, and save.', 'embedkit' ) ) );
	}
	$health = request( '/healthz', null, BACKGROUND_S );
	if ( 200 !== wp_remote_retrieve_response_code( $health ) ) {
		return array( array( false, __( 'The service isn’t responding. Check the URL, and make sure that the service is running.', 'embedkit' ) ) );
	}
	delete_transient( 'embedkit_down' );
	return array( array( true, __( 'The service answers.', 'embedkit' ) ), picture_finding(), token_finding(), picker_finding() );
}

function picture_finding(): array {
	$answer = json_decode( wp_remote_retrieve_body( request( '/v1/render', array( 'content' => '[getty ' . SAMPLE . ']' ), BACKGROUND_S ) ), true );
	return false !== strpos( $answer['content'] ?? '', '<iframe' )
		? array( true, __( 'It shows pictures.', 'embedkit' ) )
		: array( false, ( $answer['problems'][0]['detail'] ?? '' ) ?: __( 'It doesn’t show the sample picture. See /readyz of the service for the reason.', 'embedkit' ) );
}

function token_finding(): array {
	if ( '' === token() ) {
		return array( false, __( 'Without a token, editors can’t search, but pasted links work. Enter one of the service’s EMBEDKIT_TOKENS.', 'embedkit' ) );
	}
	return 201 === wp_remote_retrieve_response_code( request( '/v1/grants', array(), BACKGROUND_S ) )
		? array( true, __( 'It knows the token.', 'embedkit' ) )
		: array( false, __( 'It doesn’t accept the token. Enter one of its EMBEDKIT_TOKENS.', 'embedkit' ) );
}

/** Check the picker page's own policy, which says who may frame it. */
function picker_finding(): array {
	$policy = (string) wp_remote_retrieve_header( request( '/picker', null, BACKGROUND_S ), 'content-security-policy' );
	preg_match( '#frame-ancestors ([^;]*)#', $policy, $found );
	return in_array( origin(), explode( ' ', $found[1] ?? '' ), true )
		? array( true, __( 'Its picker may be shown here.', 'embedkit' ) )
		/* translators: %s: an origin, such as https://example.org */
		: array( false, sprintf( __( 'Its picker may not be shown here. Start the service with EMBEDKIT_PICKER_ORIGINS=%s', 'embedkit' ), origin() ) );
}

/** Scheme, host and port of this site's admin. */
function origin(): string {
	$parts = wp_parse_url( admin_url() );
	return $parts['scheme'] . '://' . $parts['host'] . ( isset( $parts['port'] ) ? ':' . $parts['port'] : '' );
}

/** Run the test if its button was pressed; check_admin_referer() verifies the request. */
function test(): void {
	if ( ! isset( $_POST['embedkit_test'] ) ) {
		return;
	}
	check_admin_referer( 'embedkit_test' );
	foreach ( findings() as list( $good, $message ) ) {
		notice( $good ? 'success' : 'warning', $message );
	}
}

/** A substitute for wp_admin_notice(), which needs WordPress 6.4. */
function notice( string $kind, string $message ): void {
	printf( '<div class="notice notice-%s" role="status"><p>%s</p></div>', esc_attr( $kind ), esc_html( $message ) );
}

function page(): void {
	if ( ! current_user_can( 'manage_options' ) ) {
		return;
	}
	?>
	<div class="wrap">
		<h1><?php esc_html_e( 'embedkit: Getty Images pictures', 'embedkit' ); ?></h1>
		<?php test(); ?>
		<form action="options.php" method="post">
			<?php settings_fields( 'embedkit' ); ?>
			<table class="form-table" role="presentation">
				<tr>
					<th scope="row"><label for="embedkit_service"><?php esc_html_e( 'Service URL', 'embedkit' ); ?></label></th>
					<td><input type="url" class="regular-text" id="embedkit_service" name="embedkit_service" placeholder="https://embeds.example.org" value="<?php echo esc_attr( service() ); ?>"></td>
				</tr>
				<tr>
					<th scope="row"><label for="embedkit_token"><?php esc_html_e( 'Token', 'embedkit' ); ?></label></th>
					<td>
						<?php if ( defined( 'EMBEDKIT_TOKEN' ) ) : ?>
							<p><?php esc_html_e( 'Set by EMBEDKIT_TOKEN in wp-config.php.', 'embedkit' ); ?></p>
						<?php else : ?>
							<input type="password" class="regular-text" id="embedkit_token" name="embedkit_token" autocomplete="off" aria-describedby="embedkit_token_hint" placeholder="<?php echo esc_attr( '' === token() ? '' : __( 'Saved. Type to replace it.', 'embedkit' ) ); ?>">
							<p class="description" id="embedkit_token_hint"><?php esc_html_e( 'For the picker: one of the service’s EMBEDKIT_TOKENS. It stays on this server, and is never shown. Type - to delete it.', 'embedkit' ); ?></p>
						<?php endif; ?>
					</td>
				</tr>
				<tr>
					<th scope="row"><label for="embedkit_target"><?php esc_html_e( 'Pictures', 'embedkit' ); ?></label></th>
					<td><select id="embedkit_target" name="embedkit_target">
						<option value="web" <?php selected( page_target(), 'web' ); ?>><?php esc_html_e( 'Load with the page', 'embedkit' ); ?></option>
						<option value="facade" <?php selected( page_target(), 'facade' ); ?>><?php esc_html_e( 'Load after a click', 'embedkit' ); ?></option>
					</select></td>
				</tr>
				<tr>
					<th scope="row"><label for="embedkit_privacy"><?php esc_html_e( 'Privacy page', 'embedkit' ); ?></label></th>
					<td>
						<?php
						wp_dropdown_pages(
							array(
								'name'              => 'embedkit_privacy',
								'selected'          => (int) get_option( 'embedkit_privacy' ),
								'show_option_none'  => esc_html__( 'The page in Settings → Privacy', 'embedkit' ),
								'option_none_value' => '0',
							)
						);
						?>
						<p class="description"><?php esc_html_e( 'Pictures that load after a click link to it.', 'embedkit' ); ?></p>
					</td>
				</tr>
			</table>
			<?php submit_button(); ?>
		</form>
		<form method="post">
			<?php wp_nonce_field( 'embedkit_test' ); ?>
			<button class="button" name="embedkit_test" value="1"><?php esc_html_e( 'Test', 'embedkit' ); ?></button>
		</form>
	</div>
	<?php
}

/** Suggest a text about the pictures for the site's privacy policy, under Settings → Privacy. */
add_action(
	'admin_init',
	static function (): void {
		$message = __( 'Pictures from Getty Images are shown in frames. When a picture comes into view, or after a click if this site asks first, your browser sends your IP address and information about itself to Getty Images, which may set cookies.', 'embedkit' );
		wp_add_privacy_policy_content( 'embedkit', wp_kses_post( wpautop( $message ) ) );
	}
);
