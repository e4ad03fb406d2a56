import type { SluiceError } from "../error/sluice-error.ts";
import type { Graph } from "../graph/graph.ts";
import type { Command } from "./command.ts";
import type { RollbackCause } from "./entry.ts";
import type { StateData } from "./state-fold.ts";

export type MachineStatus = "idle" | "running" | "failing" | "rolling-back" | "ended";

/** How far an execution has come. */
export interface Progress {
  /** The number of the last entry that was applied. */
  seq: number;
  status: MachineStatus;
  /** Unix milliseconds. */
  startedAt: number;
  state: StateData;
  executionId: string;
  /** Whose entries it takes in; empty before the start. */
  path: readonly string[];
  /** Whether events from outside are waited for when all is quiet. */
  open: boolean;
  wasQuiet: boolean;
  failure: SluiceError | undefined;
  /** Whether its idle time is over. */
  idled: boolean;
  /** Whether its time is over. */
  overdue: boolean;
  /** How it is to end when its children have undone their work. */
  ending: RollbackCause | undefined;
}

/** The progress of an execution that has not started. */
export function progressOf({ keepOpen }: Graph): Progress {
  return {
    seq: 0,
    status: "idle",
    startedAt: 0,
    state: {},
    executionId: "",
    path: [],
    open: keepOpen === true,
    wasQuiet: false,
    failure: undefined,
    idled: false,
    overdue: false,
    ending: undefined,
  };
}

/** How far an execution has come, which timers run, and what is to be done next. */
export class Agenda {
  readonly progress: Progress;
  /** What is to be done because of the entry that is being applied. */
  commands: Command[] = [];
  /** When each timer that is set is due; made with the first. */
  timers: Map<string, number> | undefined;

  constructor(progress: Progress) {
    this.progress = progress;
  }

  /** Whether it has started, and neither failed nor ended. */
  get isRunning(): boolean {
    return this.progress.status === "running";
  }

  /** Something is to be done, as long as the execution runs. */
  add(command: Command): void {
    if (!this.isRunning) return;
    if (this.commands.length > 0) this.commands.push(command);
    else this.commands = [command]; // a list that grows from nothing gets room for 17
  }

  /** A timer is to fire at a time, in Unix milliseconds. */
  set(timer: string, dueAt: number): void {
    (this.timers ??= new Map()).set(timer, dueAt);
    this.commands.push({ type: "wait", timer, dueAt });
  }

  /** A timer is needed no more. */
  unset(timer: string): void {
    if (this.timers?.delete(timer) !== true) return;
    if (this.progress.status === "rolling-back") this.commands.push({ type: "unset", timer });
    else this.add({ type: "unset", timer });
  }
}
