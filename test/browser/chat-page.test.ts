// `useChat` in a page against a flow, and the browser's own EventSource: in headless Chromium, over real sockets.
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { defineFlow, event, flow, memoryStore } from "@sluice/core";
import { createHandler } from "@sluice/server";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { serveChat } from "../../examples/chat/server.ts";
import { gatedModel } from "./gated-model.ts";
import { describeInChromium } from "./in-chromium.ts";

describeInChromium("a chat with a flow", (current) => {
  /** Opens the example's page, and sends a customer's message. */
  const begun = async () => {
    const { page, errors } = current();
    const model = gatedModel();
    const store = memoryStore();
    const chat = await serveChat(model.model, 0, store);
    onTestFinished(() => chat[Symbol.asyncDispose]());
    await page.goto(chat.url);
    await page.getByPlaceholder("A customer's message").fill("My lamp is broken.");
    await page.getByRole("button", { name: "Send" }).click();
    const value = (field: string) => page.locator(`#${field}:not(.empty)`).innerText();
    const isEmpty = (field: string) => page.locator(`#${field}.empty`).isVisible();
    /** The first three fields are there, and the fourth has begun. */
    const half = async (): Promise<void> => {
      model.write('{"category":"product","urgency":"high","product":"desk lamp","customer":"A');
      await page.getByText("desk lamp: ").waitFor();
    };
    const end = (): void => {
      model.write('nn","summary":"It is broken.","reply":"Dear Ann, a new ');
      model.write('one is on its way."}');
      model.end();
    };
    return { page, errors, store, value, isEmpty, half, end };
  };
  const notes = ["The team has been told", "desk lamp: "];

  test("fields fill in where they are while the model writes; a question is answered, and the flow goes on", async () => {
    const { page, errors, value, isEmpty, half, end } = await begun();
    await half();
    expect(await value("category")).toBe("product");
    expect(await value("urgency")).toBe("high");
    expect(await page.locator("#customer.writing").innerText()).toBe("A");
    expect(await isEmpty("summary")).toBe(true);
    end();
    await page.getByText("Is this reply to be sent to Ann?").waitFor();
    expect(await value("customer")).toBe("Ann");
    expect(await page.locator("blockquote").allInnerTexts()).toEqual(["Dear Ann, a new one is on its way."]);
    await page.getByRole("button", { name: "Send it" }).click();
    await page.getByText("The reply is on its way").waitFor();
    expect(await page.getByRole("button", { name: "Send it" }).count()).toBe(0);
    expect(await page.locator(".card").count()).toBe(1);
    expect(await page.locator("blockquote").allInnerTexts()).toEqual(["Dear Ann, a new one is on its way."]);
    expect(await page.locator(".note").allInnerTexts()).toHaveLength(notes.length + 1);
    expect(errors).toEqual([]);
  });

  test("a page that is loaded again in the middle of a message gets all of it, once", async () => {
    const { page, errors, value, half, end } = await begun();
    await half();
    await page.reload();
    await page.getByText("desk lamp: ").waitFor();
    expect(await value("category")).toBe("product");
    end();
    await page.getByText("Is this reply to be sent to Ann?").waitFor();
    expect(await page.locator(".mine").allInnerTexts()).toEqual(["My lamp is broken."]);
    expect(await page.locator(".card").count()).toBe(1);
    expect(await page.locator("blockquote").allInnerTexts()).toEqual(["Dear Ann, a new one is on its way."]);
    expect(await page.locator(".note").allInnerTexts()).toHaveLength(notes.length);
    await page.reload();
    await page.getByRole("button", { name: "Drop" }).click();
    await page.getByText("The reply was dropped").waitFor();
    expect(errors).toEqual([]);
  });

  test("what is stopped in the page is cancelled on the server", async () => {
    const { page, errors, store, half } = await begun();
    await half();
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByRole("button", { name: "Send" }).waitFor();
    expect(await store.list()).toMatchObject([{ flow: "desk", status: "cancelled" }]);
    expect(errors).toEqual([]);
  });
});

describeInChromium("the browser's EventSource", (current) => {
  const Put = event("put", z.number());
  const numbers = flow(
    defineFlow({ name: "numbers", input: z.null(), stream: z.number(), accepts: [Put], keepOpen: true }),
  ).chunk("put", Put, (number, ctx) => ctx.putIntoStream(number));

  test("loses its connection again and again, and misses nothing", async () => {
    const { page, errors } = current();
    const handler = createHandler({ flows: [numbers], development: true, stream: { retryMs: 1 } });
    const blank = new Response("<!doctype html><link rel=icon href=data:,>", {
      headers: { "content-type": "text/html" },
    });
    const server = createServer(
      getRequestListener((request) => (new URL(request.url).pathname === "/" ? blank.clone() : handler(request))),
    );
    const streams = new Set<Socket>();
    server.on("request", ({ url: path = "", socket }) => path.endsWith("/stream") && streams.add(socket));
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    onTestFinished(async () => {
      await handler.close();
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}`;
    const post = async (path: string, body: unknown) => {
      const headers = { "content-type": "application/json" };
      const response = await fetch(`${url}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
      return (await response.json()) as { readonly executionId: string };
    };
    const { executionId } = await post("/flows/numbers/executions", { input: null });
    await page.goto(url);
    await page.evaluate(watching(`/executions/${executionId}/stream`));
    for (let drop = 0; drop < 20; drop += 1) {
      for (let number = 0; number < 5; number += 1) {
        await post(`/executions/${executionId}/events/put`, { payload: drop * 5 + number });
      }
      if (drop % 2 === 0) await page.waitForFunction(`seen.numbers.length >= ${drop * 5}`);
      for (const socket of streams) socket.destroy();
    }
    await page.waitForFunction("seen.numbers.length >= 100");
    const seen = (await page.evaluate("seen")) as { numbers: number[]; opened: number };
    expect(seen.numbers).toEqual(Array.from({ length: 100 }, (_, number) => number));
    expect(seen.opened).toBeGreaterThan(5);
    expect(errors.filter((error) => !error.includes("net::ERR_"))).toEqual([]);
  });
});

/** Runs in the page. */
const watching = (url: string): string => `
  window.seen = { numbers: [], opened: 0 };
  const source = new EventSource("${url}");
  source.addEventListener("open", () => (seen.opened += 1));
  source.addEventListener("stream:item", ({ data }) => seen.numbers.push(JSON.parse(data).item));
`;
