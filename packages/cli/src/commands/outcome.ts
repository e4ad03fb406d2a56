import { type Entry, type Execution, errorData, isFinal } from "@sluice/core";
import { exitCodes } from "../complaint.ts";
import { failureLines } from "../failure.ts";
import { Expenses } from "../terminal/expenses.ts";
import { paint } from "../terminal/paint.ts";
import { counted, duration, full } from "../terminal/shown.ts";

/** What an execution has come to, and what that took. */
export class Outcome {
  readonly #expenses = new Expenses();
  #chunks = 0;
  #durationMs = 0;

  take(entry: Entry): void {
    this.#expenses.take(entry);
    if (entry.type === "chunk:complete" && entry.live === 0) this.#chunks += 1;
    if (isFinal(entry)) this.#durationMs = entry.durationMs;
  }

  /** One document that says all of it. */
  async json(execution: Execution, flow: string) {
    const { id: executionId, status, state, interrupts } = execution;
    const isOpen = status === "running" || status === "waiting";
    return {
      executionId,
      flow,
      status,
      ...(isOpen ? { interrupts } : await endOf(execution)),
      state,
      chunks: this.#chunks,
      durationMs: this.#durationMs,
      usage: this.#expenses,
    };
  }

  /** For people. @returns the exit code */
  async tell(execution: Execution, { debug }: { readonly debug: boolean }): Promise<number> {
    const end = await endOf(execution);
    const facts = [counted(this.#chunks, "chunk"), String(this.#expenses)].filter((fact) => fact !== "").join(" · ");
    const after = `after ${duration(this.#durationMs)} · ${facts}`;
    if (!("failure" in end)) {
      console.log(`${paint.good("✓")} ${paint.bold("completed")} ${paint.dim(after)}`);
      if (end.result !== undefined) console.log(full(end.result));
      return exitCodes.ok;
    }
    const { status } = execution;
    // a store that fails or refuses stops it without an end
    if (status !== "running" && status !== "waiting") {
      console.log(`${paint.bad("✗")} ${paint.bold(status)} ${paint.dim(after)}`);
    }
    if (status !== "cancelled") console.error(failureLines(end.failure, { debug }));
    return exitCodes.failed;
  }
}

type End = { readonly result: unknown } | { readonly error: unknown; readonly failure: Error };

/** The result, or why there is none. */
async function endOf(execution: Execution): Promise<End> {
  try {
    return { result: (await execution.result) as unknown };
  } catch (error) {
    const failure = error instanceof Error ? error : new Error(String(error));
    return Object.defineProperty({ error: errorData(failure), failure }, "failure", { enumerable: false });
  }
}
