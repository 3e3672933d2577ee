/* Getty Images pictures in what Eleventy writes. In eleventy.config.js: eleventyConfig.addPlugin(embedkit, options)
 *
 * Options: url and token (else EMBEDS_URL and EMBEDS_TOKEN), target, strict, patience.
 */
import { Service, fromEnvironment, report } from "../javascript/client.js";

export default function embedkit(eleventyConfig, options = {}) {
  const service = new Service(fromEnvironment(options));

  // Finished pages: whatever the markup language, code is code there. Eleventy writes no page before this is done.
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
