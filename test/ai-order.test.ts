// The order in which a generation stands in the log, whatever its model and its tools do and whenever it is ended.
import { ask } from "@sluice/ai";
import { type Entry, defineFlow, flow, run, start } from "@sluice/core";
import { VirtualTime, logOf, virtualTime } from "@sluice/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { asking, told, trackOf, tracking } from "./agent.ts";
import { type Call, calls, modelOf, toolsOf, writtenBy } from "./random-generations.ts";

const spec = defineFlow({ name: "order", input: z.string(), result: z.unknown() });

/** What is asked, by chunk and attempt, and what ends it. */
interface Plan {
  readonly chunks: readonly (readonly (readonly Call[])[])[];
  readonly timeout: number | undefined;
  readonly cancelAt: number | undefined;
  /** The entry with which it is cancelled, by an observer. */
  readonly cancelWith: number | undefined;
}

const optional = <T>(arbitrary: fc.Arbitrary<T>, freq: number) => fc.option(arbitrary, { nil: undefined, freq });
const plans: fc.Arbitrary<Plan> = fc.record({
  chunks: fc.array(fc.array(calls, { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 2 }),
  timeout: optional(fc.integer({ min: 1, max: 20 }), 3),
  cancelAt: optional(fc.nat(20), 2),
  cancelWith: optional(fc.nat(30), 2),
});

async function played({ chunks, timeout, cancelAt, cancelWith }: Plan): Promise<Entry[]> {
  const time = new VirtualTime();
  let asking = flow(spec).chunk("settle", start, () => "ready");
  for (const [index, attempts] of chunks.entries()) {
    asking = asking.chunk(
      `c${index}`,
      start,
      (_input, ctx) => {
        const model = modelOf(attempts[ctx.attempt - 1] ?? [], time);
        return ctx.text(ask(model, { prompt: "?", tools: toolsOf(time) }));
      },
      { retry: { attempts: attempts.length, delay: 1 }, ...(timeout !== undefined && { timeout }) },
    ) as unknown as typeof asking; // the same flow, with a chunk more
  }
  const execution = run(asking, "", { scheduler: time.scheduler });
  execution.result.catch(() => {});
  const cancel = (): void => execution.cancel("by chance");
  if (cancelAt !== undefined) time.scheduler.schedule(cancel, cancelAt);
  let seen = 0;
  if (cancelWith !== undefined) execution.events$.subscribe(() => void ((seen += 1) === cancelWith && cancel()));
  return time.during(logOf(execution));
}

/** A generation as far as it has been read in the log. */
class Seen {
  readonly broken: string[] = [];
  readonly #name: string;
  readonly #script: readonly Call[];
  readonly #running = new Map<string, unknown[]>();
  readonly #called = new Set<string>();
  #number = 0;
  #open = false;
  #ended = false;
  #text = "";
  #reasoning = "";

  constructor(name: string, script: readonly Call[]) {
    this.#name = name;
    this.#script = script;
  }

  note(entry: Entry): void {
    if (this.#ended) this.#breaks(entry, "comes after the end of its attempt");
    switch (entry.type) {
      case "model:start":
        if (this.#open || this.#running.size > 0) this.#breaks(entry, "begins before all has ended");
        this.#number += 1;
        if (entry.call !== this.#number) this.#breaks(entry, `is not call ${this.#number}`);
        this.#open = true;
        this.#text = "";
        this.#reasoning = "";
        return;
      case "model:token":
      case "model:reasoning":
        if (!this.#open || entry.call !== this.#number) this.#breaks(entry, "is not in its call");
        if (entry.type === "model:token") this.#text += entry.delta;
        else this.#reasoning += entry.delta;
        return;
      case "model:finish":
        if (!this.#open || entry.call !== this.#number) this.#breaks(entry, "ends no call");
        this.#open = false;
        return this.#compare(entry, entry.finishReason === "stop" || entry.finishReason === "tool-calls");
      case "tool:call_start":
        // the provider runs its tools while the model writes, and what cannot run is refused where it is written
        if (this.#open !== (entry.tool !== "act")) this.#breaks(entry, "is not where its tool runs");
        if (this.#called.has(entry.toolCallId)) this.#breaks(entry, "begins twice");
        this.#called.add(entry.toolCallId);
        this.#running.set(entry.toolCallId, []);
        return;
      case "tool:progress":
        if (!this.#running.has(entry.toolCallId)) this.#breaks(entry, "is of a tool that does not run");
        this.#running.get(entry.toolCallId)?.push(entry.data);
        return;
      case "tool:call_finish": {
        const progress = this.#running.get(entry.toolCallId);
        if (!this.#running.delete(entry.toolCallId)) this.#breaks(entry, "is of a tool that does not run");
        const isInOrder = progress?.every((data, index) => data === index || data === "done");
        if (isInOrder !== true) this.#breaks(entry, `has progressed by ${JSON.stringify(progress)}`);
        if (entry.success && entry.tool === "act" && progress?.at(-1) !== "done") this.#breaks(entry, "lacks progress");
        return;
      }
      case "chunk:complete":
      case "chunk:failed":
        if (this.#open) this.#breaks(entry, "leaves a call open");
        if (this.#running.size > 0) this.#breaks(entry, `leaves ${[...this.#running.keys()].join()} running`);
        this.#ended = true;
    }
  }

  /** A call that has ended well has told all that its model wrote; another one how it began. */
  #compare(entry: Entry, isWhole: boolean): void {
    const call: Call = this.#script[this.#number - 1] ?? { pieces: [], ends: "well" };
    for (const [told, kind] of [
      [this.#text, "text"],
      [this.#reasoning, "reasoning"],
    ] as const) {
      const written = writtenBy(call, kind);
      const isRight = isWhole ? told === written : written.startsWith(told);
      if (!isRight) this.#breaks(entry, `has told the ${kind} "${told}" of "${written}"`);
    }
    const local = call.pieces.flatMap(({ kind }, index) => (kind === "search" ? [`${this.#number}.${index}`] : []));
    if (isWhole && !local.every((id) => this.#called.has(id))) this.#breaks(entry, "lacks a tool of the provider");
  }

  #breaks(entry: Entry, how: string): void {
    this.broken.push(`${this.#name}: ${entry.type} ${how}`);
  }
}

/** What is out of order, one line each. */
function disorder(entries: readonly Entry[], { chunks }: Plan): string[] {
  const seen = new Map<string, Seen>();
  for (const entry of entries) {
    if (!("activationId" in entry) || entry.activationId === undefined || entry.chunk === "settle") continue;
    if (entry.type === "chunk:reset" || entry.type === "chunk:retry") continue;
    const name = `${entry.chunk} ${entry.activationId} ${entry.attempt}`;
    const script = chunks[Number(entry.chunk?.slice(1))]?.[(entry.attempt ?? 1) - 1] ?? [];
    const generation = seen.get(name) ?? new Seen(name, script);
    seen.set(name, generation);
    generation.note(entry);
  }
  return [...seen.values()].flatMap(({ broken }) => broken);
}

test("calls, what they write, tools and their progress stand in order, none is missing, and none comes after an end", async () => {
  await fc.assert(
    fc.asyncProperty(plans, async (plan) => {
      const entries = await played(plan);
      expect(entries.at(-1)?.type).toMatch(/^flow:(?:completed|failed|cancelled)$/);
      expect(disorder(entries, plan)).toEqual([]);
    }),
    { numRuns: 500 },
  );
});

test("a call that is refused and one that the provider runs stand within their call of the model", async () => {
  const time = new VirtualTime();
  const script: readonly Call[] = [{ pieces: [{ kind: "unknown" }, { kind: "search", pauseMs: 0 }], ends: "well" }];
  const source = ask(modelOf(script, time), { prompt: "?", tools: toolsOf(time) });
  const entries = await time.during(logOf(run(asking(source), "", { scheduler: time.scheduler })));
  expect(told(entries).map((line) => line.split(" ").slice(0, 2).join(" "))).toEqual([
    "start mock/m-1",
    "call 1.0",
    "return 1.0",
    "call 1.1",
    "return 1.1",
    "finish tool-calls",
    "start mock/m-1",
    "finish stop",
  ]);
});

test("a tool that runs when its chunk is ended has ended in the log before it, with its time", () =>
  virtualTime(async ({ execute, advance, delay }) => {
    const tools = trackOf(() => delay(1000));
    const execution = execute(asking(ask(tracking(), { prompt: "?", tools })), "");
    await advance(250);
    execution.cancel("enough");
    const entries = await logOf(execution);
    expect(entries.slice(-3)).toMatchObject([
      { type: "tool:call_finish", tool: "track", success: false, error: "The call was ended", durationMs: 250 },
      { type: "chunk:failed", error: { code: "chunk-aborted" } },
      { type: "flow:cancelled" },
    ]);
  }));
