<?php
/**
 * Pasted embed code becomes a shortcode when a post is saved. WordPress takes the script out of such code unless the
 * author may write any markup (unfiltered_html), so the service gets to see it as it was typed.
 */

namespace EmbedKit;

defined( 'ABSPATH' ) || exit;

/** Parts of Getty's embed code, also of what WordPress leaves of it. */
const EMBED_CODE = '#embed\.gettyimages\.|embed-cdn\.gettyimages\.|gie\.widgets|gie-(?:single|slideshow)|window\.gie|getty embed image#i';

/**
 * The fields of a post with its embed code converted; as typed if the service is silent or reports a problem.
 *
 * @param array $data  Slashed, and sanitized as WordPress does.
 * @param array $post  The same before WordPress gave it defaults.
 * @param array $typed Slashed, and as it was sent.
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

/** A text with its embed code as shortcodes; as it is if the service is silent or reports a problem. */
function with_shortcodes( string $text ): string {
	$answer = ask( '/v1/convert', array( 'content' => $text, 'input' => 'html' ) );
	return empty( $answer['content'] ) || ! empty( $answer['problems'] ) ? $text : (string) $answer['content'];
}

/** The block editor takes embed code apart as it is pasted, so it asks then. */
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

/** What the post in hand would have been without us, once: it is forgotten when it is asked for. */
function original( ?string $text = null ): ?string {
	static $kept = null;
	$before = $kept;
	$kept   = $text;
	return $before;
}

/** A revision with the text as it was typed, right before WordPress makes the one with our text. */
function keep_original( int $id ): void {
	$text = original();
	$post = null === $text ? null : get_post( $id );
	if ( $post && wp_revisions_enabled( $post ) ) {
		_wp_put_post_revision( array( 'post_content' => $text ) + $post->to_array() );
	}
}
add_action( 'post_updated', __NAMESPACE__ . '\keep_original', 9 );
add_action( 'wp_insert_post', __NAMESPACE__ . '\keep_original', 9 );
