import { asapScheduler } from "rxjs";
import type { z } from "zod";
import { definitionOf } from "../define/flow.ts";
import type { SpecOf } from "../define/payload.ts";
import type { CreateOption, RunInput, Runnable } from "../define/runnable.ts";
import type { StateOf } from "../define/spec.ts";
import { SluiceError } from "../error/sluice-error.ts";
import { compile } from "../graph/compile.ts";
import { type Entry, type EntryDraft, isFinal } from "../machine/entry.ts";
import { validInput } from "../run/launch.ts";
import { Past } from "../run/past.ts";
import { plainCopy } from "../run/plain-data.ts";
import { validate } from "../schema/validate.ts";
import { entryText } from "../store/entry-text.ts";
import { refusedError } from "../store/journal.ts";
import type { Founding, Moment, Store, StoredExecution } from "../store/store.ts";
import { isChanged } from "./changed-graph.ts";
import { graphText } from "./durability.ts";
import type { Execution } from "./execution.ts";
import { randomId } from "./execution-id.ts";
import { type ContinueOptions, goOn, knownFlows } from "./load.ts";
import { momentOf } from "./replay.ts";
import { given, readLog, recordOf } from "./stored-log.ts";

/** How an execution branches off another. */
export interface ForkOptions<C> extends ContinueOptions, CreateOption<C> {
  /** Number of the entry after which it goes its own way; 1 is the start. */
  readonly at: number;
  /** Another input: only from the start. @default the same */
  readonly input?: RunInput<C>;
  /** Keys of the state that are otherwise; no `changed` trigger hears of it. @default the same */
  readonly state?: Partial<StateOf<SpecOf<C>>>;
  /** The new execution's id. @default a random UUID */
  readonly id?: string;
}

/**
 * Starts a new execution from a past moment of a stored one, which stays as it is. Nothing that was complete at that moment
 * runs again; what was under way starts over. The flow's code may be another; its wiring may with `acceptChanges`. Timers
 * have as much time left as they had then.
 *
 * @throws SluiceError `fork-invalid`, `position-invalid`, `input-invalid`, `state-invalid`, `execution-exists`, and what
 * `load` throws; nothing is stored then
 */
export async function fork<C extends Runnable>(
  flow: C,
  executionId: string,
  options: ForkOptions<C>,
): Promise<Execution<SpecOf<C>>> {
  const { store, scheduler = asapScheduler, id = randomId(), create } = options;
  const record = await recordOf(store, executionId);
  const graph = compile(flow);
  await isChanged(record, graph, options);
  const seq = momentOf(record, options.at);
  const entries = await readLog(store, record, { upTo: seq });
  const moment = { executionId, seq };
  const ended = entries.find(isFinal);
  if (ended !== undefined)
    throw invalid(moment, `it had ended by then, with ${ended.type}`, "Fork it from an earlier entry");
  const now = scheduler.now();
  const passed = now - (entries.at(-1)?.at ?? now);
  const texts = withInput(flow, moment, entries, options).map((entry) => entryText(later(entry, passed)));
  const draft: EntryDraft = { type: "flow:forked", from: moment, ...changedState(flow, entries, options.state) };
  const place = { seq: seq + 1, live: 0, at: now, executionId: id, path: [graph.flow] };
  const founding = { flow: graph.flow, graphHash: graph.hash, graph: graphText(graph), forkedFrom: moment };
  const forked = await found(store, [...texts, entryText({ ...place, ...draft } as Entry)], { id, founding, at: now });
  return (await goOn(forked, { flow, create }, options, knownFlows([...(options.flows ?? []), flow]))) as Execution<
    SpecOf<C>
  >;
}

/** The entries, with another start where another input is given. */
function withInput<C extends Runnable>(
  flow: C,
  moment: Moment,
  entries: readonly Entry[],
  options: ForkOptions<C>,
): readonly Entry[] {
  const { input } = options;
  if (input === undefined) return entries;
  if (moment.seq > 1) {
    throw invalid(
      moment,
      "another input was given, with which nothing of that would have happened",
      "Fork it at 1, or change the state",
    );
  }
  const valid = plainCopy(validInput(flow, input), compile(flow).flow);
  return entries.map((entry) => (entry.type === "flow:start" ? { ...entry, input: valid } : entry));
}

/** An entry whose timer is due so many milliseconds later. */
function later(entry: Entry, ms: number): Entry {
  const isTimer = entry.type === "timer:set" || entry.type === "interrupt:raised";
  return isTimer && entry.dueAt !== undefined ? { ...entry, dueAt: entry.dueAt + ms } : entry;
}

/** The whole state, where some of it is to be otherwise. */
function changedState(
  flow: Runnable,
  entries: readonly Entry[],
  changes: Readonly<Record<string, unknown>> | undefined,
) {
  if (changes === undefined) return {};
  const { spec } = definitionOf(flow);
  const past = new Past([spec.name]);
  for (const entry of entries) past.take(entry);
  const schema = spec.state;
  if (schema === undefined) {
    throw new SluiceError("schema-missing", {
      what: "A state was given, and the flow has none",
      where: spec.name,
      mend: "Give its spec a `state` schema",
    });
  }
  const state = validate(
    schema as z.ZodType,
    { ...past.state, ...changes },
    {
      code: "state-invalid",
      what: "The state",
      where: spec.name,
      mend: "Nothing was forked. Give what the schema says",
    },
  );
  return { state: plainCopy(state as Readonly<Record<string, unknown>>, spec.name) };
}

/** Stores a new execution with its first entries. @throws SluiceError `execution-exists`, `store-failed` */
async function found(
  store: Store,
  entries: readonly string[],
  { id, founding, at }: { readonly id: string; readonly founding: Founding; readonly at: number },
): Promise<StoredExecution> {
  const append = { executionId: id, epoch: 1, first: 1, entries, status: "running" as const, at, founding };
  const [refused] = await given(() => store.append([append]), "take");
  if (refused !== undefined) throw refusedError(refused);
  return recordOf(store, id);
}

function invalid({ executionId, seq }: Moment, why: string, mend: string): SluiceError {
  return new SluiceError("fork-invalid", {
    what: `The execution "${executionId}" cannot be forked at entry ${seq}: ${why}`,
    mend,
  });
}
