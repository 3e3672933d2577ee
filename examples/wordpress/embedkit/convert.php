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
	$answer = ask( '/v1/convert', array( 'content' => $before, 'input' => 'html' ) );
	if ( empty( $answer['content'] ) || empty( $answer['converted'] ) || ! empty( $answer['problems'] ) ) {
		return $data;
	}
	original( wp_unslash( $data['post_content'] ) );
	$data['post_content'] = sanitize_post_field( 'post_content', wp_slash( $answer['content'] ), (int) ( $post['ID'] ?? 0 ), 'db' );
	return $data;
}
add_filter( 'wp_insert_post_data', __NAMESPACE__ . '\converted', 1, 3 );

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
