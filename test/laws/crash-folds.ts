import type { Append, Execution, Graph } from "@sluice/core";
import { shellOf } from "../../packages/core/src/execution/execution.ts";
import { Past, type PastData, machineOf } from "../../packages/core/src/run/past.ts";
import { entryOfText, ofText, textOf } from "../../packages/core/src/store/entry-text.ts";

const executionId = "x";

/** Where a fold of the log, through JSON, is not what the execution has in memory; or a checkpoint and what follows is not the whole. */
export function foldBreaks(
  graph: Graph,
  stored: readonly string[],
  appends: readonly Append[],
  execution: Execution | undefined,
): string[] {
  const own = appends.find((one) => one.executionId === executionId);
  const shell = execution && shellOf(execution);
  if (own === undefined || shell === undefined || own.first % 3 > 0) return []; // each costs the whole log
  const texts = [...stored, ...own.entries];
  const broken: string[] = [];
  if (texts.length !== own.first - 1 + own.entries.length) broken.push(`entries up to ${texts.length} have a hole`);
  const path = [graph.flow];
  const folded = new Past(path);
  for (const [index, text] of texts.entries()) folded.take(entryOfText(text, index + 1, { executionId, path }));
  const whole = told(graph, ofText(textOf(folded.list())) as PastData);
  const live = told(graph, ofText(textOf(shell.checkpoint())) as PastData);
  const differs = differenceOf(whole, live);
  if (differs !== undefined) broken.push(`after entry ${texts.length} the fold differs from what is live: ${differs}`);
  return broken;
}

/** What a past comes to; of children what does not hang on how it is written down. */
function told(graph: Graph, data: PastData): Record<string, unknown> {
  const machine = machineOf(graph, new Past(data.path, data), { durable: true });
  void machine.questions; // made when it is looked at
  void machine.kept("");
  const { progress, ...snapshot } = machine.snapshot();
  return {
    ...(JSON.parse(textOf(machine.ended ? { seq: progress.seq } : { progress, ...snapshot })) as object),
    children: data.children,
    streamStopped: data.streamStopped,
    spent: data.spending.spent.find(([chunk]) => chunk === "")?.[1] ?? { usd: 0, tokens: 0 },
    ran: machine.ended
      ? []
      : data.running
          .flatMap(([activation, , children]) =>
            children.map(
              ({ past, flow }) =>
                `${activation} ${flow} ${past.path.join("/")} ${new Past(past.path, past).final?.type}`,
            ),
          )
          .toSorted(),
  };
}

/** The order of keys tells nothing. */
function sorted(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

function differenceOf(one: Record<string, unknown>, other: Record<string, unknown>): string | undefined {
  for (const key of new Set([...Object.keys(one), ...Object.keys(other)])) {
    const [a, b] = [one[key], other[key]].map((value) => JSON.stringify(value, sorted));
    if (a !== b) return `${key}: ${a} / ${b}`;
  }
  return undefined;
}
