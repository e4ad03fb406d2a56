// What of a question reaches the provider: files, settings, options of the provider's own, headers; and not the log.
import { createServer } from "node:http";
import type { IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { LLMock } from "@copilotkit/aimock";
import { type AskOptions, ask } from "@sluice/ai";
import { run } from "@sluice/core";
import { logOf } from "@sluice/testing";
import type { LanguageModel } from "ai";
import { describe, expect, test } from "vitest";
import { asking } from "./agent.ts";
import { wires } from "./provider-wire.ts";

const apiKey = "sk-proj-abcdEFGH1234567890abcdEFGH";
const TENANT = "tenant-secret-1";
const BASE64 = "iVBORw==";
const question: AskOptions = {
  messages: [
    {
      role: "user",
      content: [
        { type: "text", text: "What is this?" },
        { type: "file", data: Uint8Array.from([137, 80, 78, 71]), mediaType: "image/png" },
      ],
    },
  ],
  headers: { "x-tenant": TENANT },
  providerOptions: {
    openai: { user: "u-1" },
    anthropic: { metadata: { userId: "u-1" } },
    local: { user: "u-1" },
  },
};
const url = `data:image/png;base64,${BASE64}`;
const asChat = {
  user: "u-1",
  messages: [{ content: [{ text: "What is this?" }, { type: "image_url", image_url: { url } }] }],
};
const image = { type: "image", source: { type: "base64", media_type: "image/png", data: BASE64 } };
/** The question, as each provider's API has it. */
const bodies: Readonly<Record<string, object>> = {
  "OpenAI chat": asChat,
  "OpenAI-compatible": asChat,
  "OpenAI Responses": {
    user: "u-1",
    input: [{ content: [{ text: "What is this?" }, { type: "input_image", image_url: url }] }],
  },
  Anthropic: { metadata: { user_id: "u-1" }, messages: [{ content: [{ text: "What is this?" }, image] }] },
};

/** What a model sends; it gets no answer but an error, which repeats its headers. */
async function sentBy(modelAt: (url: string) => LanguageModel) {
  const sent: { readonly headers: IncomingHttpHeaders; readonly body: unknown }[] = [];
  const server = createServer((request, response) => {
    const { headers } = request;
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => pieces.push(piece));
    request.on("end", () => {
      sent.push({ headers, body: JSON.parse(Buffer.concat(pieces).toString()) as unknown });
      response.writeHead(400, { "content-type": "application/json" });
      response.end(
        JSON.stringify({ type: "error", error: { message: `no: ${JSON.stringify(headers)}`, type: "invalid" } }),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const model = modelAt(`http://127.0.0.1:${(server.address() as AddressInfo).port}`); // it listens on a port
    const execution = run(asking(ask(model, question)), "");
    const entries = await logOf(execution);
    await expect(execution.result).rejects.toMatchObject({ code: "model-failed" });
    return { sent, entries };
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

describe.each(wires)("the question to $provider", ({ provider, model }) => {
  test("has its file, its provider's options and its headers; the log has no header, also where one is repeated", async () => {
    const { sent, entries } = await sentBy((here) => model({ url: here, apiKey }));
    expect(sent).toHaveLength(1);
    expect(sent[0]?.headers).toMatchObject({ "x-tenant": TENANT });
    expect(sent[0]?.body).toMatchObject(bodies[provider] as object);
    const log = inspect(entries, { depth: 20, showHidden: true });
    expect(log).toContain("[secret]");
    expect(log).not.toContain(TENANT);
    expect(log).not.toContain(apiKey);
  });

  test("that is answered leaves none of its headers in the log", async () => {
    const mock = await LLMock.create({ port: 0 });
    mock.onMessage("this", { content: "A cat" });
    try {
      const execution = run(asking(ask(model({ url: mock.url, apiKey }), question)), "");
      const entries = await logOf(execution);
      expect(await execution.result).toBe("A cat");
      expect(mock.getLastRequest()?.headers).toMatchObject({ "x-tenant": TENANT });
      expect(JSON.stringify(entries)).not.toContain(TENANT);
      expect(JSON.stringify(entries)).not.toContain(apiKey);
    } finally {
      await mock.stop();
    }
  });
});

test.each(wires.filter(({ provider }) => bodies[provider] === asChat))(
  "a seed reaches $provider, which takes one",
  async ({ model }) => {
    const mock = await LLMock.create({ port: 0 });
    mock.onMessage("this", { content: "A cat" });
    try {
      await run(asking(ask(model({ url: mock.url, apiKey }), { ...question, seed: 7 })), "").result;
      expect(mock.getLastRequest()?.body).toMatchObject({ ...asChat, seed: 7 });
    } finally {
      await mock.stop();
    }
  },
);
