import { type Bar, targets } from "./bar.ts";
import { ask } from "./child.ts";
import { rxjs } from "./contestants/rxjs.ts";
import { sluice } from "./contestants/sluice.ts";
import { sluiceReleased } from "./contestants/sluice-released.ts";
import { sluiceStored } from "./contestants/sluice-stored.ts";
import { type Cost, type MeasureOptions, costOf } from "./measure.ts";
import { type Comparison, type Section, minOf } from "./section.ts";

/** The files of the contestants. */
const contestants = ["plain", "rxjs", "sluice", "xstate", "workflow-core", "mastra", "cycgraph", "langgraph"];

/** The same, for executions that are stored and wait for an answer. */
const stored = ["plain", "sluice-stored", "sluice-released"];

/** What `wait.ts` sends. */
interface Held {
  readonly name: string;
  readonly bytes: number;
  readonly amount: number;
}

/** Many executions that wait for an event from outside: what each of them holds in memory. */
export async function waiting({ rounds }: MeasureOptions): Promise<Section> {
  const quick = rounds < 5;
  const { costs, fewer } = await heldBy(contestants, quick);
  const ofStored = await heldBy(stored, quick);
  const comparison: Comparison = {
    title: "An execution that waits for an event from outside",
    note:
      "What is still held after a collection, in the heap and in buffers, for each of 10,000 executions. Sluice holds its log; " +
      "LangGraph and Mastra hold their state in their memory storage, without which they could not go on. A hundredth of " +
      "the executions get their event, and have to give it as their result.",
    costs,
    of: "memory",
    unit: rxjs,
    ours: sluice,
    chart: "10,000 waiting executions, memory each",
    exceptions: fewer.map(fewerThan),
  };
  const durable: Comparison = {
    title: "A stored execution that waits for an answer",
    note: `What is still held of it beside its store. ${sluiceReleased}: it was put away with \`release()\`, and is loaded for its answer.`,
    costs: ofStored.costs,
    of: "memory",
    unit: ofStored.costs[0]?.name ?? "",
    ours: sluiceStored,
    exceptions: ofStored.fewer.map(fewerThan),
  };
  const bars: readonly Bar[] = [
    kilobytes(comparison, sluice, 4),
    ...targets(comparison, { atLeast: { LangGraph: 1, Mastra: 1, xstate: 1 } }),
    kilobytes(durable, sluiceStored, 6),
    kilobytes(durable, sluiceReleased, 0.25),
  ];
  return { title: "Waiting", comparisons: [comparison, durable], growth: [], bars };
}

function kilobytes({ title, costs }: Comparison, name: string, limit: number): Bar {
  return { what: `${title}: ${name}, KB`, value: minOf(costs, name) / 1_024, is: "at most", limit, kind: "target" };
}

function fewerThan({ name, amount }: Held): string {
  return `${name} has ${amount.toLocaleString("en")} executions.`;
}

/** What the waiting executions of each contestant hold, and those that have fewer of them. */
async function heldBy(files: readonly string[], quick: boolean) {
  const answers: Held[][] = files.map(() => []);
  for (let round = 0; round < (quick ? 1 : 2); round += 1) {
    for (const [index, file] of files.entries()) {
      answers[index]?.push((await ask("wait.ts", quick ? [file, "--quick"] : [file])) as Held); // wait.ts sends nothing else
    }
  }
  const costs = answers.map((held): Cost =>
    costOf(
      held[0]?.name ?? "",
      held.map(({ bytes }) => bytes),
    ),
  );
  return { costs, fewer: answers.flatMap(([held]) => (held !== undefined && held.amount < 10_000 ? [held] : [])) };
}
