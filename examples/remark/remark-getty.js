/* Getty Images pictures in Markdown and MDX, for hosts that run remark plugins: Astro, Docusaurus, Next, Gatsby.
 *
 * Options: url and token (default: EMBEDS_URL and EMBEDS_TOKEN), target, strict, patience.
 *
 * A paragraph that mentions Getty is sent to the service as HTML. Everything in it that isn't text is replaced by a
 * numbered element, and restored afterwards. The markup of pictures becomes nodes instead of raw HTML, which MDX would
 * reject. So nothing in a picture's texts is read as Markdown, JSX or an expression.
 */
import { fromHtml } from "hast-util-from-html";
import { Service, fromEnvironment, report } from "../javascript/client.js";

const BLOCKS = { paragraph: "p", heading: "h2", tableCell: "h2" }; // headings and cells can't contain blocks
const SPANS = { emphasis: "em", strong: "strong", delete: "del", link: "a" };
const MENTIONS = /getty|gty\.im/i;

let shared; // by all documents of a build, so that they are sent together

export default function remarkGetty(options = {}) {
  shared ??= new Service(fromEnvironment(options));
  return async (tree, file) => {
    await Promise.all([...blocks(tree)].map((place) => replace(place, file, options)));
  };
}

/** Yield the paragraphs, headings and cells that mention Getty, but not code. */
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
  // cells and headings keep their type; a paragraph may have become a figure, or several blocks
  if (node.type === "paragraph") parent.children.splice(parent.children.indexOf(node), 1, ...found);
  else node.children = found.flatMap((one) => (one.type === node.type ? one.children : [one]));
}

/** Return an inline node as HTML. */
function write(node, kept) {
  if (node.type === "text") return escape(node.value);
  if (node.type === "break") return "<br>";
  if (node.type === "link" && words({ children: node.children }) === node.url) return escape(node.url);
  const name = SPANS[node.type] ?? "i";
  const inside = node.type in SPANS ? node.children.map((child) => write(child, kept)).join("") : "";
  return `<${name} data-n="${kept.push(node) - 1}">${inside}</${name}>`;
}

const escape = (text) => text.replace(/[&<>]/g, (char) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[char]);

/** Convert HTML to Markdown nodes: numbered elements are restored, and a picture becomes an opaque element. */
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
