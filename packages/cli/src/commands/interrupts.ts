import type { Execution } from "@sluice/core";
import { exitCodes } from "../complaint.ts";

/** Ctrl-C: the first one cancels what runs, the second one ends the process. */
export class Interrupts {
  #execution: Execution | undefined;
  #happened = false;
  readonly #onSignal = (): void => this.interrupt();

  /** Whether somebody has pressed Ctrl-C. */
  get happened(): boolean {
    return this.#happened;
  }

  /**
   * From here on, Ctrl-C is for this execution; so is SIGTERM where it is not stored: one that is goes on where the process
   * has ended.
   */
  listen(execution: Execution, { isStored }: { readonly isStored: boolean }): void {
    if (this.#execution === undefined) {
      process.on("SIGINT", this.#onSignal);
      if (!isStored) process.on("SIGTERM", this.#onSignal);
    }
    this.#execution = execution;
  }

  forget(): void {
    this.#execution = undefined;
    process.off("SIGINT", this.#onSignal);
    process.off("SIGTERM", this.#onSignal);
  }

  /** Cancels what runs, and nothing else. */
  cancel(reason: string): void {
    this.#execution?.cancel(reason);
  }

  interrupt(): void {
    if (this.#happened) process.exit(exitCodes.interrupted);
    this.#happened = true;
    this.#execution?.cancel("Ctrl-C");
  }
}
