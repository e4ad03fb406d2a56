import {
  type Execution,
  type Flows,
  type KnownFlows,
  type Recovered,
  type Retention,
  type Store,
  type StoreFilter,
  type StoredExecution,
  SluiceError,
  compile,
  load,
  recover,
  run,
} from "@sluice/core";
import { type SchedulerLike, asyncScheduler } from "rxjs";
import { Refusal } from "../request/problem.ts";
import { within } from "../request/within.ts";

/** What is hosted. */
export interface HostedOptions {
  /** The flows that can be started, and their children where those are to be undone after a crash. */
  readonly flows: KnownFlows;
  /** Where executions are stored. Without one they end with the process. */
  readonly store?: Store;
  /** How many ended executions stay in memory for late readers, where there is no store. @default 1_000 */
  readonly keepEnded?: number;
  /** How much of an execution's log stays in memory for clients that come late or read slowly. @default 10,000 entries, 32 MB */
  readonly retention?: Retention;
  /** How many executions may run at a time; those that wait for people do not count. More are not begun. @default no limit */
  readonly maxRunning?: number;
  /** Hears of errors that are the server's own, of which a client is told nothing. @default `console.error` */
  readonly onError?: (error: unknown) => void;
  /** The server's clock. @default RxJS' `asyncScheduler` */
  readonly scheduler?: SchedulerLike;
}

/** What a list tells of an execution. */
export type Listed = Pick<StoredExecution, "executionId" | "flow" | "status">;

/** The executions of one process: those that it has started, and those that its store has. */
export class Hosted {
  #options: HostedOptions;
  #flows: Flows;
  /** In the order of their start or load. */
  readonly #executions = new Map<string, { readonly flow: string; readonly execution: Execution }>();
  readonly #loading = new Map<string, Promise<Execution | undefined>>();
  /** Executions that are being brought back: until they wait or end, not all that they have asked is known again. */
  readonly #returning = new Map<string, Promise<unknown>>();
  #recovering: Promise<unknown> | undefined;
  #closed = false;

  constructor(options: HostedOptions) {
    this.#options = options;
    this.#flows = flowsByName(options.flows);
  }

  /** From here on executions begin, and are loaded, with these flows; those that are in memory go on with theirs. @throws FlowDefinitionError; then nothing is changed */
  reload(flows: KnownFlows): void {
    this.#flows = flowsByName(flows);
    this.#options = { ...this.#options, flows };
  }

  get #running(): number {
    let count = 0;
    for (const { execution } of this.#executions.values()) if (execution.status === "running") count += 1;
    return count;
  }

