// Records the toy model on three tickets, for tests and examples: npx ts-node scripts/record-tickets.ts
import { readFileSync } from "node:fs";
import { ask } from "@sluice/ai";
import { defineFlow, flow, run, start } from "@sluice/core";
import { record } from "@sluice/testing";
import { z } from "zod";
import { chooseModel } from "../examples/model.ts";
import { Triage } from "../examples/support/triage.ts";

const tickets = ["01-invoice", "02-coffee-maker", "05-headphones"];
const examples = new URL("../examples/", import.meta.url).pathname;
const { model } = await chooseModel({}, { tokensPerSecond: 80 });
for (const ticket of tickets) {
  const prompt = readFileSync(`${examples}tickets/${ticket}.txt`, "utf8");
  const source = record(ask(model, { prompt, temperature: 0 }), `${examples}recordings/${ticket}.json`);
  const reading = flow(defineFlow({ name: "record", input: z.null() })).chunk("read", start, (_input, ctx) =>
    ctx.instant(Triage, source),
  );
  console.log(ticket, await run(reading, null).result);
}
