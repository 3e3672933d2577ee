<?php
/**
 * Posts as readers see them: the service renders a whole text at once, and the result is stored with the post.
 */

namespace EmbedKit;

defined( 'ABSPATH' ) || exit;

const FRESH_S   = 300;                  // how long a rendering is used without asking again
const KEPT_S    = 30 * DAY_IN_SECONDS;  // how long it is used if the service can't be reached
const MOST_KEPT = 8;                    // texts of one post and target, such as its pages and its excerpt
const TEMPORARY = array( 'provider', 'rate-limited', 'quota-exhausted', 'unavailable', 'invalid-response', 'throttled' );
const WITHDRAWN = array( 'not-found', 'not-embeddable' );

/** Return the target for the current place: feeds can't show frames, and excerpts and search results no markup. */
function target(): string {
	$target = page_target();
	if ( doing_filter( 'get_the_excerpt' ) || ( is_search() && ! is_feed() ) ) {
		$target = 'text';
	} elseif ( is_feed() ) {
		$target = 'feed';
	} elseif ( function_exists( 'amp_is_request' ) && amp_is_request() ) {
		$target = 'amp';
	}
	return (string) apply_filters( 'embedkit_target', $target );
}

/**
 * Return a text of a post with its references replaced.
 *
 * This runs before autoembed (8), do_blocks (9) and wpautop (10), which would break up links and quotes.
 */
function content( string $text ): string {
	return with_privacy( rendered( $text, target(), (int) get_the_ID() ) );
}
add_filter( 'the_content', __NAMESPACE__ . '\content', 6 );

/**
 * Return the last good rendering while it is fresh; else a new one; else the last good one, or links to Getty's pages.
 *
 * @param string $text   The text as the author wrote it.
 * @param string $target The target to render.
 * @param int    $post   The post that stores the rendering; 0 stores it nowhere.
 */
function rendered( string $text, string $target, int $post ): string {
	if ( ! mentions( $text ) ) {
		return $text;
	}
	$hash = md5( service() . $text );
	$last = kept( $post, $target )[ $hash ] ?? array( 'content' => '', 'time' => 0, 'until' => 0 );
	if ( time() < $last['until'] ) {
		return $last['content'];
	}
	$answer = ask( '/v1/render', array( 'content' => $text, 'input' => 'html', 'target' => $target, 'pasted' => true ) );
	$new    = (string) ( $answer['content'] ?? '' );
	$is_old = time() - $last['time'] > KEPT_S;
	if ( is_complete( $answer ) ) {
		$last = array( 'content' => $new, 'time' => time(), 'until' => time() + FRESH_S );
	} else {
		refresh_later( $post, $target );
		$last['content'] = $is_old ? ( $new ?: links( $text ) ) : $last['content'];
		$last['until']   = time() + REST_S;
	}
	keep( $post, $target, $hash, $last );
	return $last['content'];
}

/** Return whether a text may contain references. */
function mentions( string $text ): bool {
	return false !== stripos( $text, 'getty' ) || false !== stripos( $text, 'gty.im' );
}

/** Return whether a rendering may replace the previous one: it has all its pictures, or one of them is withdrawn. */
function is_complete( ?array $answer ): bool {
	$codes = wp_list_pluck( $answer['problems'] ?? array(), 'code' );
	return ! empty( $answer['content'] ) && ( ! array_intersect( $codes, TEMPORARY ) || array_intersect( $codes, WITHDRAWN ) );
}

/** Return the renderings of a post for a target, by the hash of the text. */
function kept( int $post, string $target ): array {
	return $post ? (array) ( get_post_meta( $post, "_embedkit_$target", true ) ?: array() ) : array();
}

/** Store a rendering with its post, and keep the newest others, up to MOST_KEPT for each target. */
function keep( int $post, string $target, string $hash, array $rendering ): void {
	if ( $post ) {
		$all = array( $hash => $rendering ) + kept( $post, $target );
		update_post_meta( $post, "_embedkit_$target", wp_slash( array_slice( $all, 0, MOST_KEPT, true ) ) );
	}
}

/** Schedule a rendering in the background, with a longer timeout. */
function refresh_later( int $post, string $target ): void {
	if ( $post && ! wp_doing_cron() ) {
		wp_schedule_single_event( time() + REST_S, 'embedkit_refresh', array( $post, $target ) );
	}
}

