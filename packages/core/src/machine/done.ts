import { routesOf } from "../graph/routes.ts";
import type { Graph } from "../graph/graph.ts";
import type { Activations } from "./activations.ts";
import type { Agenda } from "./agenda.ts";
import type { Command } from "./command.ts";
import type { Entry } from "./entry.ts";
import type { Rollback } from "./rollback.ts";

/** What is remembered. */
type Deed = Extract<Entry, { readonly type: "step:complete" | "signal" | "stream:item" | "chunk:reset" }>;

/** A signal that an attempt has emitted. */
export interface Emitted {
  readonly id: string;
  readonly payload: unknown;
}

/** What the attempts of one activation, or of its undoing, have done. */
interface Work {
  /** What finished steps came to, by name. */
  steps?: Map<string, unknown>;
  /** Whether each sleep is over, by its timer. */
  sleeps?: Map<string, boolean>;
  /** By event, in the order of the log. */
  signals?: Map<string, Emitted[]>;
  /** Whether it has shown stream items that are not void. */
  shown: boolean;
}

/** What one has done, as plain data. */
interface WorkData {
  readonly owner: string;
  readonly steps: readonly { readonly name: string; readonly value?: unknown }[];
  readonly sleeps: readonly (readonly [timer: string, over: boolean])[];
  readonly signals: readonly (readonly [event: string, emitted: readonly Emitted[]])[];
  readonly shown: boolean;
}

/** What unfinished activations have done, as plain data. */
export interface DoneData {
  /** Left out where nothing is remembered. */
  readonly done?: readonly WorkData[];
}

/** Who does it. */
interface Doers {
  readonly activations: Pick<Activations, "get">;
  readonly rollback: Pick<Rollback, "find">;
}

const none: readonly never[] = [];

/**
 * What attempts of unfinished activations have done, which a later attempt does not do again. An undoing has a memory of
 * its own. Signals, and that something was shown, are kept only where a later attempt is possible.
 */
export class Done {
  readonly #graph: Graph;
  readonly #doers: Doers;
  readonly #agenda: Agenda;
  readonly #durable: boolean;
  /** By owner; made with the first. */
  #works: Map<string, Work> | undefined;
  /** Whether no chunk can have a later attempt. */
  readonly #isOnce: boolean;

  /** @param durable whether an attempt can be cut off by a crash, and another follow all the same */
  constructor(graph: Graph, doers: Doers, agenda: Agenda, durable: boolean) {
    this.#graph = graph;
    this.#doers = doers;
    this.#agenda = agenda;
    this.#durable = durable;
    this.#isOnce = !durable && !routesOf(graph).isRetried;
  }

  /** What a finished step came to. @param owner as `ownerOf` has it */
  step(owner: string, name: string): { readonly value: unknown } | undefined {
    const steps = this.#works?.get(owner)?.steps;
    return steps?.has(name) === true ? { value: steps.get(name) } : undefined;
  }

  /** Whether a sleep is over; undefined for one that has not begun. */
  sleep(owner: string, timer: string): boolean | undefined {
    return this.#works?.get(owner)?.sleeps?.get(timer);
  }

  /** The signals of an event that have been emitted, in the order of the log. */
  signals(owner: string, event: string): readonly Emitted[] {
    return this.#works?.get(owner)?.signals?.get(event) ?? none;
  }

  /** Whether stream items have been shown since the last `chunk:reset`. */
  hasShown(owner: string): boolean {
    return this.#works?.get(owner)?.shown === true;
  }

