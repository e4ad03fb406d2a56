// A model plans an article, and each question is researched while the plan is still being written. Drafts are written and
// reviewed until one is good enough.
//   npx ts-node examples/research-and-write.ts "How do bees find their way?"     any topic, with a key
import { ask } from "@sluice/ai";
import {
  type ContextOf,
  type Entry,
  type Payload,
  after,
  all,
  defineFlow,
  event,
  gather,
  instant,
  run,
  start,
} from "@sluice/core";
import { chunk, flow, on } from "@sluice/decorators";
import { z } from "zod";
import { chooseModel } from "./model.ts";
import { bread } from "./stand-in/bread.ts";
import { standIn } from "./stand-in/stand-in.ts";
import { exitWith } from "./support/exit.ts";
import { timeline } from "./support/timeline.ts";

const Plan = instant("plan", z.object({ questions: z.array(z.string()).min(2), outline: z.string() }));
const Review = instant("review", z.object({ advice: z.string(), score: z.number().min(1).max(10) }));
const Order = event("order", z.object({ round: z.number(), notes: z.string(), task: z.string() }));

const spec = defineFlow({
  name: "article",
  input: z.string(),
  stream: z.string(),
  result: z.string(),
});
type Ctx = ContextOf<typeof spec>;

const local = await standIn({ editor: bread });
const { model, note } = await chooseModel(process.env, { local: { model: local.model("editor"), note: local.note } });

@flow(spec)
class Article {
  @on(start)
  plan(topic: string, ctx: Ctx) {
    const prompt = `Plan a short article: ${topic} List 2 to 4 questions to look into, then outline it in 40 words.`;
    return ctx.instant(Plan, ask(model, { prompt }));
  }

  @chunk({ concurrency: 3 })
  @on(Plan.field("questions[*]")) // starts with each question, while the plan goes on
  async research(question: string, ctx: Ctx) {
    ctx.putIntoStream(`research  ${question}`);
    return `${question} ${await ctx.generate(ask(model, { prompt: `Answer in one sentence: ${question}` }))}`;
  }

  @on(all(gather("research"), Plan.done)) // all answers, in the order of the questions, and the whole plan
  order([answers, { outline }]: [string[], z.infer<typeof Plan.schema>]) {
    return { round: 1, notes: answers.join("\n"), task: `Write an article of 80 words. ${outline}` };
  }

  @on(after("order"))
  @on(Order)
  async write({ round, notes, task }: Payload<typeof Order>, ctx: Ctx) {
    const prompt = `${task}\n\nNotes:\n${notes}`;
    return { round, notes, draft: await ctx.generate(ask(model, { prompt })) };
  }

  @chunk({ emits: [Order] })
  @on(after("write"))
  async review({ round, notes, draft }: { round: number; notes: string; draft: string }, ctx: Ctx) {
    const prompt = `Review this draft, with one piece of advice and a score from 1 to 10: ${draft}`;
    const { score, advice } = await ctx.instant(Review, ask(model, { prompt }));
    ctx.putIntoStream(`review    round ${round} has ${score} of 10 points: ${advice}`);
    if (score >= 8 || round === 3) ctx.setResult(draft);
    else ctx.emit(Order, { round: round + 1, notes, task: `Write it anew. ${advice}\n\nThe draft:\n${draft}` });
  }
}

console.log(`${note}\n`);
const execution = run(Article, process.argv[2] ?? "Why does bread rise?");
const entries: Entry[] = [];
execution.events$.subscribe((entry) => entries.push(entry));
execution.stream$.subscribe((line) => console.log(line));
execution.on("reply:complete", ({ reply }) => reply === "plan" && console.log("plan      is complete"));
console.log(`\n${await execution.result.catch((error) => exitWith(error, false))}\n`);
// of the model only the call that writes the plan is drawn
console.log(
  timeline(entries.filter((entry) => !entry.type.startsWith("model:") || ("chunk" in entry && entry.chunk === "plan"))),
);