  get flows(): readonly string[] {
    return [...this.#flows.keys()];
  }

  /** The classes and builders. */
  get definitions(): readonly unknown[] {
    return [...this.#flows.values()].map(({ flow }) => flow);
  }

  /** A flow by its name. @throws Refusal 404 */
  flow(name: string) {
    const known = this.#flows.get(name);
    if (known !== undefined) return known;
    throw new Refusal({ status: 404, code: "flow-unknown", title: `There is no flow "${name}"` });
  }

  /** @param id by default a random one. @throws Refusal 404, 409, 503; SluiceError `input-invalid` */
  start(name: string, input: unknown, id?: string): Execution {
    const { flow, create } = this.flow(name);
    if (this.#closed) throw serverCloses();
    if (id !== undefined && this.#executions.has(id)) throw taken(id);
    const { store, retention, maxRunning } = this.#options;
    if (maxRunning !== undefined && this.#running >= maxRunning)
      throw unavailable("server-busy", `${maxRunning} executions are running already`);
    const options = {
      ...(id !== undefined && { id }),
      ...(store !== undefined && { store }),
      ...(retention !== undefined && { retention }),
      ...(create !== undefined && { create }),
    };
    return this.#keep(name, run(flow, input as never, options as never) as Execution);
  }

  /** What is known of an execution before it is loaded. */
  async find(executionId: string): Promise<Listed | undefined> {
    const here = this.#executions.get(executionId);
    if (here !== undefined) return { executionId, flow: here.flow, status: here.execution.status };
    return this.#options.store?.find(executionId);
  }

  /** An execution, with what `find` knows of it. @throws Refusal 404, 503; as `load` */
  async get(executionId: string, found: Listed | undefined): Promise<Execution> {
    if (found === undefined) throw unknown(executionId);
    await this.#recovering; // what it brings back is not to be loaded besides
    const { flow } = found;
    const here = this.#executions.get(executionId);
    const present = this.#loading.get(executionId);
    if (here !== undefined && present === undefined) return here.execution;
    if (this.#closed) throw serverCloses();
    const loading = present ?? this.#load(executionId, flow);
    this.#loading.set(executionId, loading);
    try {
      const execution = await loading;
      if (execution !== undefined) return execution;
      throw unknown(executionId);
    } finally {
      this.#loading.delete(executionId);
    }
  }

  /** @param filter where there is no store, `after` and `limit` count in the order of the start. @throws Refusal 400 */
  async list(filter: StoreFilter): Promise<readonly Listed[]> {
    const { store } = this.#options;
    if (filter.after !== undefined) {
      const last = await this.find(filter.after);
      if (last === undefined || (filter.flow ?? last.flow) !== last.flow) throw noPlace(filter.after);
    }
    if (store !== undefined) return store.list(filter);
    const { flow, status, after, limit = 100 } = filter;
    const all = [...this.#executions].map(([executionId, one]) => ({
      executionId,
      flow: one.flow,
      status: one.execution.status,
    }));
    const from = after === undefined ? 0 : all.findIndex(({ executionId }) => executionId === after) + 1;
    return all
      .slice(from)
      .filter((one) => (flow === undefined || one.flow === flow) && (status?.includes(one.status) ?? true))
      .slice(0, limit);
  }

  /**
   * Settles when a question is known, or that there is none: children of an execution that was brought back ask again when
   * they are asked for again.
   *
   * @throws Refusal 503 when that takes long
   */
  async asked({ id, interrupts }: Execution, interrupt: string): Promise<void> {
    const returning = this.#returning.get(id);
    if (returning === undefined || interrupts.some((one) => one.id === interrupt)) return;
    const { scheduler = asyncScheduler } = this.#options;
    if ((await within(returning, 10_000, scheduler)) === undefined) throw returningStill(id);
  }

  /** Goes on with what the store has of these flows. */
  async recover(): Promise<Recovered> {
    if (this.#closed) throw serverCloses();
    const recovering = this.#recover();
    this.#recovering = Promise.allSettled([this.#recovering, recovering]);
    return recovering;
  }

  /** Lets nothing begin any more. */
  stop(): void {
    this.#closed = true;
  }

  async #recover(): Promise<Recovered> {
    const { store, flows, retention } = this.#options;
    if (store === undefined) return { executions: [], refused: [] };
    const recovered = await recover(flows, { store, ...(retention && { retention }) });
    for (const execution of recovered.executions) {
      const record = await store.find(execution.id);
      if (record === undefined) continue;
      this.#keep(record.flow, execution);
      this.#returns(execution);
    }
    return recovered;
  }

  /** Begins nothing more, and puts away what is stored. @throws AggregateError why some could not be; all others are */
  async close(): Promise<void> {
    this.stop();
    await Promise.allSettled([this.#recovering, ...this.#loading.values()]);
    const all = [...this.#executions.values()];
    this.#executions.clear();
    if (this.#options.store === undefined) return all.forEach(({ execution }) => execution.cancel("the server closes"));
    const released = await Promise.allSettled(all.map(({ execution }) => execution.release()));
    const errors = released.flatMap((one) => (one.status === "rejected" ? [one.reason as unknown] : []));
    if (errors.length === 0) return;
    throw new AggregateError(errors, `${errors.length} of ${all.length} executions could not be put away`);
  }

  #returns(execution: Execution): void {
    const settled = execution.settled.finally(() => this.#returning.delete(execution.id));
    this.#returning.set(execution.id, settled);
  }

  async #load(executionId: string, name: string): Promise<Execution | undefined> {
    const { store, flows, retention } = this.#options;
    if (store === undefined) return undefined;
    const { flow, create } = this.flow(name);
    const options = { store, flows, ...(retention && { retention }), ...(create && { create: create as never }) };
    try {
      const execution = await load(flow, executionId, options);
      this.#keep(name, execution as Execution);
      this.#returns(execution as Execution);
      return execution as Execution;
    } catch (error) {
      if (error instanceof SluiceError && error.code === "execution-unknown") return undefined;
      throw error;
    }
  }

  #keep(flow: string, execution: Execution): Execution {
    this.#executions.set(execution.id, { flow, execution });
    const { onError = console.error } = this.#options;
    const forget = (): void => this.#forget(execution);
    execution.result.then(forget, (error: unknown) => {
      forget();
      if (error instanceof SluiceError && isStoppedHere(error)) onError(error);
    });
    return execution;
  }

  /** It has ended: what is stored can be loaded again, of the others the newest stay. */
  #forget(execution: Execution): void {
    const { store, keepEnded = 1_000 } = this.#options;
    if (store !== undefined) {
      // one that was taken away may have been loaded again
      if (this.#executions.get(execution.id)?.execution === execution) this.#executions.delete(execution.id);
      return;
    }
    const ended = [...this.#executions].filter(([, { execution }]) => isEnded(execution));
    for (const [id] of ended.slice(0, Math.max(0, ended.length - keepEnded))) this.#executions.delete(id);
  }
}

function flowsByName(flows: KnownFlows): Flows {
  return new Map(
    flows.map((one) => {
      const known = typeof one === "object" && "flow" in one ? (one as { readonly flow: never }) : { flow: one };
      return [compile(known.flow).flow, known] as const;
    }),
  );
}

/** Whether nothing more happens in it. */
export function isEnded({ status }: Pick<Execution, "status">): boolean {
  return status !== "running" && status !== "waiting";
}

function taken(executionId: string): Refusal {
  return new Refusal({
    status: 409,
    code: "execution-exists",
    title: `There is an execution "${executionId}" already`,
  });
}

/** Whether an execution has not ended, and yet does not go on in this process: nothing of that is in its log. */
function isStoppedHere({ code }: SluiceError): boolean {
  return code === "store-failed" || code === "claim-lost";
}

function unknown(executionId: string): Refusal {
  return new Refusal({ status: 404, code: "execution-unknown", title: `There is no execution "${executionId}"` });
}

function noPlace(after: string): Refusal {
  const title = `The list cannot go on after the execution "${after}"`;
  return new Refusal({ status: 400, code: "after-unknown", title, mend: "List from the beginning" });
}

/** Nothing begins any more. */
export function serverCloses(): Refusal {
  return unavailable("server-closing", "The server is about to close");
}

function returningStill(executionId: string): Refusal {
  return unavailable("execution-returning", `The execution "${executionId}" is still being brought back`);
}

function unavailable(code: string, title: string): Refusal {
  return new Refusal({ status: 503, code, title, mend: "Try again in a moment" }, { "retry-after": "1" });
}