  /** Takes in what an attempt has done. */
  note(entry: Deed): void {
    if (entry.type !== "step:complete" && (this.#isOnce || entry.activationId === undefined)) return;
    const found = this.#find(entry.activationId ?? "");
    if (found === undefined || (entry.type !== "step:complete" && !this.#isRepeated(found.chunk))) return;
    const { owner } = found;
    switch (entry.type) {
      case "step:complete":
        (this.#work(owner).steps ??= new Map()).set(entry.name, entry.value);
        break;
      case "signal": {
        const signals = (this.#work(owner).signals ??= new Map<string, Emitted[]>());
        const emitted = { id: entry.id, payload: entry.payload };
        const before = signals.get(entry.event);
        if (before === undefined) signals.set(entry.event, [emitted]);
        else before.push(emitted);
        break;
      }
      case "stream:item":
        this.#work(owner).shown = true;
        break;
      case "chunk:reset": {
        const work = this.#works?.get(owner);
        if (work !== undefined) work.shown = false;
        break;
      }
      default:
        entry satisfies never;
    }
  }

  /** A timer is set: a sleep begins, if it is one's. */
  timerSet(timer: string): void {
    const owner = ownerOfSleep(timer);
    if (owner !== undefined) (this.#work(owner).sleeps ??= new Map()).set(timer, false);
  }

  /** A timer has fired: a sleep is over, if it was one's. */
  timerFired(timer: string): void {
    const owner = this.#works === undefined ? undefined : ownerOfSleep(timer);
    if (owner !== undefined) this.#works?.get(owner)?.sleeps?.set(timer, true);
  }

  /** The sleeps that are not over. */
  waits(): readonly Command[] {
    if (this.#works === undefined) return none;
    const timers = [...this.#works.values()].flatMap(({ sleeps }) => openOf(sleeps));
    return timers.flatMap((timer) => {
      const dueAt = this.#agenda.timers?.get(timer);
      return dueAt === undefined ? [] : [{ type: "wait" as const, timer, dueAt }];
    });
  }

  /** One is over: no later attempt follows. */
  forget(owner: string): void {
    const work = this.#works?.get(owner);
    if (work === undefined) return;
    this.#works?.delete(owner);
    for (const timer of openOf(work.sleeps)) this.#agenda.unset(timer);
  }

  clear(): void {
    this.#works = undefined;
  }

  list(): DoneData {
    if (this.#works === undefined || this.#works.size === 0) return {};
    const done = [...this.#works].map(([owner, { steps, sleeps, signals, shown }]) => ({
      owner,
      steps: [...(steps ?? none)].map(([name, value]) => ({ name, value })),
      sleeps: [...(sleeps ?? none)],
      signals: [...(signals ?? none)].map(([event, emitted]) => [event, [...emitted]] as const),
      shown,
    }));
    return { done };
  }

  restore({ done = [] }: DoneData): void {
    for (const { owner, steps, sleeps, signals, shown } of done) {
      const work = this.#work(owner);
      if (steps.length > 0) work.steps = new Map(steps.map(({ name, value }) => [name, value]));
      if (sleeps.length > 0) work.sleeps = new Map(sleeps);
      if (signals.length > 0) work.signals = new Map(signals.map(([event, emitted]) => [event, [...emitted]]));
      work.shown = shown;
    }
  }

  #isRepeated(chunk: number): boolean {
    return this.#durable || (this.#graph.chunks[chunk]?.retry?.attempts ?? 1) > 1;
  }

  /** Who does what an entry tells: an activation that is not over, else what undoes it. */
  #find(activationId: string): { readonly owner: string; readonly chunk: number } | undefined {
    const { activations, rollback } = this.#doers;
    const activation = activations.get(activationId);
    if (activation !== undefined) return { owner: activationId, chunk: activation.chunk };
    const undoing = rollback.find(activationId);
    return undoing && { owner: ownerOf(activationId, true), chunk: undoing.chunk };
  }

  #work(owner: string): Work {
    this.#works ??= new Map();
    let work = this.#works.get(owner);
    if (work === undefined) {
      work = { shown: false };
      this.#works.set(owner, work);
    }
    return work;
  }
}

const undoPrefix = "undo ";
const sleepPrefix = "sleep ";

/** Whose memory the attempts of an activation have, or of its undoing. */
export function ownerOf(activationId: string, undoes: boolean): string {
  return undoes ? `${undoPrefix}${activationId}` : activationId;
}

/** The timer of the nth sleep of each attempt. */
export function timerOfSleep(owner: string, nth: number): string {
  return `${sleepPrefix}${owner}#${nth}`;
}

function ownerOfSleep(timer: string): string | undefined {
  return timer.startsWith(sleepPrefix) ? timer.slice(sleepPrefix.length, timer.lastIndexOf("#")) : undefined;
}

function openOf(sleeps: ReadonlyMap<string, boolean> | undefined): readonly string[] {
  return sleeps === undefined ? none : [...sleeps].flatMap(([timer, over]) => (over ? [] : [timer]));
}
