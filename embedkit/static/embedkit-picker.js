/* embedkit's picker: search the pictures of Getty Images that may be embedded, choose, insert.
 *
 * embedkit-picker.d.ts documents attributes, methods, events and styles; picker/types.d.ts what the modules share. Read
 * element.js and picker.js first: imports lead from there to the parts, and never back.
 */

import { EmbedKitPicker, openPicker } from "./picker/element.js";

export { reference, shortcode } from "./picker/images.js";
export { justify } from "./picker/results.js";
export { EmbedKitPicker };

export const EmbedKit = { open: openPicker };

if (!customElements.get("embedkit-picker")) customElements.define("embedkit-picker", EmbedKitPicker);
globalThis.EmbedKit ??= EmbedKit;
