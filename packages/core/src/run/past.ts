import type { Amount } from "../define/budget.ts";
import type { Entry, EntryOf, FinalEntry, OfChunk } from "../machine/entry.ts";
import { isFinalType } from "../machine/entry.ts";
import type { Graph } from "../graph/graph.ts";
import { Machine, type MachineOptions } from "../machine/machine.ts";
import type { MachineSnapshot } from "../machine/machine-snapshot.ts";
import { foldState } from "../machine/state-fold.ts";
import { Costs, type Spending } from "./costs.ts";

/** A child that an attempt has run, as plain data. */
export interface ChildData {
  readonly flow: string;
  readonly graphHash: string;
  readonly input: unknown;
  readonly past: PastData;
}

/** What an execution and its children have come to, as plain data: what recovery begins with. */
export interface PastData {
  readonly path: readonly string[];
  /** Left out where `entries` begin with the start. */
  readonly machine?: MachineSnapshot;
  /** Its own, after that. */
  readonly entries: readonly Entry[];
  /** How many children it has had. */
  readonly children: number;
  readonly streamStopped: boolean;
  readonly spending: Spending;
  /** Of activations that are not over: their attempt, and the children that it has run. Of an undoing only the children are known. */
  readonly running: readonly (readonly [
    activationId: string,
    attempt: OfChunk | undefined,
    children: readonly ChildData[],
  ])[];
}

/** A child of an attempt that a crash has ended. */
export interface LostChild {
  readonly flow: string;
  readonly graphHash: string;
  readonly input: unknown;
  readonly past: Past;
}

interface Ran {
  attempt: OfChunk | undefined;
  children: LostChild[];
}

/** What stored entries tell of an execution, besides what its machine makes of them: a fold. */
export class Past {
  readonly path: readonly string[];
  readonly machine: MachineSnapshot | undefined;
  readonly entries: Entry[];
  children: number;
  streamStopped: boolean;
  readonly #running: Map<string, Ran>;
  readonly #byPath = new Map<string, { readonly parent: string; readonly past: Past }>();
  readonly #costs: Costs;

  constructor(path: readonly string[], data?: PastData) {
    this.path = path;
    this.machine = data?.machine;
    this.entries = [...(data?.entries ?? [])];
    this.children = data?.children ?? 0;
    this.streamStopped = data?.streamStopped ?? false;
    this.#costs = new Costs(data?.spending);
    this.#running = new Map();
    for (const [activationId, attempt, children] of data?.running ?? []) {
      const lost = children.map(({ past, ...rest }) => ({ ...rest, past: new Past(past.path, past) }));
      this.#running.set(activationId, { attempt, children: lost });
      for (const { past } of lost) this.#byPath.set(past.path.at(-1) ?? "", { parent: activationId, past });
    }
  }

  /** The last of its entries that ends it; undefined while it has not ended. */
  get final(): FinalEntry | undefined {
    const last = this.entries.at(-1);
    return last !== undefined && isFinalType(last.type) ? (last as FinalEntry) : undefined;
  }

  get spending(): Spending {
    return this.#costs.list();
  }

  /** The state after the last entry. */
  get state(): Readonly<Record<string, unknown>> {
    let state = this.machine?.progress.state ?? {};
    for (const entry of this.entries) {
      if (entry.type === "flow:start" || entry.type === "flow:forked") state = entry.state ?? state;
      else if (entry.type === "state:changed") state = foldState(state, entry.diff);
    }
    return state;
  }

  get startedAt(): number {
    return this.machine?.progress.startedAt ?? this.entries[0]?.at ?? 0;
  }

  /** Whether attempts were cut off: the next ones do it all again. */
  get areRunning(): boolean {
    return this.#running.size > 0;
  }

  /** The children that the present attempt of an activation has run, in the order of their start; once: they are another's then. */
  takeChildren(activationId: string): readonly LostChild[] {
    const ran = this.#running.get(activationId);
    const children = ran?.children ?? [];
    if (ran !== undefined) ran.children = [];
    return children;
  }

  /** All children, at any depth, that have not ended. */
  get unfinished(): readonly LostChild[] {
    return this.cutOff.flatMap(({ children }) => children).flatMap((child) => [child, ...child.past.unfinished]);
  }

  /** The attempts that a crash has ended, each with its children that have not ended. */
  get cutOff(): readonly { readonly attempt: OfChunk | undefined; readonly children: readonly LostChild[] }[] {
    return [...this.#running.values()].map(({ attempt, children }) => ({
      attempt,
      children: children.filter(({ past }) => past.final === undefined),
    }));
  }

  /** A machine has taken its entries in: they are held no longer. */
  letGo(): void {
    if (this.final === undefined) this.entries.length = 0;
  }

  /** Takes the next entry of its log in. @returns what it cost */
  take(entry: Entry): Amount | undefined {
    if (entry.path.length > this.path.length) return this.#ofChild(entry);
    this.entries.push(entry);
    switch (entry.type) {
      case "chunk:start":
        this.#ran(entry.activationId).attempt = originOf(entry);
        return undefined;
      case "chunk:complete":
      case "chunk:failed":
      case "chunk:compensated":
        this.#end(entry.activationId);
        return undefined;
      case "stream:stop":
        this.streamStopped = true;
        return undefined;
      default:
        return this.#costs.take(entry);
    }
  }

  #ofChild(entry: Entry): Amount | undefined {
    const name = entry.path[this.path.length] ?? "";
    if (entry.type === "flow:start" && entry.path.length === this.path.length + 1) this.#begin(name, entry);
    const child = this.#byPath.get(name);
    const cost = child?.past.take(entry);
    return cost && this.#costs.spend(this.#running.get(child?.parent ?? "")?.attempt?.chunk ?? "", cost);
  }

  #begin(name: string, { path, flow, graphHash, input, parent = "" }: EntryOf<unknown, "flow:start">): void {
    this.children = Math.max(this.children, Number(name.slice(name.lastIndexOf("#") + 1)) || 0);
    const past = new Past(path);
    this.#byPath.set(name, { parent, past });
    this.#ran(parent).children.push({ flow, graphHash, input, past });
  }

  /** An attempt is over, and with it what it has run. */
  #end(activationId: string): void {
    for (const { past } of this.#running.get(activationId)?.children ?? []) this.#byPath.delete(past.path.at(-1) ?? "");
    this.#running.delete(activationId);
  }

  #ran(activationId: string): Ran {
    const ran = this.#running.get(activationId) ?? { attempt: undefined, children: [] };
    this.#running.set(activationId, ran);
    return ran;
  }

  list(): PastData {
    const { path, machine, entries, children, streamStopped, spending } = this;
    const running = [...this.#running].map(([id, ran]) => {
      const below = ran.children.map(({ past, ...rest }) => ({ ...rest, past: past.list() }));
      return [id, ran.attempt, below] as const;
    });
    return { path, ...(machine && { machine }), entries, children, streamStopped, spending, running };
  }
}

function originOf({ chunk, activationId, attempt, lane }: OfChunk): OfChunk {
  return { chunk, activationId, attempt, lane };
}

/** The machine of an execution, as its past has left it. @throws SluiceError `snapshot-invalid` when the graph's routing is another one */
export function machineOf(graph: Graph, past: Past | undefined, options?: MachineOptions): Machine {
  const { machine: snapshot } = past ?? {};
  const machine = snapshot === undefined ? new Machine(graph, options) : Machine.restore(graph, snapshot, options);
  for (const entry of past?.entries ?? []) machine.apply(entry);
  return machine;
}
