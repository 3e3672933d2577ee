<?php
/**
 * Pictures in the editors, instead of links and shortcodes. They bypass WordPress's oEmbed cache, which would keep
 * withdrawn pictures.
 */

namespace EmbedKit;

defined( 'ABSPATH' ) || exit;

/**
 * In the admin, a URL is shown as its picture. For readers it stays a link: after rendering, a URL remains in a post only
 * if it is in code, or if the service is down. Without this handler, WordPress would request Getty's pages for oEmbed
 * during a page view, and cache the result.
 */
add_action(
	'init',
	static function (): void {
		wp_embed_register_handler( 'embedkit', getty_urls(), __NAMESPACE__ . '\handle' );
	}
);

function handle( array $matches, array $attributes, string $url ): string {
	return is_admin() ? (string) ( oembed( $url, $attributes )['html'] ?? anchor( $url ) ) : $GLOBALS['wp_embed']->maybe_make_link( $url );
}

/** Return the service's oEmbed response, or null. */
function oembed( string $url, array $attributes ): ?array {
	$width  = (int) ( $attributes['maxwidth'] ?? $attributes['width'] ?? 0 ) ?: 600;
	$answer = ask( '/oembed?' . http_build_query( array( 'url' => $url, 'maxwidth' => $width ) ) );
	return $answer ? array( 'html' => frame( (string) $answer['html'] ) ) + $answer : null;
}

/** Return markup for the admin: a frame, or the text of a card; no code from the service runs there. */
function frame( string $html ): string {
	$frame = array_fill_keys( array( 'src', 'width', 'height', 'title', 'sandbox', 'loading', 'referrerpolicy', 'frameborder' ), true );
	return wp_kses( $html, array( 'iframe' => $frame, 'a' => array( 'href' => true, 'rel' => true ), 'p' => array() ) );
}

/** The block editor calls this route; the response isn't cached, and Getty's pages aren't requested. */
add_filter(
	'rest_dispatch_request',
	static function ( $result, $request, $route ) {
		$url = (string) $request->get_param( 'url' );
		if ( '/oembed/1.0/proxy' !== $route || ! preg_match( getty_urls(), $url ) ) {
			return $result;
		}
		return oembed( $url, $request->get_params() ) ?? new \WP_Error( 'oembed_invalid_url', __( 'The picture can’t be shown right now.', 'embedkit' ), array( 'status' => 404 ) );
	},
	10,
	3
);

/** Return the picture of a shortcode, for users who may write posts. */
function preview( \WP_REST_Request $request ): array {
	$answer = ask( '/v1/render', array( 'content' => (string) $request['text'], 'target' => 'oembed' ) );
	return array( 'html' => frame( (string) ( $answer['content'] ?? '' ) ), 'problem' => (string) ( $answer['problems'][0]['detail'] ?? '' ) );
}

add_action(
	'rest_api_init',
	static function (): void {
		register_rest_route(
			'embedkit/v1',
			'/preview',
			array(
				'methods'             => 'GET',
				'callback'            => __NAMESPACE__ . '\preview',
				'permission_callback' => __NAMESPACE__ . '\may_write',
				'args'                => array( 'text' => array( 'type' => 'string', 'required' => true, 'maxLength' => 4000, 'pattern' => '^\s*\[getty\b[\s\S]*\]\s*$' ) ),
			)
		);
	}
);
