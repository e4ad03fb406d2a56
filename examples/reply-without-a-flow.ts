// A structured reply without a flow: its fields as observables, and a picture of it after each token.
import { type DeepPartial, parseReply } from "@sluice/core";
import { replay } from "@sluice/testing";
import type { z } from "zod";
import { Triage } from "./support/triage.ts";

/** The text of a recorded model; any source of text will do. */
async function* tokens(): AsyncGenerator<string> {
  const file = new URL("./recordings/01-invoice.json", import.meta.url).pathname;
  const model = replay(file, { speed: Number.POSITIVE_INFINITY });
  for await (const part of model.stream({ abortSignal: new AbortController().signal })) {
    if (part.type === "text") yield part.delta;
  }
}

const reading = parseReply(Triage, tokens());

reading.value$("category").subscribe((category) => console.log(`category: ${category}`));
reading.value$("steps[*]").subscribe((step) => console.log(`one more step: ${step}`));

let pictures = 0;
let latest: DeepPartial<z.output<typeof Triage.schema>> = {};
reading.snapshot$.subscribe((picture) => {
  pictures += 1;
  latest = picture;
});
const whole = await reading.done;
console.log(`${pictures} pictures, the last of ${Object.keys(latest).length} keys; summary: ${whole.summary}`);
