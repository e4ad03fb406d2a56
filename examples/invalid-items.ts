// A value that does not fit is answered for at once, in its own lane, while the model goes on.
import { type ContextOf, type Field, type Invalid, defineFlow, gather, instant, run, start } from "@sluice/core";
import { flow, on } from "@sluice/decorators";
import { z } from "zod";

const Part = z.object({ name: z.string(), count: z.number().int().max(9) });
// `catch`: the reply as a whole is valid, whatever is in the list
const Triage = instant("triage", z.object({ parts: z.array(Part).catch([]), summary: z.string() }));
const spec = defineFlow({ name: "parts", input: z.array(z.string()), stream: z.string() });
type Ctx = ContextOf<typeof spec>;

@flow(spec)
class Parts {
  @on(start)
  read(tokens: string[], ctx: Ctx) {
    return ctx.instant(Triage, tokens);
  }

  @on(Triage.field("parts[*]"))
  reserve({ name, count }: Field<typeof Triage, "parts[*]">) {
    return `${count} × ${name}`;
  }

  @on(Triage.invalid("parts[*]"))
  ask({ path, issues, raw }: Invalid, ctx: Ctx) {
    const [issue] = issues;
    ctx.putIntoStream(`somebody looks at ${path}: ${issue?.path.join(".")}: ${issue?.message}`);
    return raw;
  }

  @on(gather("reserve"))
  order(parts: string[], ctx: Ctx) {
    ctx.putIntoStream(`reserved: ${parts.join(", ")}, which are items ${ctx.signal.indexes.join(" and ")}`);
  }

  @on(gather("ask"))
  unclear(parts: unknown[], ctx: Ctx) {
    ctx.putIntoStream(`unclear: ${JSON.stringify(parts)}`);
  }

  @on(Triage.field("summary"))
  note(summary: Field<typeof Triage, "summary">, ctx: Ctx) {
    ctx.putIntoStream(`summary: ${summary}`);
  }
}

const reply = {
  parts: [
    { name: "bulb", count: 2 },
    { name: "switch", count: "one or two" },
    { name: "cable", count: 1 },
  ],
  summary: "The lamp flickers.",
};
const execution = run(Parts, JSON.stringify(reply).match(/.{1,4}/g) ?? []);
execution.stream$.subscribe((line) => console.log(line));
await execution.result;
