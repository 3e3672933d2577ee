<?php
/**
 * Plugin Name:       embedkit: Getty Images pictures
 * Description:       Shows Getty Images pictures in your posts: write [getty 74917285], or paste a link on a line of its own.
 * Version:           0.1.0
 * Requires at least: 6.1
 * Requires PHP:      7.4
 * License:           MIT
 * Text Domain:       embedkit
 */

namespace EmbedKit;

defined( 'ABSPATH' ) || exit;

const FRESH_S   = 300;              // for so long a rendered post is used as it is
const KEPT_S    = 30 * DAY_IN_SECONDS; // for so long it is used if the service can't be reached
const TIMEOUT_S = 2;                // a reader never waits longer
const REST_S    = 30;               // for so long a service that failed is not asked again

/** The URL of the service, without a slash at its end; empty until it is set. */
function service(): string {
	return untrailingslashit( (string) get_option( 'embedkit_service', '' ) );
}

/** How pictures look in pages: "web", or "facade" to ask readers first. */
function page_target(): string {
	return 'facade' === get_option( 'embedkit_target' ) ? 'facade' : 'web';
}

/** What the place needs: frames don't live in feeds, markup doesn't in excerpts. */
function target(): string {
	if ( is_feed() ) {
		return 'feed';
	}
	if ( doing_filter( 'get_the_excerpt' ) ) {
		return 'text';
	}
	return function_exists( 'amp_is_request' ) && amp_is_request() ? 'amp' : page_target();
}

/**
 * The JSON that the service answers, or null: it is not set up, slow, down, or says no.
 *
 * @param string     $path Path and query, such as "/oembed?url=…".
 * @param array|null $body What to post, as JSON; null asks with GET.
 */
function ask( string $path, ?array $body = null ): ?array {
	if ( '' === service() || get_transient( 'embedkit_down' ) ) {
		return null;
	}
	$request = array( 'timeout' => TIMEOUT_S, 'redirection' => 0 );
	if ( null !== $body ) {
		$request += array(
			'method'  => 'POST',
			'headers' => array( 'Content-Type' => 'application/json' ),
			'body'    => wp_json_encode( $body ),
		);
	}
	$answer = wp_remote_request( service() . $path, $request );
	$status = (int) wp_remote_retrieve_response_code( $answer );
	if ( 0 === $status || $status >= 500 ) {
		set_transient( 'embedkit_down', 1, REST_S );
	}
	$found = 200 === $status ? json_decode( wp_remote_retrieve_body( $answer ), true ) : null;
	return is_array( $found ) ? $found : null;
}

/**
 * A post with its references replaced. The last rendering is kept with the post, so that it is asked for once in
 * FRESH_S, and still there when the service is down; without one, shortcodes become links.
 *
 * Before autoembed (8), do_blocks (9) and wpautop (10), which would take links and quotes apart.
 */
function content( string $text ): string {
	if ( false === stripos( $text, 'getty' ) && false === stripos( $text, 'gty.im' ) ) {
		return $text;
	}
	$key  = '_embedkit_' . target();
	$hash = md5( service() . $text );
	$kept = get_post_meta( (int) get_the_ID(), $key, true );
	$age  = is_array( $kept ) && $kept['hash'] === $hash ? time() - $kept['time'] : PHP_INT_MAX;
	if ( $age < FRESH_S ) {
		return $kept['content'];
	}
	$answer = ask( '/v1/render', array( 'content' => $text, 'input' => 'html', 'target' => target(), 'pasted' => true ) );
	if ( ! isset( $answer['content'] ) && $age < KEPT_S ) {
		return $kept['content'];
	}
	if ( ! isset( $answer['content'] ) ) {
		add_shortcode( 'getty', __NAMESPACE__ . '\link' );
		return $text;
	}
	if ( get_the_ID() ) {
		$now = array( 'hash' => $hash, 'time' => time(), 'content' => $answer['content'] );
		update_post_meta( get_the_ID(), $key, wp_slash( $now ) );
	}
	return $answer['content'];
}
add_filter( 'the_content', __NAMESPACE__ . '\content', 6 );

/** Without the service: a link to the picture at Getty, instead of the bare shortcode. */
function link( $attributes, ?string $inside = null ): string {
	$attributes = (array) $attributes;
	$ref        = ( $attributes['src'] ?? '' ) ?: ( $attributes[0] ?? '' ) ?: (string) $inside;
	if ( ! preg_match( '/[A-Za-z0-9-]+/', (string) $ref, $found ) ) {
		return '';
	}
	return sprintf(
		'<a href="%s">%s</a>',
		esc_url( 'https://www.gettyimages.com/detail/' . $found[0] ),
		esc_html__( 'View the picture on Getty Images', 'embedkit' )
	);
}

/**
 * WordPress runs shortcodes in code as well, and those that an author escaped after we have unescaped them. So there is
 * one only while a text is shown that could not be rendered; Jetpack's own makes way.
 */
function no_shortcode( string $text = '' ): string {
	remove_shortcode( 'getty' );
	return $text;
}
add_action( 'init', __NAMESPACE__ . '\no_shortcode', 99, 0 );
add_filter( 'the_content', __NAMESPACE__ . '\no_shortcode', 12 ); // behind do_shortcode

/** The stylesheet, and the script of "facade", on pages that have a picture. */
function assets(): void {
	$texts = implode( '', wp_list_pluck( $GLOBALS['wp_query']->posts ?? array(), 'post_content' ) );
	if ( '' === service() || ! preg_match( '/getty|gty\.im/i', $texts ) ) {
		return;
	}
	wp_enqueue_style( 'embedkit', service() . '/static/embedkit.css', array(), null );
	if ( 'facade' === page_target() ) {
		wp_enqueue_script( 'embedkit-facade', service() . '/static/embedkit-facade.js', array(), null, true );
	}
}
add_action( 'wp_enqueue_scripts', __NAMESPACE__ . '\assets' );

/**
 * Previews in the editors. Only there: as a handler everywhere it would also act on links in code, and WordPress's own
 * oEmbed cache would never let go of a picture that Getty has withdrawn.
 */
function previews(): void {
	wp_embed_register_handler( 'embedkit', '#^https?://(?:www\.)?(?:gty\.im|gettyimages\.[a-z.]+)/\S+$#i', __NAMESPACE__ . '\preview' );
}
add_action( 'admin_init', __NAMESPACE__ . '\previews' );
add_filter(
	'rest_pre_dispatch',
	static function ( $result, $server, $request ) {
		if ( '/oembed/1.0/proxy' === $request->get_route() ) {
			previews();
		}
		return $result;
	},
	10,
	3
);

/** The picture of a link, as the service gives it to any oEmbed consumer. */
function preview( array $matches, array $attributes, string $url ): string {
	$answer = ask( '/oembed?' . http_build_query( array( 'url' => $url, 'maxwidth' => (int) ( $attributes['width'] ?? 500 ) ) ) );
	return $answer['html'] ?? sprintf( '<a href="%1$s">%1$s</a>', esc_url( $url ) );
}

if ( is_admin() ) {
	require __DIR__ . '/settings.php';
}
