import {
  type Activation,
  type Command,
  type Entry,
  type EntryDraft,
  type Graph,
  Machine,
  SluiceError,
  type Undoing,
} from "@sluice/core";

/** What a chunk comes to in a lane: the same whenever it is asked. */
export interface World {
  readonly work: (
    chunk: string,
    lane: string,
    payload: unknown,
  ) => {
    readonly ms: number;
    readonly output?: unknown;
    readonly fails?: boolean;
    /** Whether it takes a step before. */
    readonly steps?: boolean;
    /** How long it sleeps before. */
    readonly sleepMs?: number;
  };
  /** The reply that a chunk reads in an attempt; undefined for chunks that read none. */
  readonly reads?: (chunk: string, attempt: number) => Reading | undefined;
}

/** A reply, as far as it is written. */
export interface Reading {
  readonly reply: string;
  readonly value: Readonly<Record<string, unknown>>;
  /** How many of its values are written before it breaks off; undefined when it does not. */
  readonly until: number | undefined;
  /** Between two values. */
  readonly ms: number;
}

/** Another shell for the same machine: it simulates the chunks, and can begin with what a crash has left. */
export class SecondShell {
  readonly entries: Entry[] = [];
  readonly #graph: Graph;
  readonly #world: World;
  readonly #machine: Machine;
  readonly #agenda: { at: number; order: number; name: string; act: () => void }[] = [];
  readonly #running = new Map<string, Activation>();
  readonly #queue: Command[] = [];
  /** Those that sleep, by timer. */
  readonly #asleep = new Map<string, () => void>();
  #order = 0;
  #now = 0;

  constructor(graph: Graph, world: World, left: readonly Entry[] = []) {
    this.#graph = graph;
    this.#world = world;
    this.#machine = new Machine(graph, { durable: true });
    for (const entry of left) {
      this.#machine.apply(entry);
      this.entries.push(entry);
      this.#now = entry.at;
    }
  }

