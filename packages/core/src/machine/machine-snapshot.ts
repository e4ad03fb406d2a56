import type { SluiceError } from "../error/sluice-error.ts";
import type { Activation } from "./command.ts";
import type { Lane } from "./lane.ts";
import type { StateData } from "./state-fold.ts";

export type MachineStatus = "idle" | "running" | "failing" | "ended";

/** All of a machine, as plain JSON (as far as payloads, state and results are). */
export interface MachineSnapshot {
  readonly graphHash: string;
  readonly seq: number;
  readonly status: MachineStatus;
  readonly startedAt: number;
  readonly state: StateData;
  readonly activationCount: number;
  readonly activations: readonly Activation[];
  readonly lanes: readonly Lane[];
  readonly replies: readonly (readonly [string, readonly string[]])[];
  readonly result: { readonly value: unknown } | undefined;
  readonly leaf: { readonly value: unknown } | undefined;
  readonly failure: SluiceError | undefined;
  readonly executionId: string;
  readonly open: boolean;
  readonly wasQuiet: boolean;
  readonly timers: readonly (readonly [string, number])[];
}
