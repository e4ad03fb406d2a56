import { Mastra } from "@mastra/core";
import { type AnyWorkflow, createStep, createWorkflow } from "@mastra/core/workflows";
import { z } from "zod";
import type { Contestant } from "../measure.ts";
import { consumersOf, heardBy, totalOf } from "./consumer.ts";
import { contestant } from "./contestant.ts";
import { crowd, stepNames } from "./crowd.ts";
import { double, join, joined, places } from "./places.ts";
import { rest, steps } from "./step.ts";
import { text, tokens } from "./tokens.ts";
import type { Waiter } from "./waiter.ts";

const name = "Mastra";

const number = z.number();
const numbers = z.array(number);
const counts = { inputSchema: number, outputSchema: number };

/** What `createWorkflow()` gives, for those whose steps are counted and not named. */
interface Steps {
  then(step: unknown): Steps;
  commit(): AnyWorkflow;
}

/** A step for each step, committed once. Steps are always asynchronous. */
export function mastraChain(count: number): Contestant {
  const workflow = sequence(
    places(count).map((index) => `c${index}`),
    steps.asynchronous,
  );
  return contestant(name, count, () => resultOf(workflow, 0));
}

/** One step, done until it has counted enough. */
export function mastraLoop(count: number): Contestant {
  const tick = createStep({ id: "tick", ...counts, execute: ({ inputData }) => steps.asynchronous(inputData) });
  const workflow = createWorkflow({ id: "loop", ...counts })
    .dountil(tick, async ({ inputData }) => inputData >= count)
    .commit();
  return contestant(name, count, () => resultOf(workflow, 0));
}

/** `foreach`, which keeps the order. */
export function mastraFan(count: number, limit: number): Contestant {
  const items = createStep({
    id: "items",
    inputSchema: number,
    outputSchema: numbers,
    execute: async ({ inputData }) => places(inputData),
  });
  const work = createStep({ id: "work", ...counts, execute: ({ inputData }) => double(inputData) });
  const joining = createStep({
    id: "join",
    inputSchema: numbers,
    outputSchema: number,
    execute: async ({ inputData }) => join(inputData),
  });
  const workflow = createWorkflow({ id: "fan", ...counts })
    .then(items)
    .foreach(work, { concurrency: Math.min(limit, count) })
    .then(joining)
    .commit();
  return contestant(name, joined(count), () => resultOf(workflow, count));
}

export function mastraCrowd(count: number): Contestant {
  const workflow = sequence(stepNames, rest);
  return crowd(name, count, () => resultOf(workflow, 0));
}

/** The step's writer; each consumer reads a full stream of its own. */
export function mastraStream(count: number, consumers: number): Contestant {
  const put = createStep({
    id: "put",
    ...counts,
    execute: async ({ inputData, writer }) => {
      for (let item = 0; item < inputData; item += 1) await writer.write(item);
      return inputData;
    },
  });
  const workflow = createWorkflow({ id: "stream", ...counts })
    .then(put)
    .commit();
  return contestant(name, heardBy(consumers, count), async () => {
    const all = consumersOf(consumers);
    const output = (await workflow.createRun()).stream({ inputData: count });
    const read = all.map(async ({ consume }) => {
      for await (const part of output.fullStream) {
        if (part.type === "workflow-step-output") consume(Number(part.payload.output));
      }
    });
    await Promise.all(read);
    return totalOf(all);
  });
}

/** The step's writer, read as the full stream. */
export function mastraTokens(count: number): Contestant {
  const put = createStep({
    id: "put",
    ...counts,
    execute: async ({ inputData, writer }) => {
      for await (const token of tokens(inputData)) await writer.write(token);
      return inputData;
    },
  });
  const workflow = createWorkflow({ id: "tokens", ...counts })
    .then(put)
    .commit();
  return contestant(name, text(count), async () => {
    let read = "";
    for await (const part of (await workflow.createRun()).stream({ inputData: count }).fullStream) {
      if (part.type === "workflow-step-output") read += String(part.payload.output);
    }
    return read;
  });
}

/** A suspended run each, in a Mastra with its storage in memory: without it, nothing could be resumed. */
export function waiter(): Waiter<Awaited<ReturnType<AnyWorkflow["createRun"]>>> {
  const wait = createStep({
    id: "wait",
    ...counts,
    resumeSchema: number,
    execute: async ({ resumeData, suspend }) => resumeData ?? suspend({}),
  });
  const workflow: AnyWorkflow = createWorkflow({ id: "wait", ...counts })
    .then(wait)
    .commit();
  const mastra = new Mastra({ workflows: { workflow }, logger: false });
  return {
    name,
    begin: async () => {
      const run = await mastra.getWorkflow("workflow").createRun();
      await run.start({ inputData: 0 });
      return run;
    },
    wake: async (run, payload) => valueOf(await run.resume({ step: "wait", resumeData: payload })),
  };
}

/** A step for each name, one after the other. */
function sequence(names: readonly string[], step: (n: number) => Promise<number>): AnyWorkflow {
  let workflow = createWorkflow({ id: "sequence", ...counts }) as unknown as Steps;
  for (const id of names) {
    workflow = workflow.then(createStep({ id, ...counts, execute: ({ inputData }) => step(inputData) }));
  }
  return workflow.commit();
}

async function resultOf(workflow: Pick<AnyWorkflow, "createRun">, input: number): Promise<unknown> {
  const run = await workflow.createRun();
  return valueOf(await run.start({ inputData: input }));
}

function valueOf(ended: { readonly status: string; readonly result?: unknown }): unknown {
  return ended.status === "success" ? ended.result : ended.status;
}
