import type { Entry } from "@sluice/core";
import { counted } from "./shown.ts";

/** What the models of an execution have used so far. */
export class Expenses {
  calls = 0;
  inputTokens = 0;
  outputTokens = 0;
  costUsd: number | undefined;
  tokensSaved = 0;
  readonly models = new Set<string>();

  take(entry: Entry): void {
    if (entry.type !== "model:finish") return;
    const { usage, costUsd, model, tokensSaved = 0 } = entry;
    this.calls += 1;
    this.models.add(model);
    this.inputTokens += usage?.inputTokens ?? 0;
    this.outputTokens += usage?.outputTokens ?? 0;
    this.tokensSaved += tokensSaved;
    if (costUsd !== undefined) this.costUsd = (this.costUsd ?? 0) + costUsd;
  }

  /** In words; empty where no model was asked. */
  toString(): string {
    if (this.calls === 0) return "";
    return [
      [...this.models].join(", "),
      `${this.inputTokens.toLocaleString("en-US")} in, ${counted(this.outputTokens, "token")} out`,
      ...(this.tokensSaved > 0 ? [`${counted(this.tokensSaved, "token")} saved`] : []),
      ...(this.costUsd === undefined ? [] : [`$${this.costUsd.toFixed(this.costUsd < 0.1 ? 4 : 2)}`]),
    ].join(" · ");
  }

  toJSON() {
    const { calls, inputTokens, outputTokens, costUsd, tokensSaved, models } = this;
    return {
      calls,
      models: [...models],
      inputTokens,
      outputTokens,
      ...(costUsd !== undefined && { costUsd }),
      tokensSaved,
    };
  }
}
