import {
  type Execution,
  type Flows,
  type KnownFlows,
  type Recovered,
  type Store,
  type StoreFilter,
  type StoredExecution,
  SluiceError,
  compile,
  load,
  recover,
  run,
} from "@sluice/core";
import { Refusal } from "./problem.ts";

/** What is hosted. */
export interface HostedOptions {
  /** The flows that can be started, and their children where those are to be undone after a crash. */
  readonly flows: KnownFlows;
  /** Where executions are stored. Without one they end with the process. */
  readonly store?: Store;
  /** How many ended executions stay in memory for late readers, where there is no store. @default 1_000 */
  readonly keepEnded?: number;
}

/** What a list tells of an execution. */
export type Listed = Pick<StoredExecution, "executionId" | "flow" | "status">;

/** The executions of one process: those that it has started, and those that its store has. */
export class Hosted {
  readonly #options: HostedOptions;
  readonly #flows: Flows;
  /** In the order of their start or load. */
  readonly #executions = new Map<string, { readonly flow: string; readonly execution: Execution }>();
  readonly #loading = new Map<string, Promise<Execution | undefined>>();
  #closed = false;

  constructor(options: HostedOptions) {
    this.#options = options;
    this.#flows = new Map(
      options.flows.map((one) => {
        const known = typeof one === "object" && "flow" in one ? (one as { readonly flow: never }) : { flow: one };
        return [compile(known.flow).flow, known] as const;
      }),
    );
  }

  get flows(): readonly string[] {
    return [...this.#flows.keys()];
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
    if (this.#closed) throw closing();
    if (id !== undefined && this.#executions.has(id)) throw taken(id);
    const { store } = this.#options;
    const options = {
      ...(id !== undefined && { id }),
      ...(store !== undefined && { store }),
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

  /** An execution of which something is known. @throws Refusal 404, 503; as `load` */
  async get({ executionId, flow, status }: Listed): Promise<Execution> {
    const here = this.#executions.get(executionId);
    const present = this.#loading.get(executionId);
    if (here !== undefined && present === undefined) return here.execution;
    if (this.#closed) throw closing();
    const loading = present ?? this.#load(executionId, flow, status);
    this.#loading.set(executionId, loading);
    try {
      const execution = await loading;
      if (execution !== undefined) return execution;
      throw unknown(executionId);
    } finally {
      this.#loading.delete(executionId);
    }
  }

  /** @param filter where there is no store, `after` and `limit` count in the order of the start */
  async list(filter: StoreFilter): Promise<readonly Listed[]> {
    const { store } = this.#options;
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

  /** Goes on with what the store has of these flows. */
  async recover(): Promise<Recovered> {
    const { store, flows } = this.#options;
    if (store === undefined) return { executions: [], refused: [] };
    const recovered = await recover(flows, { store });
    for (const execution of recovered.executions) {
      const record = await store.find(execution.id);
      if (record !== undefined) this.#keep(record.flow, execution);
    }
    return recovered;
  }

  /** Begins nothing more, and puts away what is stored. */
  async close(): Promise<void> {
    this.#closed = true;
    const all = [...this.#executions.values()];
    this.#executions.clear();
    if (this.#options.store === undefined) for (const { execution } of all) execution.cancel("the server closes");
    else await Promise.all(all.map(({ execution }) => execution.release()));
  }

  async #load(executionId: string, name: string, status: Listed["status"]): Promise<Execution | undefined> {
    const { store, flows } = this.#options;
    if (store === undefined) return undefined;
    const { flow, create } = this.flow(name);
    try {
      const execution = await load(flow, executionId, { store, flows, ...(create && { create: create as never }) });
      this.#keep(name, execution as Execution);
      // what children ask is known again when the chunks that run them have asked for them again
      if (status === "waiting") await execution.settled;
      return execution as Execution;
    } catch (error) {
      if (error instanceof SluiceError && error.code === "execution-unknown") return undefined;
      throw error;
    }
  }

  #keep(flow: string, execution: Execution): Execution {
    this.#executions.set(execution.id, { flow, execution });
    const forget = (): void => this.#forget(execution);
    execution.result.then(forget, forget);
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

function unknown(executionId: string): Refusal {
  return new Refusal({ status: 404, code: "execution-unknown", title: `There is no execution "${executionId}"` });
}

function closing(): Refusal {
  const title = "The server is about to close";
  return new Refusal({ status: 503, code: "server-closing", title, mend: "Try again in a moment" });
}