  /** Runs to the end, from the start or from what is pending; gives up after so many entries. */
  run(maxEntries: number): readonly Entry[] {
    if (this.entries.length === 0) {
      this.#append({ type: "flow:start", flow: this.#graph.flow, graphHash: this.#graph.hash, input: 1, state: {} });
    } else {
      for (const { id, running } of this.#machine.snapshot().activations.activations) {
        const one = running ? this.#activation(id) : undefined;
        if (one !== undefined) this.#running.set(id, one);
      }
      this.#queue.push(...this.#machine.pending());
    }
    for (;;) {
      for (let command = this.#queue.shift(); command !== undefined; command = this.#queue.shift())
        this.#carryOut(command);
      this.#agenda.sort((a, b) => a.at - b.at || a.order - b.order);
      const next = this.#agenda.shift();
      if (next === undefined || this.entries.length > maxEntries) return this.entries;
      this.#now = Math.max(this.#now, next.at);
      next.act();
    }
  }

  #append(draft: EntryDraft): void {
    if (this.#machine.ended) return;
    const place = { seq: this.entries.length + 1, live: 0, at: this.#now, executionId: "e", path: [this.#graph.flow] };
    const entry = { ...draft, ...place } as Entry;
    this.entries.push(entry);
    this.#queue.push(...this.#machine.apply(entry));
  }

  #later(ms: number, name: string, act: () => void): void {
    this.#order += 1;
    this.#agenda.push({ at: this.#now + ms, order: this.#order, name, act });
  }

  #carryOut(command: Command): void {
    switch (command.type) {
      case "start":
        return this.#start(command.activation);
      case "retry": {
        const { timer, activationId, chunk, lane, attempt } = command.of;
        const name = this.#graph.chunks[chunk]?.name ?? "";
        this.#append({ type: "chunk:retry", chunk: name, activationId, attempt, lane, delayMs: command.delayMs });
        return this.#append({ type: "timer:set", timer, dueAt: this.#now + command.delayMs });
      }
      case "limit":
        return this.#append({ type: "timer:set", timer: command.timer, dueAt: this.#now + command.timeoutMs });
      case "wait":
        return this.#later(command.dueAt - this.#now, command.timer, () => {
          this.#append({ type: "timer:fired", timer: command.timer });
          this.#asleep.get(command.timer)?.();
        });
      case "unset":
        this.#agenda.splice(0, this.#agenda.length, ...this.#agenda.filter(({ name }) => name !== command.timer));
        return;
      case "complete":
        return this.#append({ type: "flow:completed", state: {}, durationMs: 0, result: this.#machine.result });
      case "fail":
        return this.#fail(command.error);
      case "undo":
        return this.#undo(command.undo);
      case "retract": {
        const { ids, activations, told, running } = command;
        if (!told) this.#append({ type: "signal:retracted", ids, activations });
        for (const one of running) this.#abort(one);
        return;
      }
      case "rolled-back":
        return this.#append({
          type: "flow:failed",
          state: {},
          durationMs: 0,
          error: new SluiceError("chunk-failed", { what: "rolled back" }),
        });
      default:
        throw new Error(`this shell knows no ${command.type}`);
    }
  }

  #start(activation: Activation): void {
    if (!this.#machine.holds(activation)) return;
    const { id, chunk, arrival, event: trigger } = activation;
    const { name = "" } = this.#graph.chunks[chunk] ?? {};
    const attempt = activation.attempts + 1;
    const origin = { chunk: name, activationId: id, attempt, lane: arrival.lane };
    this.#running.set(id, activation);
    this.#append({ type: "chunk:start", ...origin, trigger, input: arrival.payload });
    const reading = this.#world.reads?.(name, attempt);
    if (reading !== undefined) return this.#read(origin, reading);
    const { ms, output, fails = false, steps, sleepMs } = this.#world.work(name, arrival.lane, arrival.payload);
    const finish = (): void =>
      this.#later(ms, "", () => {
        if (!this.#running.delete(id)) return;
        if (!fails) return this.#append({ type: "chunk:complete", ...origin, output, durationMs: ms });
        const error = new SluiceError("chunk-failed", { what: name });
        this.#append({ type: "chunk:failed", ...origin, error, willRetry: this.#machine.mayRetry(id, error) });
      });
    const rest = sleepMs === undefined ? finish : () => this.#sleep(id, sleepMs, finish);
    if (steps === true) this.#step(origin, rest);
    else rest();
  }

  /** A chunk takes a step, unless an earlier attempt has. */
  #step(origin: Origin, then: () => void): void {
    const name = "first";
    if (this.#machine.done.step(origin.activationId, name) !== undefined) return then();
    this.#later(1, "", () => {
      if (!this.#running.has(origin.activationId)) return;
      this.#append({ type: "step:complete", ...origin, name, value: origin.attempt });
      then();
    });
  }

  /** A chunk sleeps, for as long as an earlier attempt has begun to. */
  #sleep(id: string, ms: number, then: () => void): void {
    const timer = `sleep ${id}#1`;
    const over = this.#machine.done.sleep(id, timer);
    if (over === true) return then();
    this.#asleep.set(timer, then);
    if (over === undefined) this.#append({ type: "timer:set", timer, dueAt: this.#now + ms });
  }

  /** A chunk reads a reply: its fields, then its end, unless an earlier attempt has read it. */
  #read(origin: Origin, { reply, value, until, ms }: Reading): void {
    const { activationId } = origin;
    const attempt = this.#running.get(activationId);
    const replyId = `${reply}@${activationId}`;
    const step = (at: number, act: () => void): void =>
      this.#later(at, "", () => {
        if (this.#running.get(activationId) === attempt) act();
      });
    const complete = (): void => {
      this.#running.delete(activationId);
      this.#append({ type: "chunk:complete", ...origin, output: undefined, durationMs: 0 });
    };
    if (this.#machine.kept(replyId) !== undefined) return step(ms, complete);
    const { routes } = this.#machine;
    const heard = fieldsOf(value).filter(
      ({ field }) => routes.field(reply, field).length > 0 || routes.closers(reply, field).length > 0,
    );
    heard.slice(0, until).forEach((field, index) => {
      step(ms * (index + 1), () => this.#append({ type: "field:complete", ...origin, reply, replyId, ...field }));
    });
    step(ms * (heard.length + 1), () => {
      if (until === undefined) {
        this.#append({ type: "reply:complete", ...origin, reply, replyId, value });
        return step(ms, complete);
      }
      const error = new SluiceError("reply-truncated", { what: "it broke off" });
      this.#running.delete(activationId);
      const willRetry = this.#machine.mayRetry(activationId, error);
      this.#append({ type: "chunk:failed", ...origin, error, willRetry });
    });
  }

  #abort({ id, chunk, attempts, arrival }: Activation): void {
    this.#running.delete(id);
    const { name = "" } = this.#graph.chunks[chunk] ?? {};
    const origin = { chunk: name, activationId: id, attempt: attempts, lane: arrival.lane };
    const error = new SluiceError("chunk-aborted", { what: "ended" });
    this.#append({ type: "chunk:failed", ...origin, error, willRetry: false });
  }

  #fail(error: SluiceError): void {
    for (const one of this.#running.values()) this.#abort(one);
    if (this.#machine.rollback.isNeeded) this.#append({ type: "flow:rollback", end: "flow:failed", error });
    else this.#append({ type: "flow:failed", state: {}, durationMs: 0, error });
  }

  #undo({ activationId, chunk, lane, attempts }: Undoing): void {
    if (this.#agenda.some(({ name }) => name === `undo ${activationId}`)) return;
    this.#later(1, `undo ${activationId}`, () => {
      const origin = { chunk: this.#graph.chunks[chunk]?.name ?? "", activationId, attempt: attempts + 1, lane };
      this.#append({ type: "chunk:compensated", ...origin, willRetry: false, durationMs: 1 });
    });
  }

  #activation(id: string): Activation | undefined {
    return this.#machine.snapshot().activations.activations.find((one) => one.id === id);
  }
}

type Origin = Pick<Extract<Entry, { type: "chunk:complete" }>, "chunk" | "activationId" | "attempt" | "lane">;

interface WrittenField {
  readonly field: string;
  readonly indexes: readonly number[];
  readonly value: unknown;
}

/** The values of a reply, children before what holds them. */
function fieldsOf(value: unknown, field = "", indexes: readonly number[] = []): readonly WrittenField[] {
  const below = Array.isArray(value)
    ? value.flatMap((item, index) => fieldsOf(item, `${field}[${index}]`, [...indexes, index]))
    : typeof value === "object" && value !== null
      ? Object.entries(value).flatMap(([key, one]) => fieldsOf(one, field === "" ? key : `${field}.${key}`, indexes))
      : [];
  return field === "" ? below : [...below, { field, indexes, value }];
}
