import { type Bar, targets } from "./bar.ts";
import { ask } from "./child.ts";
import { rxjs } from "./contestants/rxjs.ts";
import { sluice } from "./contestants/sluice.ts";
import { type Cost, type MeasureOptions, costOf } from "./measure.ts";
import { type Comparison, type Section, minOf } from "./section.ts";

/** The files of the contestants. */
const contestants = ["plain", "rxjs", "sluice", "xstate", "workflow-core", "mastra", "cycgraph", "langgraph"];

/** What `wait.ts` sends. */
interface Held {
  readonly name: string;
  readonly bytes: number;
  readonly amount: number;
}

/** Many executions that wait for an event from outside: what each of them holds in memory. */
export async function waiting({ rounds }: MeasureOptions): Promise<Section> {
  const quick = rounds < 5;
  const answers: Held[][] = contestants.map(() => []);
  for (let round = 0; round < (quick ? 1 : 2); round += 1) {
    for (const [index, file] of contestants.entries()) {
      answers[index]?.push((await ask("wait.ts", quick ? [file, "--quick"] : [file])) as Held); // wait.ts sends nothing else
    }
  }
  const costs = answers.map((held): Cost =>
    costOf(
      held[0]?.name ?? "",
      held.map(({ bytes }) => bytes),
    ),
  );
  const fewer = answers.flatMap(([held]) => (held !== undefined && held.amount < 10_000 ? [held] : []));
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
    exceptions: fewer.map(({ name, amount }) => `${name} has ${amount.toLocaleString("en")} executions.`),
  };
  const bars: readonly Bar[] = [
    {
      what: `${comparison.title}: ${sluice}, KB`,
      value: minOf(costs, sluice) / 1_024,
      is: "at most",
      limit: 4,
      kind: "target",
    },
    ...targets(comparison, { atLeast: { LangGraph: 1, Mastra: 1, xstate: 1 } }),
  ];
  return { title: "Waiting", comparisons: [comparison], growth: [], bars };
}