/** Render a post as for its readers: through all filters, page by page, and its excerpt. */
function refresh( int $id, string $target ): void {
	$post = get_post( $id );
	if ( ! $post ) {
		return;
	}
	$wanted = static function () use ( $target ): string {
		return $target;
	};
	add_filter( 'embedkit_target', $wanted );
	expire( $id, $target );
	$GLOBALS['post'] = $post; // setup_postdata() needs it
	setup_postdata( $post );
	foreach ( 'text' === $target ? array() : $GLOBALS['pages'] as $page ) {
		apply_filters( 'the_content', $page );
	}
	if ( 'text' === $target ) {
		get_the_excerpt( $post );
	}
	wp_reset_postdata();
	remove_filter( 'embedkit_target', $wanted );
}
add_action( 'embedkit_refresh', __NAMESPACE__ . '\refresh', 10, 2 );

/** Expire the renderings of a post, so that they are requested again. */
function expire( int $post, string $target ): void {
	foreach ( kept( $post, $target ) as $hash => $rendering ) {
		keep( $post, $target, $hash, array( 'until' => 0 ) + $rendering );
	}
}

/**
 * The fallback without the service: replace shortcodes, and URLs alone on their line or in [embed], with links to Getty's
 * pages. Code stays unchanged, and [[getty …]] loses its outer brackets.
 */
function links( string $text ): string {
	$code = '<(pre|code|script|style|textarea)\b.*?</\1\s*>(*SKIP)(*F)|<[^>]*>(*SKIP)(*F)'; // also skip tags
	$tag  = '\[\[getty\b[^\]]*\]\]|\[getty\b((?:"[^"]*"|[^\]"])*)\](?:([^\[<]*)\[/getty\])?';
	$url  = '(?:\[embed[^\]]*\]|^|(?<=<p>))[ \t]*(https?://(?:www\.)?(?:gty\.im|gettyimages\.[a-z.]{2,6})/[^\s<>"\[]+)[ \t\r]*(?:\[/embed\]|$|(?=</p>))';
	$done = preg_replace_callback( "~$code|$tag|$url~ims", __NAMESPACE__ . '\link', $text );
	return is_string( $done ) ? $done : $text;
}

/** Replace a match of links(): the whole match, the attributes of a shortcode, its content, the URL. */
function link( array $match ): string {
	if ( 0 === strpos( $match[0], '[[' ) ) {
		return substr( $match[0], 1, -1 );
	}
	if ( ! empty( $match[4] ) ) {
		return anchor( $match[4] );
	}
	$written = shortcode_parse_atts( $match[2] ?? '' );
	$written = (array) $written;
	$ref     = (string) ( ( $written['src'] ?? '' ) ?: ( $written[0] ?? '' ) ?: ( $match[3] ?? '' ) );
	preg_match_all( '#https?://\S+|[A-Za-z0-9-]+#', $ref, $found );
	return implode( ' ', array_map( __NAMESPACE__ . '\anchor', $found[0] ) );
}

function anchor( string $ref ): string {
	$url = false === strpos( $ref, '://' ) ? 'https://www.gettyimages.com/detail/' . $ref : $ref;
	return sprintf( '<a href="%s">%s</a>', esc_url( $url ), esc_html__( 'View the picture on Getty Images', 'embedkit' ) );
}

/** Link click-to-load pictures to this site's privacy page. Stored renderings don't contain the link: it may change. */
function with_privacy( string $html ): string {
	$choice = '<label class="ek-choice">';
	if ( '' === privacy_url() || false === strpos( $html, $choice ) ) {
		return $html;
	}
	$link = sprintf( '<a class="ek-privacy" href="%s">%s</a> ', esc_url( privacy_url() ), esc_html__( 'Privacy Policy' ) );
	return preg_replace( '#(?:<a class="ek-privacy"[^>]*>[^<]*</a> )?(?=' . preg_quote( $choice, '#' ) . ')#', addcslashes( $link, '\\$' ), $html ) ?? $html;
}

/**
 * WordPress also runs shortcodes in code, and escaped ones after we have unescaped them. But a shortcode that the service
 * has left in a text must stay text, so remove the handler, including Jetpack's.
 */
add_action(
	'init',
	static function (): void {
		remove_shortcode( 'getty' );
	},
	99
);

/** Load the stylesheet, and the script of "facade", on pages with a picture. */
function assets(): void {
	$posts = (array) ( $GLOBALS['wp_query']->posts ?? array() );
	$texts = implode( '', wp_list_pluck( $posts, 'post_content' ) ) . implode( '', array_map( __NAMESPACE__ . '\featured', $posts ) );
	if ( '' === service() || ! mentions( $texts ) ) {
		return;
	}
	wp_enqueue_style( 'embedkit', service() . '/static/embedkit.css', array(), null );
	if ( 'facade' === page_target() ) {
		wp_enqueue_script( 'embedkit-facade', service() . '/static/embedkit-facade.js', array(), null, true );
	}
}
add_action( 'wp_enqueue_scripts', __NAMESPACE__ . '\assets' );
