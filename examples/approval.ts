// A question to a person: what depends on the answer waits for it, everything else goes on.
import { createInterface } from "node:readline/promises";
import { type ContextOf, type Payload, defineFlow, interrupt, run, start } from "@sluice/core";
import { flow, on } from "@sluice/decorators";
import { z } from "zod";

const Approval = interrupt("approval", {
  ask: z.object({ draft: z.string(), round: z.number() }),
  answer: z.object({ approved: z.boolean(), advice: z.string().default("make it shorter") }),
});

const spec = defineFlow({
  name: "letter",
  input: z.string(),
  state: z.object({ draft: z.string().default("") }),
  stream: z.string(),
  result: z.string(),
});
type Ctx = ContextOf<typeof spec>;

@flow(spec)
class Letter {
  @on(start)
  write(name: string, ctx: Ctx) {
    this.#ask(`Dear ${name}, your parcel has arrived at last.`, 1, ctx);
  }

  @on(start)
  book(_name: string, ctx: Ctx) {
    ctx.putIntoStream("the courier is booked meanwhile");
  }

  @on(Approval.answered, { when: ({ approved }: Payload<typeof Approval.answered>) => approved })
  send(_answer: Payload<typeof Approval.answered>, ctx: Ctx) {
    ctx.setResult(`sent: ${ctx.state.get("draft")}`);
  }

  @on(Approval.answered, { when: ({ approved }: Payload<typeof Approval.answered>) => !approved })
  rewrite({ advice }: Payload<typeof Approval.answered>, ctx: Ctx) {
    ctx.putIntoStream(`it is written again: ${advice}`);
    this.#ask("Your parcel is here.", 2, ctx);
  }

  #ask(draft: string, round: number, ctx: Ctx) {
    ctx.state.set("draft", draft);
    ctx.interrupt(Approval, { draft, round });
  }
}

const terminal = process.stdin.isTTY ? createInterface({ input: process.stdin, output: process.stdout }) : undefined;
if (terminal === undefined) console.log("(nobody is at the terminal: the first draft is refused, the second approved)");

const execution = run(Letter, "Ann");
execution.stream$.subscribe((item) => console.log(`  ${item}`));

for (let status = await execution.settled; status === "waiting"; status = await execution.settled) {
  for (const { id, payload } of execution.interrupts) {
    const { draft, round } = Approval.ask.parse(payload);
    console.log(`${id} asks: ${JSON.stringify(draft)}`);
    const said = (await terminal?.question("  approve? (y/n) ")) ?? (round > 1 ? "y" : "n");
    execution.resume(Approval, id, { approved: said.startsWith("y") });
  }
}
terminal?.close();
console.log(await execution.result);
