import {
  type Durability,
  type Entry,
  type Execution,
  type Graph,
  load,
  memoryStore,
  run,
  vitalsOf,
} from "@sluice/core";
import { VirtualTime, itemsOf } from "@sluice/testing";
import { entryOfText } from "../../packages/core/src/store/entry-text.ts";
import { type CrashPlan, Poke, crashFlow } from "./crash-flow.ts";
import { Approval, type Process } from "./crash-process.ts";
import { foldBreaks } from "./crash-folds.ts";
import { type Death, type PromptStore, mortalStore } from "./mortal-store.ts";

/** How a life goes. */
export interface Fate {
  readonly deaths: readonly (Omit<Death, "how"> & {
    readonly how: Death["how"] | "release" | "takeover";
    /** Whether people's answers are put into the store while nobody has it in memory. */
    readonly letters: boolean;
  })[];
  readonly durability: Durability;
  readonly checkpointEvery: number;
  /** How long the store takes, in turn; it answers at once where there are none. */
  readonly slow: readonly number[];
}

/** What became of an execution. */
export interface Life {
  /** As they are stored. */
  readonly entries: readonly Entry[];
  readonly graph: Graph | undefined;
  /** Every law that was broken on the way, one line each. */
  readonly broken: readonly string[];
}

/** An execution lives through its deaths, each in a process of its own, to its end. */
export async function lived(plan: CrashPlan, fate: Fate, store = memoryStore() as PromptStore): Promise<Life> {
  const world = new World(plan, fate, store);
  for (let number = 0; number <= fate.deaths.length; number += 1) {
    await world.process(number);
    if (world.isOver) break;
  }
  return world.life();
}

const id = "x";

class World {
  readonly #plan: CrashPlan;
  readonly #fate: Fate;
  readonly #store: PromptStore;
  readonly #broken: string[] = [];
  /** What was finished when a process began. */
  #done = new Set<string>();
  #now = 0;
  #slow = 0;
  /** Numbers of entries that somebody was told are stored, and what was seen. */
  readonly #seen = new Map<number, string>();
  #acknowledged = 0;
  #cancelled = false;
  #graph: Graph | undefined;
  isOver = false;

  constructor(plan: CrashPlan, fate: Fate, store: PromptStore) {
    this.#store = store;
    this.#plan = plan;
    this.#fate = fate;
  }

  get entries(): Entry[] {
    const place = { executionId: id, path: ["random"] };
    return this.#store.read(id).map((text, index) => entryOfText(text, index + 1, place));
  }

