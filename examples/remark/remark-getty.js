/* Getty Images pictures in Markdown and MDX, for whatever runs remark plugins: Astro, Docusaurus, Next, Gatsby.
 *
 * Options: url and token (else EMBEDS_URL and EMBEDS_TOKEN), target, strict, patience.
 *
 * A paragraph that mentions Getty goes to the service as HTML; everything in it that is not text is a numbered
 * element, which comes back and is put in its place again. The markup of pictures becomes nodes and no raw HTML, which
 * MDX would refuse. So nothing in a picture's texts is read as Markdown, JSX or an expression.
 */
import { fromHtml } from "hast-util-from-html";
import { Service, fromEnvironment, report } from "../javascript/client.js";

const BLOCKS = { paragraph: "p", heading: "h2", tableCell: "h2" }; // in a heading and in a cell stand no blocks
const SPANS = { emphasis: "em", strong: "strong", delete: "del", link: "a" };
const MENTIONS = /getty|gty\.im/i;

let shared; // by all documents of a build, so that they go together

export default function remarkGetty(options = {}) {
  shared ??= new Service(fromEnvironment(options));
  return async (tree, file) => {
    await Promise.all([...blocks(tree)].map((place) => replace(place, file, options)));
  };
}

/** Paragraphs, headings and cells that mention Getty; code is none of them. */
function* blocks(parent) {
  for (const node of parent.children ?? []) {
    if (!(node.type in BLOCKS)) yield* blocks(node);
    else if (MENTIONS.test(words(node))) yield { parent, node };
  }
}

const words = (node) => (node.value ?? "") + (node.url ?? "") + (node.children ?? []).map(words).join(" ");

async function replace({ parent, node }, file, options) {
  const kept = [];
  const name = BLOCKS[node.type];
  const written = `<${name}>${node.children.map((child) => write(child, kept)).join("")}</${name}>`;
  const { content, problems } = await shared.render(written);
  const { line, column } = node.position?.start ?? { line: 1, column: 1 };
  report(problems.map((one) => ({ ...one, line, column })), file.path, options.strict);
  if (content === written) return;
  const found = read(fromHtml(content, { fragment: true }).children, node, kept);
  // a cell or a heading stays what it is; a paragraph may have become a figure, or several blocks
  if (node.type === "paragraph") parent.children.splice(parent.children.indexOf(node), 1, ...found);
  else node.children = found.flatMap((one) => (one.type === node.type ? one.children : [one]));
}

/** An inline node as HTML. */
function write(node, kept) {
  if (node.type === "text") return escape(node.value);
  if (node.type === "break") return "<br>";
  if (node.type === "link" && words({ children: node.children }) === node.url) return escape(node.url);
  const name = SPANS[node.type] ?? "i";
  const inside = node.type in SPANS ? node.children.map((child) => write(child, kept)).join("") : "";
  return `<${name} data-n="${kept.push(node) - 1}">${inside}</${name}>`;
}

const escape = (text) => text.replace(/[&<>]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[sign]);

/** HTML as nodes of Markdown: what was numbered is what it was; a picture is an element without Markdown in it. */
function read(children, block, kept) {
  return children.flatMap((one) => {
    if (one.type === "text") return [{ type: "text", value: one.value }];
    if (one.type !== "element") return [];
    const inside = () => read(one.children, block, kept);
    if (one.properties.dataN !== undefined) {
      const node = kept[Number(one.properties.dataN)];
      return [node.type in SPANS ? { ...node, children: inside() } : node];
    }
    if (one.tagName === "br") return [{ type: "break" }];
    if (one.tagName === BLOCKS[block.type]) return [Object.assign({ ...block }, { children: inside() })];
    const { tagName: hName, properties: hProperties, children: hChildren } = one;
    return [{ type: "gettyImage", children: [], data: { hName, hProperties, hChildren } }];
  });
}
