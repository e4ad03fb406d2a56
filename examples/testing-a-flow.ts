// A flow is tested without a model, a service or a wait: scripted parts, a virtual clock, marbles, the log.
import assert from "node:assert/strict";
import { type ContextOf, type Field, type TokenSource, defineFlow, instant, start } from "@sluice/core";
import { chunk, flow, on } from "@sluice/decorators";
import { leaksOf, linesOf, logOf, outline, scripted, scriptedModel, virtualTime } from "@sluice/testing";
import { z } from "zod";

const Triage = instant("triage", z.object({ product: z.string(), urgent: z.boolean() }));
const spec = defineFlow({ name: "support", input: z.string(), stream: z.string(), result: z.string() });
type Ctx = ContextOf<typeof spec>;

@flow(spec)
class Support {
  readonly #ask: (prompt: string) => TokenSource;
  readonly #stockOf: (product: string) => Promise<number>;

  constructor(ask: (prompt: string) => TokenSource, stockOf: (product: string) => Promise<number>) {
    this.#ask = ask;
    this.#stockOf = stockOf;
  }

  @on(start)
  read(ticket: string, ctx: Ctx) {
    return ctx.instant(Triage, this.#ask(`Triage this ticket: ${ticket}`));
  }

  @chunk({ retry: { attempts: 2, delay: 100, jitter: false } })
  @on(Triage.field("product"))
  async lookUp(product: Field<typeof Triage, "product">, ctx: Ctx) {
    const stock = await this.#stockOf(product);
    ctx.putIntoStream(`${stock} in stock`);
    ctx.setResult(`There are ${stock} of ${product}`);
  }
}

await virtualTime(async ({ execute, expectStream, delay, now }) => {
  const model = scriptedModel([['{"product":"lamp",', { afterMs: 400, text: '"urgent":true}' }]], { delay });
  const stockOf = scripted<number, [product: string]>(
    [
      { afterMs: 20, throws: new Error("busy") },
      { afterMs: 20, returns: 3 },
    ],
    { delay },
  );

  const execution = execute(Support, "My lamp is broken", { create: () => new Support(model.ask, stockOf) });
  expectStream(execution.stream$).toBe("140ms a 259ms |", { a: "3 in stock" });

  assert.equal(await execution.result, "There are 3 of lamp");
  assert.equal(now(), 400);
  assert.deepEqual(stockOf.calls, [["lamp"], ["lamp"]]);
  assert.deepEqual(
    model.calls.map(({ prompt, outcome }) => [prompt, outcome]),
    [["Triage this ticket: My lamp is broken", "finished"]],
  );
});
console.log("The stock is looked up, and looked up again, while the model writes: 400 ms of virtual time");

await virtualTime(async ({ execute }) => {
  const model = scriptedModel(['{"product":"lamp","urgent":true}']);
  const execution = execute(Support, "My lamp is broken", {
    create: () => new Support(model.ask, scripted([{ returns: 3 }])),
  });

  const log = (await logOf(execution)).filter(({ live }) => live === 0);
  assert.deepEqual(linesOf(log), [
    "flow:start",
    "chunk:start read",
    "model:start read",
    "field:complete triage.product",
    "chunk:start lookUp",
    "model:finish read",
    "stream:item lookUp",
    "chunk:complete lookUp",
    "reply:complete triage",
    "chunk:complete read",
    "flow:completed",
  ]);
  assert.deepEqual(outline(log)[4], {
    type: "chunk:start",
    chunk: "lookUp",
    activationId: "a2",
    attempt: 1,
    lane: "/",
    trigger: 'triage.field("product")',
    input: "lamp",
  });
});
console.log("The log is as it is to be, entry by entry");

await virtualTime(async ({ execute, advance }) => {
  const model = scriptedModel([['{"product":', { hangs: true }]]);
  const execution = execute(Support, "My lamp is broken", {
    create: () => new Support(model.ask, scripted([])),
  });

  await advance(60_000);
  assert.deepEqual(leaksOf(execution), ["it has not ended", 'the chunk "read" is running (attempt 1, since 0 ms)']);

  execution.cancel("the customer has left");
  assert.equal(model.calls[0]?.outcome, "aborted");
  assert.deepEqual(leaksOf(execution), []);
});
console.log("A model that hangs is found, and a cancel reaches it");

const wrong = virtualTime(({ execute, expectStream }) => {
  const model = scriptedModel(['{"product":"lamp","urgent":true}']);
  const create = () => new Support(model.ask, scripted([{ returns: 3 }]));
  expectStream(execute(Support, "My lamp is broken", { create }).stream$).toBe("5ms (a|)", { a: "3 in stock" });
});
const message = await wrong.then(() => "nothing", String);
console.log(`What a wrong expectation says:\n\n${message}`);