  life(): Life {
    const { entries } = this;
    const broken = [...this.#broken];
    for (const [seq, seen] of this.#seen)
      if (seen !== placed(entries[seq - 1])) broken.push(`entry ${seq} was seen as ${seen}, and is stored otherwise`);
    if (this.#acknowledged > entries.length) broken.push(`${this.#acknowledged} entries were acknowledged`);
    const { status = "unknown" } = this.#store.find(id) ?? {};
    if (this.#cancelled && status === "completed") broken.push("a cancel was acknowledged, and it completed");
    return { entries, graph: this.#graph, broken };
  }

  async process(number: number): Promise<void> {
    const { deaths, slow, durability, checkpointEvery } = this.#fate;
    const death = deaths[number];
    const time = new VirtualTime();
    await time.advance(this.#now);
    let alive = true;
    const { entries } = this;
    this.#done = doneIn(entries);
    const process: Process = {
      number,
      time,
      alive: () => alive,
      failures: failuresIn(entries),
      called: (what) => void (this.#done.has(what) && alive && this.#broken.push(`${what} was called again`)),
    };
    const { flow, graph, children } = crashFlow(this.#plan, process);
    this.#graph = graph;
    let execution: Execution | undefined;
    const store = mortalStore(
      this.#store,
      death?.how === "silent" || death?.how === "throws" ? (death as Death) : undefined,
      {
        alive: () => alive,
        die: () => (alive = false),
        onAppend: (appends) => this.#broken.push(...foldBreaks(graph, this.#store.read(id), appends, execution)),
        ...(slow.length > 0 && { wait: () => time.delay(slow[(this.#slow += 1) % slow.length] ?? 0) }),
      },
    );
    const options = {
      store,
      durability,
      checkpointEvery,
      scheduler: time.scheduler,
      ...(this.#plan.budget && { budget: { usd: 100 } }),
      onObserverError: (error: unknown) => {
        // what a chunk has asked inline is withdrawn when its attempt fails
        if ((error as { readonly code?: string }).code !== "interrupt-closed")
          this.#broken.push(`reported: ${String(error)}`);
      },
    };
    const isNew = this.#store.find(id) === undefined;
    if (isNew) execution = run(flow, 1, { ...options, id }) as Execution;
    else execution = (await time.during(load(flow, id, { ...options, flows: children }))) as Execution;
    const one = execution;
    if (durability !== "exit") {
      one.events$.subscribe((entry: Entry) => {
        if (entry.live === 0) this.#seen.set(entry.seq, placed(entry));
      });
    }
    const result = one.result.then(
      () => "completed",
      (error: { readonly code?: string }) => error.code ?? "an error of somebody else's",
    );
    await this.#tended(one, time, () => alive, death);
    this.#now = time.now();
    if (alive && !isLive(one)) {
      this.isOver = true;
      await this.#checkGone(one, time, result, undefined);
      return;
    }
    if (death?.how === "throws" && !alive) await this.#checkGone(one, time, result, "store-failed");
    if (death?.how === "release" && alive) {
      await time.during(one.release().catch((error: unknown) => this.#broken.push(`release: ${String(error)}`)));
      if (isLive(one)) await this.#checkGone(one, time, result, "execution-released");
      this.#now = time.now();
    }
    if (death?.how === "takeover" && alive && this.#store.find(id) !== undefined)
      await this.#takenOver(one, time, result);
    alive = false;
    if (death?.letters === true) this.#putAnswers();
  }

  /** Somebody else claims it: its owner finds out with its next append. */
  async #takenOver(one: Execution, time: VirtualTime, result: Promise<string>): Promise<void> {
    this.#store.claim(id);
    one.cancel("too late");
    await time.advance();
    await this.#checkGone(one, time, result, "claim-lost");
  }

  /** Time goes by, people answer, events come, until it has ended or its process has. */
  async #tended(one: Execution, time: VirtualTime, alive: () => boolean, death: Fate["deaths"][number] | undefined) {
    const { plan, until } = { plan: this.#plan, until: time.now() + 5_000 };
    const isLeft = death?.how === "release" || death?.how === "takeover";
    const leaves = isLeft ? time.now() + death.after : Number.POSITIVE_INFINITY;
    await time.settle();
    while (alive() && isLive(one)) {
      if (time.now() >= leaves) return;
      if (time.now() > until) {
        this.#broken.push(`it stands still, ${one.status}`);
        one.cancel("stuck");
        await time.advance(300);
        return;
      }
      this.#answer(one);
      this.#poke(one);
      if (plan.cancelAt !== null && !plan.steady && time.now() >= plan.cancelAt && !this.#cancelled) {
        one.cancel("by chance", { rollback: plan.rollback });
        void one.stored().then(
          () => (this.#cancelled ||= one.status === "running" || one.status === "cancelled"),
          () => {},
        );
      }
      if (alive()) await time.advance(1);
    }
  }

  #answer(one: Execution): void {
    if (one.status !== "waiting" && one.status !== "running") return;
    for (const { id: question, name } of one.interrupts) {
      if (name !== Approval.name) continue;
      unlessEnded(() => one.resume(question, { ok: true }, { requestId: question }));
    }
  }

  /** Events come in, each once: again where they have not been stored. */
  #poke(one: Execution): void {
    const { pokes, keepOpen } = this.#plan;
    if (!keepOpen) return;
    const { entries } = this;
    const there = entries.filter((entry) => entry.type === "signal" && entry.cause === "outside").length;
    if (there < pokes.length) {
      if (this.#pending?.one === one && this.#pending.there === there) return;
      this.#pending = { one, there };
      unlessEnded(() => one.emit(Poke as never, 2 as never));
      void one.stored().then(
        () => (this.#acknowledged = Math.max(this.#acknowledged, this.#store.find(id)?.lastSeq ?? 0)),
        () => {},
      );
    } else one.close();
  }
  #pending: { one: Execution; there: number } | undefined;

  /** While nobody has it in memory, answers are put into the store. */
  #putAnswers(): void {
    const open = new Set<string>();
    for (const entry of this.entries) {
      if (entry.type === "interrupt:raised" && entry.interrupt.name === Approval.name) open.add(entry.interrupt.id);
      if (entry.type === "interrupt:answered") open.delete(entry.interrupt.id);
    }
    for (const interrupt of open)
      this.#store.putAnswer({ executionId: id, interrupt, answer: '{"ok":true}', requestId: interrupt });
  }

  /** Nothing of it is left. */
  async #checkGone(one: Execution, time: VirtualTime, result: Promise<string>, code: string | undefined) {
    await time.settle();
    const held = Object.entries(vitalsOf(one)).filter(([, count]) => count > 0);
    if (held.length > 0) this.#broken.push(`left: ${JSON.stringify(held)}`);
    await time.advance();
    const outcome = await Promise.race([result, time.settle().then(() => "pending")]);
    const settled = await Promise.race([one.settled, time.settle().then(() => "pending")]);
    const stored = await Promise.race([
      one.stored().then(
        () => "stored",
        () => "refused",
      ),
      time.settle().then(() => "pending"),
    ]);
    const read = await Promise.race([
      itemsOf(one.events()).then(
        () => "over",
        () => "failed",
      ),
      time.settle().then(() => "pending"),
    ]);
    for (const [what, how] of Object.entries({ outcome, settled, stored, read }))
      if (how === "pending") this.#broken.push(`${what} is pending`);
    if (code !== undefined && outcome !== code) this.#broken.push(`its result is ${outcome}, not ${code}`);
  }
}

/** It may have ended without anybody having been told. */
function unlessEnded(act: () => unknown): void {
  try {
    act();
  } catch (error) {
    if ((error as { code?: string }).code !== "execution-ended") throw error;
  }
}

function isLive({ status }: Execution): boolean {
  return status === "running" || status === "waiting";
}

/** What has been finished and must not be called again. */
function doneIn(entries: readonly Entry[]): Set<string> {
  const done = new Set<string>();
  const completed = new Set<string>();
  for (const entry of entries) {
    if (!("activationId" in entry) || entry.activationId === undefined) continue;
    const key = ["x", ...entry.path.slice(1), entry.activationId].join("/");
    if (entry.type === "chunk:complete") {
      done.add(`run ${key}`);
      completed.add(key);
    }
    if (entry.type === "chunk:compensated" && !entry.willRetry) done.add(`undo ${key}/undo`);
    if (entry.type === "step:complete") done.add(`step ${key}${completed.has(key) ? "/undo" : ""}/${entry.name}`);
  }
  return done;
}

/** How often each activation has failed, by its key. */
function failuresIn(entries: readonly Entry[]): Map<string, number> {
  const failures = new Map<string, number>();
  for (const entry of entries) {
    if (entry.type !== "chunk:failed" && entry.type !== "chunk:compensated") continue;
    if (entry.error === undefined || entry.error.code === "chunk-aborted") continue;
    const undo = entry.type === "chunk:compensated" ? ["undo"] : [];
    const key = ["x", ...entry.path.slice(1), entry.activationId, ...undo].join("/");
    failures.set(key, (failures.get(key) ?? 0) + 1);
  }
  return failures;
}

function placed(entry: Entry | undefined): string {
  return `${entry?.seq} ${entry?.path.join("/")} ${entry?.type} ${entry?.at}`;
}
