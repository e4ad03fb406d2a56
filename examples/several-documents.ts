// A text of several JSON documents is an array that grows: each document is one element, with a lane of its own.
import { type ContextOf, type Field, defineFlow, gather, instant, run, start } from "@sluice/core";
import { flow, on } from "@sluice/decorators";
import { z } from "zod";

const Ticket = z.object({ from: z.string(), product: z.string(), urgent: z.boolean() });
const Tickets = instant("tickets", z.array(Ticket), { multi: true });
const spec = defineFlow({ name: "inbox", input: z.array(z.string()), stream: z.string() });
type Ctx = ContextOf<typeof spec>;

@flow(spec)
class Inbox {
  @on(start)
  read(tokens: string[], ctx: Ctx) {
    return ctx.instant(Tickets, tokens);
  }

  @on(Tickets.field("[*]"))
  take({ from, product }: Field<typeof Tickets, "[*]">, ctx: Ctx) {
    ctx.putIntoStream(`ticket ${ctx.signal.indexes[0]} is complete: ${from}, ${product}`);
    return from;
  }

  @on(Tickets.field("[*].urgent"), { when: (urgent) => urgent })
  hurry(_urgent: boolean, ctx: Ctx) {
    ctx.putIntoStream(`${ctx.signal.path}: somebody is called`);
  }

  @on(gather("take"))
  list(names: string[], ctx: Ctx) {
    ctx.putIntoStream(`the text has ended: ${names.join(", ")}`);
  }
}

const text = `Here are the tickets, one a line:
{"from":"Ben","product":"desk lamp","urgent":false}
{"from":"Ada","product":"kettle","urgent":true}
{"from":"Leo","product":"keyboard","urgent":false}`;
const execution = run(Inbox, text.match(/.{1,4}/gs) ?? []);
execution.stream$.subscribe((line) => console.log(line));
await execution.result;
