/* embedkit's picker. embedkit-picker.d.ts documents its use, picker/types.d.ts what its modules share. */

import { EmbedKitPicker, openPicker } from "./picker/element.js";

export { reference, shortcode } from "./picker/model.js";
export { justify } from "./picker/results.js";
export { EmbedKitPicker };

export const EmbedKit = { open: openPicker };

if (!customElements.get("embedkit-picker")) customElements.define("embedkit-picker", EmbedKitPicker);
globalThis.EmbedKit ??= EmbedKit;
