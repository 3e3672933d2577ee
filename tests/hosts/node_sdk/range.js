// Calls every operation of the official client once, and prints the results to stdout as one JSON object.
"use strict";

const Api = require("gettyimages-api");

const application = { apiKey: "sandbox-key", apiSecret: "sandbox-secret" };
const customer = { ...application, username: "sandbox-user", password: "sandbox-password" };
const EXAMPLE = "74917285";

const describe = (error) => ({ name: error.name, status: error.statusCode, message: error.message });
const refusal = (call) => call.then(() => "no refusal", describe);

function custom(api, method, route, query = {}, body = undefined) {
  const request = api.customrequest().withMethod(method).withRoute(route).withQueryParameters(query);
  return (body === undefined ? request : request.withBody(body)).execute();
}

async function tokens(api) {
  const first = await api.getAccessToken();
  const renewed = await new Api({ ...application, refresh_token: first.refresh_token }).getAccessToken();
  return {
    seconds: (first.expiration - Date.now()) / 1000,
    kept: (await api.getAccessToken()).access_token === first.access_token,
    renewed: renewed.token_type === "Bearer" && renewed.access_token !== first.access_token,
    wrong: await new Api({ ...application, apiSecret: "wrong" }).getAccessToken(),
  };
}

async function searches(api) {
  return {
    blended: await api
      .searchimages()
      .withPhrase("lake & mountain")
      .withOrientation("horizontal")
      .withOrientation("panoramic_horizontal")
      .withGraphicalStyle("photography")
      .withResponseField("id")
      .withResponseField("title")
      .withResponseField("orientation")
      .withResponseField("uri_oembed")
      .withEmbedContentOnly(true)
      .withExcludeNudity(true)
      .withSortOrder("newest")
      .withPage(1)
      .withPageSize(5)
      .execute(),
    creative: await api
      .searchimagescreative()
      .withAcceptLanguage("de")
      .withPhrase("portrait")
      .withNumberOfPeople("one")
      .withResponseField("detail_set")
      .withPage(1)
      .withPageSize(3)
      .execute(),
    editorial: await api
      .searchimageseditorial()
      .withPhrase("eclipse")
      .withEditorialSegments("news")
      .withEmbedContentOnly(true)
      .withStartDate("2009-01-01")
      .withSortOrder("oldest")
      .withResponseField("id")
      .withResponseField("date_created")
      .withResponseField("editorial_segments")
      .execute(),
  };
}

async function metadata(api) {
  return {
    one: await api.images().withId(EXAMPLE).withResponseField("uri_oembed").withResponseField("title").execute(),
    several: await api.images().withIds([EXAMPLE, "1"]).withId("600000001").execute(),
    similar: await custom(api, "get", `images/${EXAMPLE}/similar`, { page_size: 3, fields: "id" }),
    series: await custom(api, "get", `/images/${EXAMPLE}/same-series`),
    countries: await api.countries().execute(),
    collections: await api.collections().execute(),
    products: await custom(api, "get", "products"),
  };
}

async function downloads(api) {
  return {
    address: await api.downloadsimages().withId(EXAMPLE).execute(),
    smaller: await api
      .downloadsimages()
      .withId(EXAMPLE)
      .withHeight(594)
      .withFileType("jpg")
      .withProductType("easyaccess")
      .withProductId(50002)
      .execute(),
    automatic: await custom(api, "post", `downloads/images/${EXAMPLE}`, { auto_download: true }, null),
    history: await custom(api, "get", "downloads", { page_size: 10 }),
  };
}

async function boards(api) {
  const { id } = await custom(api, "post", "/boards", {}, { name: "Eclipse", description: "For Monday" });
  const added = await custom(api, "put", `boards/${id}/assets`, {}, [{ asset_id: EXAMPLE }, { asset_id: "1" }]);
  await custom(api, "put", `boards/${id}/assets/600000001`, {}, null);
  await custom(api, "put", `boards/${id}`, {}, { name: "Sun and moon" });
  const comment = await custom(api, "post", `boards/${id}/comments`, {}, { text: "Nice" });
  const found = {
    added,
    board: await custom(api, "get", `boards/${id}`),
    list: await custom(api, "get", "boards", { pageSize: 5, sort_order: "name_decending" }),
    comments: await custom(api, "get", `boards/${id}/comments`),
  };
  await custom(api, "delete", `boards/${id}/comments/${comment.id}`);
  await custom(api, "delete", `boards/${id}/assets/600000001`);
  await custom(api, "delete", `boards/${id}/assets`, { asset_ids: [EXAMPLE] });
  found.emptied = await custom(api, "get", `boards/${id}`);
  await custom(api, "delete", `boards/${id}`);
  found.deleted = await refusal(custom(api, "get", `boards/${id}`));
  return found;
}

async function refusals(api) {
  const alone = new Api({ apiKey: "sandbox-key" });
  return {
    key: await refusal(new Api({ apiKey: "another" }).countries().execute()),
    image: await refusal(alone.images().withId("452O76944").execute()),
    page: await refusal(alone.searchimages().withPhrase("sea").withCustomParameter("page_size", "a").execute()),
    redirect: await refusal(custom(alone, "get", "/redirect")),
    secret: await refusal(new Api({ ...application, apiSecret: "wrong" }).countries().execute()),
    application: await refusal(new Api(application).collections().execute()),
    characters: await refusal(custom(api, "post", "boards", {}, { name: "Éclipse" })),
    boards: (await custom(api, "get", "boards")).board_count,
    keyAlone: (await alone.searchimages().withPhrase("sea").execute()).result_count > 0,
  };
}

async function main() {
  const api = new Api(customer);
  return {
    tokens: await tokens(api),
    searches: await searches(api),
    metadata: await metadata(api),
    downloads: await downloads(api),
    boards: await boards(api),
    refusals: await refusals(api),
  };
}

main().then(
  (found) => console.log(JSON.stringify(found)),
  (error) => {
    console.error(error);
    process.exitCode = 1;
  },
);
