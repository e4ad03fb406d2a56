// A verdict says that nobody needs the rest of the reply: the request to the provider is ended, and what it has not written
// by then is not paid.
import { ask } from "@sluice/ai";
import { type ContextOf, type Field, defineFlow, instant, run, start } from "@sluice/core";
import { flow, on } from "@sluice/decorators";
import { z } from "zod";
import { chooseModel } from "./model.ts";
import { opinions } from "./stand-in/opinions.ts";
import { standIn } from "./stand-in/stand-in.ts";

const Check = instant("check", z.object({ verdict: z.enum(["publish", "reject"]), answer: z.string() }));
const spec = defineFlow({ name: "opinions", input: z.string(), stream: z.string(), result: z.string() });
type Ctx = ContextOf<typeof spec>;

const provider = await standIn({ editor: opinions });
const { model, note } = await chooseModel(process.env, {
  local: { model: provider.model("editor"), note: provider.note },
});

@flow(spec)
class Opinions {
  @on(start)
  async read(opinion: string, ctx: Ctx) {
    const instructions =
      "Customers write about goods. Say whether to publish it or to reject it, as advertising, then answer in 50 words.";
    const check = await ctx.instant(Check, ask(model, { instructions, prompt: opinion }), { stoppable: true });
    ctx.setResult(check.stopped ? "not published" : `published, with our answer: ${check.value.answer}`);
  }

  @on(Check.field("verdict"))
  decide(verdict: Field<typeof Check, "verdict">, ctx: Ctx) {
    ctx.putIntoStream(`the verdict: ${verdict}`);
    if (verdict === "reject") ctx.stop(Check); // nobody reads an answer to what is not published
  }
}

console.log(note);
for (const opinion of [
  "The kettle boils in two minutes, after two years still. Ada",
  "WIN A PHONE!!! Only today, only at win-phones.example",
]) {
  console.log(`\n${opinion}`);
  const execution = run(Opinions, opinion);
  execution.stream$.subscribe((line) => console.log(`  ${line}`));
  execution.on("reply:stopped", ({ reason }) => console.log(`  the reply is ${reason}`));
  execution.on("model:finish", ({ finishReason, usage, estimated }) =>
    console.log(
      `  the call has ended (${finishReason}): ${usage.outputTokens} tokens${estimated ? ", an estimate" : ""}`,
    ),
  );
  const result = await execution.result;
  const served = await provider.requests.at(-1); // a real provider keeps that to itself
  if (served !== undefined) {
    const { written, tokens } = served;
    console.log(`  the provider had written ${written} of ${tokens} tokens by then: ${tokens - written} saved`);
  }
  console.log(`  → ${result}`);
}
