<?php
/**
 * What the settings say, and how the service is asked.
 */

namespace EmbedKit;

defined( 'ABSPATH' ) || exit;

const TIMEOUT_S    = 2;  // nobody who reads or writes waits longer
const BACKGROUND_S = 20; // a scheduled event may
const REST_S       = 30; // for so long a service that failed is not asked again

/** The URL of the service, without a slash at its end; empty until it is set. */
function service(): string {
	return untrailingslashit( (string) get_option( 'embedkit_service', '' ) );
}

/** The token that the service knows us by; it never leaves this server but for the service. */
function token(): string {
	return defined( 'EMBEDKIT_TOKEN' ) ? (string) constant( 'EMBEDKIT_TOKEN' ) : (string) get_option( 'embedkit_token', '' );
}

/** How pictures look in pages: "web", or "facade" to ask readers first. */
function page_target(): string {
	return 'facade' === get_option( 'embedkit_target' ) ? 'facade' : 'web';
}

/** The page that tells readers what is sent to whom: the one chosen in the settings, else WordPress's own. */
function privacy_url(): string {
	$page = (int) get_option( 'embedkit_privacy' );
	return ( $page ? (string) get_permalink( $page ) : '' ) ?: get_privacy_policy_url();
}

/**
 * The JSON that the service answers, or null: it is not set up, slow, down, or says no.
 *
 * @param string     $path Path and query, such as "/oembed?url=…".
 * @param array|null $body What to post, as JSON; null asks with GET.
 */
function ask( string $path, ?array $body = null ): ?array {
	if ( '' === service() || ( ! wp_doing_cron() && get_transient( 'embedkit_down' ) ) ) {
		return null;
	}
	$answer = request( $path, $body, wp_doing_cron() ? BACKGROUND_S : TIMEOUT_S );
	$status = (int) wp_remote_retrieve_response_code( $answer );
	$found  = json_decode( wp_remote_retrieve_body( $answer ), true );
	$broken = $status >= 500 && ! isset( $found['code'] ); // else it is the picture that failed, and the service is well
	if ( 0 === $status || 429 === $status || $broken ) {
		$asks = (int) wp_remote_retrieve_header( $answer, 'retry-after' );
		set_transient( 'embedkit_down', 1, min( 2 * REST_S, max( $asks, REST_S ) ) );
	}
	return in_array( $status, array( 200, 201 ), true ) && is_array( $found ) ? $found : null;
}

/** The answer of the service as it came, or what went wrong. */
function request( string $path, ?array $body, int $timeout ) {
	$headers = '' === token() ? array() : array( 'Authorization' => 'Bearer ' . token() );
	$request = array( 'timeout' => $timeout, 'redirection' => 0, 'headers' => $headers );
	if ( null !== $body ) {
		$request['method']  = 'POST';
		$request['body']    = wp_json_encode( (object) $body );
		$request['headers'] += array( 'Content-Type' => 'application/json' );
	}
	return wp_remote_request( service() . $path, $request );
}

/** A pattern of the URLs that can be pictures of Getty's, with "#" around it. */
function getty_urls(): string {
	return '#^https?://(?:www\.|embed\.|media\.)?(?:gty\.im|gettyimages\.[a-z.]{2,6})/\S+$#i';
}
