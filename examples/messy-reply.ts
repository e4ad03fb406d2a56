// What models write instead of JSON is read while it is written, and what was mended is told.
import { type InstantOptions, defineFlow, flow, instant, run, start } from "@sluice/core";
import { z } from "zod";

const schema = z.object({ product: z.string(), urgent: z.boolean(), steps: z.array(z.string()), summary: z.string() });
const spec = defineFlow({ name: "messy", input: z.string() });

const messy = `<think>The customer wants {"product": "a new lamp"}?</think>
Sure, here is the triage:

\`\`\`json
{
  product: 'desk lamp', // as in the ticket
  "urgent": True,
  "steps": ["check the cable", "try another bulb",],
  "summary": “It flickers,
all the time”
}
\`\`\`
Is there anything else?`;
const quoted = '{"product":"lamp","urgent":true,"steps":[],"summary":"Ben says it "flickers" a lot"}';
const cut = '{"product":"lamp","urgent":true,"steps":["check the cable","try ano';

/** Reads a text in tokens of four characters, and tells what came of it. */
async function read(title: string, text: string, options: InstantOptions = {}): Promise<void> {
  const Triage = instant("triage", schema, options);
  const reading = flow(spec).chunk("read", start, (reply, ctx) => ctx.instant(Triage, reply.match(/.{1,4}/gs) ?? []));
  const execution = run(reading, text);
  console.log(`\n${title}`);
  execution.on("field:complete", ({ field, value }) => console.log(`  ${field}: ${JSON.stringify(value)}`));
  execution.on("reply:complete", ({ repairs = [] }) => {
    console.log(`  mended: ${repairs.map(({ rule, offset }) => `${rule} at ${offset}`).join(", ") || "nothing"}`);
  });
  await execution.result.catch((error: unknown) => console.log(`  ${String(error)}`));
}

await read("What means one thing only is mended", messy);
await read("With strict: true it is not", messy, { strict: true });
await read("Quotes in a text may mean two things", quoted);
await read("So they are mended on demand", quoted, { guess: ["inner-quotes"] });
await read("What breaks off is never mended", cut);
await read("What is too large is refused", messy, { limits: { maxStringChars: 12 } });
