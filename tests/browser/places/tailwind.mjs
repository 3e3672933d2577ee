// Prints what Tailwind's own compiler makes of a page with typography.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { compile } from "tailwindcss";

const { resolve } = createRequire(import.meta.url);
const { build } = await compile('@import "tailwindcss"; @plugin "@tailwindcss/typography";', {
  loadStylesheet: (id, base) => ({ path: id, base, content: readFileSync(resolve(`${id}/index.css`), "utf8") }),
  loadModule: async (id, base) => ({ path: id, base, module: (await import(id)).default }),
});
process.stdout.write(build(["prose", "mx-auto", "p-4"]));
