<?php
/**
 * A Getty picture as the featured image: an embed wherever a theme shows a thumbnail.
 */

namespace EmbedKit;

defined( 'ABSPATH' ) || exit;

const FEATURED = '_embedkit_featured';

/** Return the shortcode of a post's featured picture, or "". */
function featured( $post ): string {
	$post = get_post( $post );
	return $post ? (string) get_post_meta( $post->ID, FEATURED, true ) : '';
}

/** Save the shortcode of the featured picture; any other text removes the picture. */
function feature( string $shortcode, int $post ): void {
	$clean = trim( sanitize_text_field( $shortcode ) );
	if ( preg_match( '/^\[getty\b[^\[\]]*\]$/', $clean ) ) {
		update_post_meta( $post, FEATURED, wp_slash( $clean ) );
	} else {
		delete_post_meta( $post, FEATURED );
	}
}

add_filter(
	'has_post_thumbnail',
	static function ( bool $has, $post ): bool {
		return $has || '' !== featured( $post );
	},
	10,
	2
);

add_filter(
	'post_thumbnail_html',
	static function ( string $html, int $post ): string {
		$shortcode = featured( $post );
		return '' === $shortcode || 'text' === target() ? $html : with_privacy( rendered( $shortcode, target(), $post ) );
	},
	10,
	2
);

/**
 * Block themes add a link, an overlay and a size to the featured image. None of them suits a frame, which has its own links
 * and shape.
 */
add_filter(
	'render_block_core/post-featured-image',
	static function ( string $html ): string {
		if ( ! preg_match( '#<figure class="ek\b.*?</figure>#s', $html, $embed ) ) {
			return $html;
		}
		preg_match( '#class="([^"]*)"#', $html, $classes );
		return sprintf( '<div class="%s">%s</div>', esc_attr( $classes[1] ), $embed[0] );
	}
);

/** In the block editor, it is a field of the post, and saved with it. */
add_action(
	'rest_api_init',
	static function (): void {
		register_rest_field(
			get_post_types_by_support( 'thumbnail' ),
			'embedkit_featured',
			array(
				'get_callback'    => static function ( array $post ): string {
					return featured( (int) $post['id'] );
				},
				'update_callback' => static function ( string $shortcode, \WP_Post $post ): void {
					feature( $shortcode, $post->ID );
				},
				'schema'          => array( 'type' => 'string', 'maxLength' => 4000, 'context' => array( 'edit' ) ),
			)
		);
	}
);

/** In the classic editor, it is a field in the "Featured image" box. */
add_filter(
	'admin_post_thumbnail_html',
	static function ( string $html, int $post ): string {
		if ( '' === service() ) {
			return $html;
		}
		classic_editor();
		return $html . sprintf(
			'%s<p class="embedkit-featured"><button type="button" class="button">%s</button> <button type="button" class="button-link" hidden>%s</button><input type="hidden" name="embedkit_featured" value="%s"></p>',
			wp_nonce_field( 'embedkit_featured', 'embedkit_featured_nonce', false, false ),
			esc_html__( 'Choose a Getty picture', 'embedkit' ),
			esc_html__( 'Remove the Getty picture', 'embedkit' ),
			esc_attr( featured( $post ) )
		);
	},
	10,
	2
);

add_action(
	'save_post',
	static function ( int $post ): void {
		$nonce = sanitize_key( $_POST['embedkit_featured_nonce'] ?? '' );
		$field = wp_unslash( $_POST['embedkit_featured'] ?? null ); // feature() sanitizes it
		$ours  = (int) ( $_POST['post_ID'] ?? 0 ) === $post;
		if ( $ours && is_string( $field ) && wp_verify_nonce( $nonce, 'embedkit_featured' ) && current_user_can( 'edit_post', $post ) ) {
			feature( $field, $post );
		}
	}
);
