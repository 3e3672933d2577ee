// Reads [[processor, text], …] from a file, and writes each result or error to a file next to it.
import { readFileSync, writeFileSync } from "node:fs";
import { evaluate } from "@mdx-js/mdx";
import { Liquid } from "liquidjs";
import MarkdownIt from "markdown-it";
import Mustache from "mustache";
import nunjucks from "nunjucks";
import { createElement } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import * as runtime from "react/jsx-runtime";
import rehypeRaw from "rehype-raw";
import rehypeStringify from "rehype-stringify";
import remarkParse from "remark-parse";
import remarkRehype from "remark-rehype";
import { unified } from "unified";

console.error = () => {}; // React warns about attributes
const remark = unified().use(remarkParse).use(remarkRehype, { allowDangerousHtml: true }).use(rehypeRaw).use(rehypeStringify);
const markdownIt = new MarkdownIt({ html: true, linkify: true, typographer: true });
const liquid = new Liquid();
const environment = new nunjucks.Environment(null, { autoescape: true });
const values = { a: "LEAK", x: "LEAK" };

const processors = {
  remark: async (text) => String(await remark.process(text)),
  MDX: async (text) => renderToStaticMarkup(createElement((await evaluate(text, { ...runtime })).default)),
  "markdown-it": (text) => markdownIt.render(text),
  nunjucks: (text) => environment.renderString(text, values),
  Liquid: (text) => liquid.parseAndRender(text, values),
  Mustache: (text) => Mustache.render(text, values),
};

const [path] = process.argv.slice(2);
const answers = [];
for (const [name, text] of JSON.parse(readFileSync(path, "utf8"))) {
  try {
    answers.push({ html: await processors[name](text) });
  } catch (error) {
    answers.push({ error: String(error) });
  }
}
writeFileSync(`${path}.out`, JSON.stringify(answers));
