/* A site built by remark alone, without a framework: pages in Markdown and MDX. */
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { evaluate } from "@mdx-js/mdx";
import { createElement } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import * as runtime from "react/jsx-runtime";
import rehypeRaw from "rehype-raw";
import rehypeStringify from "rehype-stringify";
import remarkGfm from "remark-gfm";
import remarkParse from "remark-parse";
import remarkRehype from "remark-rehype";
import { unified } from "unified";
import remarkGetty from "./remark-getty.js";

const plugins = [remarkGfm, remarkGetty];
const markdown = unified()
  .use(remarkParse)
  .use(plugins)
  .use(remarkRehype, { allowDangerousHtml: true })
  .use(rehypeRaw)
  .use(rehypeStringify);

const readers = {
  md: async (file) => String(await markdown.process(file)),
  mdx: async (file) => {
    const { default: page } = await evaluate(file, { ...runtime, remarkPlugins: plugins });
    return renderToStaticMarkup(createElement(page));
  },
};

const page = (body) => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>A site</title>
<link rel="stylesheet" href="${process.env.EMBEDS_URL}/static/embedkit.css">
<style>body { max-width: 42rem; margin: 2rem auto; padding: 0 1rem; font: 1.1rem/1.6 Georgia, serif }</style>
${body}
`;

const paths = (await readdir("content")).map((name) => `content/${name}`);
const files = await Promise.all(paths.map(async (path) => ({ path, value: await readFile(path, "utf8") })));
const bodies = await Promise.all(files.map((file) => readers[file.path.split(".").pop()](file)));
await mkdir("built", { recursive: true });
await Promise.all(
  paths.map((path, index) => writeFile(path.replace(/^content(.*)\.mdx?$/, "built$1.html"), page(bodies[index]))),
);
