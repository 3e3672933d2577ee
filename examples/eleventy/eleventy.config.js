import embedkit from "./embedkit.js";

export default function (eleventyConfig) {
  eleventyConfig.addPlugin(embedkit);
  eleventyConfig.addGlobalData("service", process.env.EMBEDS_URL);
  eleventyConfig.addGlobalData("layout", "page.njk");
}

export const config = { dir: { input: "content", includes: "../_includes" } };
