<?php
/**
 * Access to the settings and the service.
 */

namespace EmbedKit;

defined( 'ABSPATH' ) || exit;

const TIMEOUT_S    = 2;  // for readers and authors
const BACKGROUND_S = 20; // for scheduled events
const REST_S       = 30; // before a service that failed is asked again

/** The URL of the service, without a trailing slash; empty until it is set. */
function service(): string {
	return untrailingslashit( (string) get_option( 'embedkit_service', '' ) );
}

/** The token for the service; it is sent to the service only. */
function token(): string {
	return defined( 'EMBEDKIT_TOKEN' ) ? (string) constant( 'EMBEDKIT_TOKEN' ) : (string) get_option( 'embedkit_token', '' );
}

/** The target for pages: "web", or "facade" to ask readers first. */
function page_target(): string {
	return 'facade' === get_option( 'embedkit_target' ) ? 'facade' : 'web';
}

/** The URL of the privacy page: the one chosen in the settings, else WordPress's own. */
function privacy_url(): string {
	$page = (int) get_option( 'embedkit_privacy' );
	return ( $page ? (string) get_permalink( $page ) : '' ) ?: get_privacy_policy_url();
}

/**
 * Return the service's JSON response, or null if the service isn't set up, is slow or down, or rejects the request.
 *
 * @param string     $path Path and query, such as "/oembed?url=…".
 * @param array|null $body The JSON body of a POST request; null for a GET request.
 */
function ask( string $path, ?array $body = null ): ?array {
	if ( '' === service() || ( ! wp_doing_cron() && get_transient( 'embedkit_down' ) ) ) {
		return null;
	}
	$answer = request( $path, $body, wp_doing_cron() ? BACKGROUND_S : TIMEOUT_S );
	$status = (int) wp_remote_retrieve_response_code( $answer );
	$found  = json_decode( wp_remote_retrieve_body( $answer ), true );
	$broken = $status >= 500 && ! isset( $found['code'] ); // otherwise the picture failed, and the service works
	if ( 0 === $status || 429 === $status || $broken ) {
		$asks = (int) wp_remote_retrieve_header( $answer, 'retry-after' );
		set_transient( 'embedkit_down', 1, min( 2 * REST_S, max( $asks, REST_S ) ) );
	}
	return in_array( $status, array( 200, 201 ), true ) && is_array( $found ) ? $found : null;
}

/** Return the service's raw response, or a WP_Error. */
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

/** A pattern for the URLs of Getty pictures, delimited by "#". */
function getty_urls(): string {
	return '#^https?://(?:www\.|embed\.|media\.)?(?:gty\.im|gettyimages\.[a-z.]{2,6})/\S+$#i';
}
