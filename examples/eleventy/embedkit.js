/* Getty Images pictures in pages built by Eleventy. In eleventy.config.js: eleventyConfig.addPlugin(embedkit, options)
 *
 * Options: url and token (default: EMBEDS_URL and EMBEDS_TOKEN), target, strict, patience.
 */
import { Service, fromEnvironment, report } from "../javascript/client.js";

export default function embedkit(eleventyConfig, options = {}) {
  const service = new Service(fromEnvironment(options));

  // Finished pages, in which code is marked as code, whatever the source format. Eleventy waits before it writes them.
  eleventyConfig.addTransform("embedkit", async function (page) {
    if (!String(this.page.outputPath).endsWith(".html")) return page;
    const { content, problems } = await service.render(page);
    report(problems, this.page.outputPath, options.strict);
    return content;
  });

  // For feeds, whose readers drop frames: {{ post.content | getty | escape }}
  eleventyConfig.addAsyncFilter("getty", async (html, target = "feed") => {
    const { content } = await service.render(html, { target });
    return content;
  });
}
