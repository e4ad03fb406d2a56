// Questions to a person, in a file: leave with Ctrl-C at any moment, run it again, and it goes on.
//   npx ts-node examples/approval.ts Ann            asks in the terminal
//   npx ts-node examples/approval.ts --file my.db   keeps its letters in another file than examples/.sluice/approval.db
//   printf '%s\n' 'It waits at the reception.' y | npx ts-node examples/approval.ts
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { parseArgs } from "node:util";
import {
  type ContextOf,
  type Execution,
  type OpenQuestion,
  type Payload,
  type StoredExecution,
  defineFlow,
  interrupt,
  load,
  run,
  start,
} from "@sluice/core";
import { flow, on } from "@sluice/decorators";
import { sqliteStore } from "@sluice/sqlite";
import { z } from "zod";
import { type Answers, findAnswers } from "./support/answers.ts";
import { exitWith } from "./support/exit.ts";
import { PostOffice } from "./support/post-office.ts";

const Feedback = interrupt("feedback", {
  ask: z.object({ draft: z.string() }),
  answer: z.object({ feedback: z.string() }),
});
const Approval = interrupt("approval", {
  ask: z.object({ text: z.string() }),
  answer: z.object({ approved: z.boolean() }),
});

const spec = defineFlow({
  name: "letter",
  input: z.object({ to: z.string() }),
  state: z.object({ draft: z.string().default(""), feedback: z.string().default("") }),
  stream: z.string(),
  result: z.object({ draft: z.string(), feedback: z.string() }),
});
type Ctx = ContextOf<typeof spec>;

@flow(spec)
class Letter {
  readonly #post: PostOffice;

  constructor(post: PostOffice) {
    this.#post = post;
  }

  @on(start)
  async write({ to }: { to: string }, ctx: Ctx) {
    ctx.putIntoStream(ctx.attempt === 1 ? "a draft is being written" : "a draft is being written, from its beginning");
    await this.#post.pause(ctx.abortSignal);
    const draft = `Dear ${to}, your parcel has arrived.`;
    ctx.state.set("draft", draft);
    ctx.interrupt(Feedback, { draft });
  }

  @on(start)
  book(_input: { to: string }, ctx: Ctx) {
    ctx.putIntoStream("the courier is booked meanwhile");
  }

  @on(Feedback.answered)
  finish({ feedback }: Payload<typeof Feedback.answered>, ctx: Ctx) {
    ctx.state.set("feedback", feedback);
    ctx.interrupt(Approval, { text: textOf(ctx) });
  }

  @on(Approval.answered, { when: ({ approved }: Payload<typeof Approval.answered>) => !approved })
  again(_answer: Payload<typeof Approval.answered>, ctx: Ctx) {
    ctx.interrupt(Feedback, { draft: ctx.state.get("draft") });
  }

  @on(Approval.answered, { when: ({ approved }: Payload<typeof Approval.answered>) => approved })
  async send(_answer: Payload<typeof Approval.answered>, ctx: Ctx) {
    ctx.putIntoStream("it is being posted");
    const receipt = await ctx.step("post", (step) => this.#post.send(textOf(ctx), step));
    ctx.putIntoStream(receipt);
    ctx.setResult({ draft: ctx.state.get("draft"), feedback: ctx.state.get("feedback") });
  }
}

function textOf({ state }: Ctx): string {
  return `${state.get("draft")} ${state.get("feedback")}`.trim();
}

try {
  const { values, positionals } = parseArgs({ options: { file: { type: "string" } }, allowPositionals: true });
  const [to = "Ann"] = positionals;
  const ownFile = values.file ?? join(import.meta.dirname, ".sluice", "approval.db");

  const leave = (exitCode: number): never => {
    const option = values.file === undefined ? "" : ` --file ${values.file}`;
    console.log(`\nThe letter is kept in ${relative("", ownFile)}. To go on with it, run this again:`);
    console.log(`  npx ts-node ${relative("", import.meta.filename)}${option}`);
    process.exit(exitCode);
  };
  const answers = await findAnswers({ script: ["It waits at the reception.", "y"], onLeave: leave });
  const { areScripted } = answers;
  if (areScripted) console.log("(nobody is at the terminal: a script answers, and the file is a temporary one)");

  const folder = areScripted ? mkdtempSync(join(tmpdir(), "sluice-")) : dirname(ownFile);
  if (areScripted) process.on("exit", () => rmSync(folder, { recursive: true }));
  const file = areScripted ? join(folder, "approval.db") : ownFile;

  const post = new PostOffice(`${file}.posted.txt`, { pauseMs: areScripted ? 0 : 1500 });
  const create = (): Letter => new Letter(post);

  mkdirSync(folder, { recursive: true });
  const store = sqliteStore(file);
  const goOnWith = async (id: string) => watched(await load(Letter, id, { store, create }));
  store.prune({ olderThan: Date.now() - 7 * 24 * 3_600_000 }); // letters that were done with a week ago

  const [begun] = store.list({ flow: "letter", status: ["running", "waiting"] });
  if (begun !== undefined) console.log(`Going on with a letter that was begun at ${timeOf(begun)}`);
  let letter = begun ? await goOnWith(begun.executionId) : watched(run(Letter, { to }, { store, create }));

  while ((await letter.settled) === "waiting") {
    const [question] = letter.interrupts;
    if (question === undefined) break;
    await letter.release(); // while a person thinks, the letter is in its file only
    const answer = await answerTo(question, answers);

    letter = await goOnWith(letter.id);
    letter.resume(question.id, answer);
    await letter.stored(); // from here on the answer cannot be lost
  }
  console.log(await letter.result);
  console.log(`letters posted: ${post.count(letter.id)}`);
  answers.close();
  store.close();
} catch (error) {
  exitWith(error, false);
}

/** Shows what comes; what an earlier process has shown is not shown again. */
function watched(letter: Execution<typeof spec>): Execution<typeof spec> {
  letter.on("stream:item", ({ item }) => console.log(`  ${item}`));
  return letter;
}

/** Asks until what is said is an answer. */
async function answerTo({ name, payload }: OpenQuestion, answers: Answers): Promise<unknown> {
  if (name === Feedback.name) {
    const { draft } = Feedback.ask.parse(payload);
    return { feedback: await answers.ask(`"${draft}" What is to be added? (Enter: nothing)`) };
  }
  const { text } = Approval.ask.parse(payload);
  for (;;) {
    const said = (await answers.ask(`"${text}" Is it to be posted? (y/n)`)).trim().toLowerCase();
    if (/^(y(es)?|no?)$/.test(said)) return { approved: said.startsWith("y") };
  }
}

function timeOf({ startedAt }: StoredExecution): string {
  return new Date(startedAt).toLocaleTimeString();
}
