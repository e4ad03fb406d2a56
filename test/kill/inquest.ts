import { writeFileSync } from "node:fs";
import { type SyncStore, sqliteStore } from "@sluice/sqlite";
import { checkEnd } from "./check-end.ts";
import { checkLife } from "./check-life.ts";
import { type Life, answerOf, planned } from "./life.ts";
import { type Logs, type Stored, readLogs } from "./logs.ts";
import type { Random } from "./random.ts";
import { type Line, readWitness } from "./witness.ts";

/** What was found. */
export interface Findings {
  readonly kills: number;
  readonly executions: number;
  readonly entries: number;
  readonly chunks: number;
  readonly steps: number;
  readonly signals: number;
  /** Attempts to undo. */
  readonly undoings: number;
  /** What observers, `stored()` and results have acknowledged. */
  readonly acknowledged: number;
  /** Executions that have stopped in a process, and gone on in another, without its death. */
  readonly stopped: number;
  readonly violations: readonly string[];
}

const acknowledging: ReadonlySet<Line["what"]> = new Set(["seen", "stored", "result"]);

/** What all lives of a file have in common. */
export type Case = Pick<Life, "path" | "witness" | "executions" | "durability" | "stops">;

/** Looks at a file after each life of its executions, and when all have ended. */
export class Inquest {
  readonly #case: Case;
  readonly #store: SyncStore;
  readonly #lines: Line[] = [];
  /** What the store has taken while no process had the execution. */
  readonly #answered: Line[] = [];
  readonly #violations: string[] = [];
  #logs: Logs;
  #read = 0;
  #kills = 0;

  /** Makes the file, and its witness. */
  constructor(settings: Case) {
    writeFileSync(settings.witness, "");
    this.#case = settings;
    this.#store = sqliteStore(settings.path);
    this.#logs = readLogs(this.#store);
  }

  get kills(): number {
    return this.#kills;
  }

  /** Whether nothing was wrong so far. */
  get isClean(): boolean {
    return this.#violations.length === 0;
  }

  /** Of processes that have come to an end: what they did, by what was stored before and is stored now. */
  look(ends: readonly string[]): void {
    const logs = readLogs(this.#store, this.#logs);
    const { lines, to } = readWitness(this.#case.witness, this.#read);
    const complaints = [
      ...checkLife(lines, this.#logs, logs, this.#case),
      ...ends.filter((end) => end !== "killed" && end !== "over").map((end) => `a process ${end}`),
    ];
    const { path, durability } = this.#case;
    this.#violations.push(...complaints.map((complaint) => `${path} (${durability}): ${complaint}`));
    this.#kills += ends.filter((end) => end === "killed").length;
    this.#lines.push(...lines);
    [this.#logs, this.#read] = [logs, to];
  }

  /** Answers some of the open questions in the store, as somebody does who has no process that runs them. */
  answer(random: Random): void {
    for (const { id: executionId } of planned(this.#case.executions)) {
      const log = this.#logs.entries.get(executionId) ?? [];
      const over = new Set(log.flatMap((entry) => (isAnswered(entry) ? [entry.interrupt.id] : [])));
      for (const entry of log) {
        if (entry.type !== "interrupt:raised" || over.has(entry.interrupt.id) || random.below(2) > 0) continue;
        const { id, name } = entry.interrupt;
        if (id.startsWith("approval")) continue; // whoever answers an order sends an event first
        const answer = JSON.stringify(answerOf({ name }));
        const isKept = this.#store.putAnswer({ executionId, interrupt: id, answer, requestId: `to ${id}` });
        if (isKept) this.#answered.push({ what: "stored", execution: executionId, event: "answer", id });
      }
    }
  }

  /** All executions should have ended. */
  close(): Findings {
    const { path } = this.#case;
    const lost = checkLife(this.#answered, this.#logs, this.#logs, this.#case).map((line) => `${path}: ${line}`);
    if (this.isClean)
      this.#violations.push(...lost, ...planned(this.#case.executions).flatMap((plan) => this.#endOf(plan)));
    this.#store.close();
    const entries = [...this.#logs.entries.values()].flat();
    const count = (type: string): number => entries.filter((entry) => entry.type === type).length;
    return {
      kills: this.#kills,
      executions: this.#logs.entries.size,
      entries: entries.length,
      chunks: count("chunk:complete"),
      steps: count("step:complete"),
      signals: count("signal"),
      undoings: count("chunk:compensated"),
      acknowledged: [...this.#lines, ...this.#answered].filter(({ what }) => acknowledging.has(what)).length,
      stopped: this.#lines.filter((line) => line.what === "result" && this.#case.stops.includes(line.code ?? ""))
        .length,
      violations: this.#violations,
    };
  }

  #endOf(plan: ReturnType<typeof planned>[number]): readonly string[] {
    const { path, durability } = this.#case;
    const lines = this.#lines.filter((line) => "key" in line && line.key.split("/")[0] === plan.id);
    const log = this.#logs.entries.get(plan.id) ?? [];
    const wrong = checkEnd(plan, this.#store.find(plan.id), log, { lines, durability });
    return wrong.map((violation) => `${path} (${durability}): ${violation}`);
  }
}

function isAnswered(entry: Stored): entry is Extract<Stored, { readonly type: "interrupt:answered" }> {
  return entry.type === "interrupt:answered";
}

/** The findings of several files. */
export function sumOf(findings: readonly Findings[]): Findings {
  const sum = (of: (one: Findings) => number): number => findings.reduce((total, one) => total + of(one), 0);
  return {
    kills: sum(({ kills }) => kills),
    executions: sum(({ executions }) => executions),
    entries: sum(({ entries }) => entries),
    chunks: sum(({ chunks }) => chunks),
    steps: sum(({ steps }) => steps),
    signals: sum(({ signals }) => signals),
    undoings: sum(({ undoings }) => undoings),
    acknowledged: sum(({ acknowledged }) => acknowledged),
    stopped: sum(({ stopped }) => stopped),
    violations: findings.flatMap(({ violations }) => violations),
  };
}
