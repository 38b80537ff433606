// Drives the official npm client of OpenAI; prints what it got as JSON, one named result each.
import { createRequire } from "node:module";
const { default: OpenAI } = await import(createRequire(process.env.PACKAGES + "/x.js").resolve("openai"));

const baseURL = process.env.BASE_URL;
const client = new OpenAI({ baseURL, apiKey: process.env.KEY, maxRetries: 0, timeout: 20000 });
const [tool, schema, picture] = [process.env.TOOL, process.env.SCHEMA, process.env.PICTURE].map((v) => JSON.parse(v));
const messages = [{ role: "user", content: "How long is the Loire?" }];
const results = {};

async function note(name, work) {
  try {
    results[name] = await work();
  } catch (error) {
    results[name] = { error: error.constructor.name, status: error.status ?? null, code: error.code ?? null };
  }
}

const chat = (extra, options) => client.chat.completions.create({ model: "lab/hello", messages, ...extra }, options);

await note("models", async () => {
  const ids = [];
  for await (const model of client.models.list()) ids.push(model.id);
  return ids;
});
for (const at of ["lab", "claude"]) {
  await note(`${at} chat`, async () => {
    const reply = await chat({ model: `${at}/hello` });
    return { text: reply.choices[0].message.content, finish: reply.choices[0].finish_reason, usage: reply.usage };
  });
  await note(`${at} stream`, async () => {
    let [text, usage, count] = ["", null, 0];
    const stream = await chat({ model: `${at}/hello`, stream: true, stream_options: { include_usage: true } });
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta?.content ?? "";
      usage = chunk.usage ?? usage;
      count += 1;
    }
    return { text, usage, several: count > 2 };
  });
  await note(`${at} tools`, async () => {
    const reply = await chat({ model: `${at}/tools`, tools: [tool] });
    return reply.choices[0].message.tool_calls.map((c) => JSON.parse(c.function.arguments));
  });
  await note(`${at} streamed tools`, async () => {
    const stream = client.chat.completions.stream({ model: `${at}/tools`, messages, tools: [tool] });
    const whole = await stream.finalChatCompletion();
    return whole.choices[0].message.tool_calls.map((c) => JSON.parse(c.function.arguments));
  });
  await note(`${at} schema`, async () => {
    const response_format = { type: "json_schema", json_schema: { name: "river", schema, strict: true } };
    const reply = await client.chat.completions.parse({ model: `${at}/river`, messages, response_format });
    return JSON.parse(reply.choices[0].message.content);
  });
  await note(`${at} refused schema`, () =>
    chat({ model: `${at}/broken-river`, response_format: { type: "json_schema", json_schema: { name: "r", schema } } }),
  );
  await note(`${at} image`, async () => {
    const content = [{ type: "text", text: "What is this?" }, { type: "image_url", image_url: { url: picture } }];
    const reply = await chat({ model: `${at}/hello`, messages: [{ role: "user", content }] });
    return reply.choices[0].message.content;
  });
  await note(`${at} responses`, async () => {
    const whole = await client.responses.create({ model: `${at}/hello`, input: "How long?" });
    let text = "";
    const stream = await client.responses.create({ model: `${at}/hello`, input: "How long?", stream: true });
    for await (const event of stream) if (event.type === "response.output_text.delta") text += event.delta;
    return [whole.output_text, text];
  });
  await note(`${at} cut`, async () => {
    for await (const _ of await chat({ model: `${at}/cut`, stream: true }));
    return "ended";
  });
}
await note("embeddings", async () => {
  const packed = await client.embeddings.create({ model: "lab/embed", input: ["a", "b"] });
  const plain = await client.embeddings.create({ model: "lab/embed", input: ["a", "b"], encoding_format: "float" });
  const near = (a, b) => a.every((v, i) => Math.abs(v - b[i]) < 1e-6);
  return packed.data.every((d, i) => d.embedding.length === 8 && near(d.embedding, plain.data[i].embedding));
});
await note("wrong key", () => new OpenAI({ baseURL, apiKey: "gw_wrong", maxRetries: 0 }).chat.completions.create({ model: "lab/hello", messages }));
await note("unknown model", () => chat({ model: "lab/none" }));
await note("budget", () => new OpenAI({ baseURL, apiKey: process.env.POOR, maxRetries: 0 }).chat.completions.create({ model: "lab/hello", messages, max_tokens: 1000 }));
await note("long prompt", () => chat({ model: "lab/short", messages: [{ role: "user", content: "words ".repeat(3000) }] }));
await note("large body", () => chat({ messages: [{ role: "user", content: "x".repeat(50_000_000) }] }));
await note("no schema", () => chat({ response_format: { type: "json_schema", json_schema: { name: "r", schema: { type: "colour" } } } }));
await note("retried by the gateway", async () => (await chat({ model: "lab/retry-npm" })).choices[0].message.content);
await note("failing", () => chat({ model: "lab/down" }));
await note("left", async () => {
  const stream = await chat({ model: "lab/slow-npm", stream: true });
  let count = 0;
  for await (const _ of stream) if (++count > 5) break;
  return count;
});
console.log(JSON.stringify(results));
