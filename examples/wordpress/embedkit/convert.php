<?php
/**
 * Pasted embed code becomes a shortcode when a post is saved. WordPress removes the script from such code unless the
 * author may write any markup (unfiltered_html), so the service gets the code as it was typed.
 */

namespace EmbedKit;

defined( 'ABSPATH' ) || exit;

/** Parts of Getty's embed code, even after WordPress has removed some of it. */
const EMBED_CODE = '#embed\.gettyimages\.|embed-cdn\.gettyimages\.|gie\.widgets|gie-(?:single|slideshow)|window\.gie|getty embed image#i';

/**
 * Return the fields of a post with its embed code converted; unchanged if the service fails or reports a problem.
 *
 * @param array $data  Slashed, and sanitized by WordPress.
 * @param array $post  The same, before WordPress added defaults.
 * @param array $typed Slashed, as it was sent.
 */
function converted( array $data, array $post, array $typed ): array {
	$is_post = post_type_supports( $data['post_type'], 'editor' ) && ! ( defined( 'DOING_AUTOSAVE' ) && DOING_AUTOSAVE );
	$before  = wp_unslash( (string) ( $typed['post_content'] ?? '' ) );
	if ( ! $is_post || ! preg_match( EMBED_CODE, $before ) ) {
		return $data;
	}
	$after = with_shortcodes( $before );
	if ( $after === $before ) {
		return $data;
	}
	original( wp_unslash( $data['post_content'] ) );
	$data['post_content'] = sanitize_post_field( 'post_content', wp_slash( $after ), (int) ( $post['ID'] ?? 0 ), 'db' );
	return $data;
}
add_filter( 'wp_insert_post_data', __NAMESPACE__ . '\converted', 1, 3 );

/** Return a text with its embed code as shortcodes; unchanged if the service fails or reports a problem. */
function with_shortcodes( string $text ): string {
	$answer = ask( '/v1/convert', array( 'content' => $text, 'input' => 'html' ) );
	return empty( $answer['content'] ) || ! empty( $answer['problems'] ) ? $text : (string) $answer['content'];
}

/** The block editor breaks up embed code when it is pasted, so it calls this route at that moment. */
add_action(
	'rest_api_init',
	static function (): void {
		register_rest_route(
			'embedkit/v1',
			'/convert',
			array(
				'methods'             => 'POST',
				'callback'            => static function ( \WP_REST_Request $request ): array {
					return array( 'content' => with_shortcodes( (string) $request['text'] ) );
				},
				'permission_callback' => __NAMESPACE__ . '\may_write',
				'args'                => array( 'text' => array( 'type' => 'string', 'required' => true, 'maxLength' => 100000 ) ),
			)
		);
	}
);

/** Store the original text of the current post, and return the previous value. Reading it clears it. */
function original( ?string $text = null ): ?string {
	static $kept = null;
	$before = $kept;
	$kept   = $text;
	return $before;
}

/** Create a revision with the text as it was typed, just before WordPress creates the one with the converted text. */
function keep_original( int $id ): void {
	$text = original();
	$post = null === $text ? null : get_post( $id );
	if ( $post && wp_revisions_enabled( $post ) ) {
		_wp_put_post_revision( array( 'post_content' => $text ) + $post->to_array() );
	}
}
add_action( 'post_updated', __NAMESPACE__ . '\keep_original', 9 );
add_action( 'wp_insert_post', __NAMESPACE__ . '\keep_original', 9 );
