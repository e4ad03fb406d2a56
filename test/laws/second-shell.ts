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
  ) => { readonly ms: number; readonly output?: unknown; readonly fails?: boolean };
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
  #order = 0;
  #now = 0;

  constructor(graph: Graph, world: World, left: readonly Entry[] = []) {
    this.#graph = graph;
    this.#world = world;
    this.#machine = new Machine(graph);
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
        return this.#later(command.dueAt - this.#now, command.timer, () =>
          this.#append({ type: "timer:fired", timer: command.timer }),
        );
      case "unset":
        this.#agenda.splice(0, this.#agenda.length, ...this.#agenda.filter(({ name }) => name !== command.timer));
        return;
      case "complete":
        return this.#append({ type: "flow:completed", state: {}, durationMs: 0, result: this.#machine.result });
      case "fail":
        return this.#fail(command.error);
      case "undo":
        return this.#undo(command.undo);
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
    const { ms, output, fails = false } = this.#world.work(name, arrival.lane);
    this.#later(ms, "", () => {
      if (!this.#running.delete(id)) return;
      if (!fails) return this.#append({ type: "chunk:complete", ...origin, output, durationMs: ms });
      const error = new SluiceError("chunk-failed", { what: name });
      this.#append({ type: "chunk:failed", ...origin, error, willRetry: this.#machine.mayRetry(id, error) });
    });
  }

  #fail(error: SluiceError): void {
    for (const { id, chunk, attempts, arrival } of this.#running.values()) {
      const origin = {
        chunk: this.#graph.chunks[chunk]?.name ?? "",
        activationId: id,
        attempt: attempts,
        lane: arrival.lane,
      };
      const aborted = new SluiceError("chunk-aborted", { what: "ended" });
      this.#append({ type: "chunk:failed", ...origin, error: aborted, willRetry: false });
    }
    this.#running.clear();
    if (this.#machine.rollback.isNeeded) this.#append({ type: "flow:rollback", end: "flow:failed", error });
    else this.#append({ type: "flow:failed", state: {}, durationMs: 0, error });
  }

  #undo({ activationId, chunk, lane, attempts }: Undoing): void {
    this.#later(1, "", () => {
      const origin = { chunk: this.#graph.chunks[chunk]?.name ?? "", activationId, attempt: attempts + 1, lane };
      this.#append({ type: "chunk:compensated", ...origin, willRetry: false, durationMs: 1 });
    });
  }

  #activation(id: string): Activation | undefined {
    return this.#machine.snapshot().activations.activations.find((one) => one.id === id);
  }
}
