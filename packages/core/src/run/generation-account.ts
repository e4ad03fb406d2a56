import type { Generation, ModelPart } from "../define/token-source.ts";
import type { Attempt, Below } from "./attempt.ts";
import type { Host } from "./host.ts";

/** What a generation comes to: one `model:finish` for each `model:start`, unless the model failed. */
export interface GenerationAccount {
  generation?: Generation;
  /** A token has come. */
  readonly token: () => void;
  /** It is over, the first time it is called; without an end, its model has failed. */
  readonly end: (finish?: Pick<Extract<ModelPart, { readonly type: "finish" }>, "finishReason" | "usage">) => void;
  /** It is ended before its end. */
  readonly abort: () => void;
}

const nothing: Below["held"] = { attempts: 0, timers: 0 };

/** Begins one. An attempt that ends before the generation aborts it in the log first: nothing follows a final entry. */
export function openAccount(host: Host, attempt: Attempt, model: string): GenerationAccount {
  const origin = attempt.origin();
  const startedAt = host.now();
  const passed = (): number => host.now() - startedAt;
  let firstTokenMs: number | undefined;
  let tokensSaved: number | undefined;
  let isOpen = true;
  const account: GenerationAccount = {
    token: () => void (firstTokenMs ??= passed()),
    end(finish) {
      if (!isOpen) return;
      isOpen = false;
      disown();
      if (finish === undefined) return;
      const { usage, finishReason } = finish;
      host.append({
        type: "model:finish",
        ...origin,
        model,
        usage,
        finishReason,
        durationMs: passed(),
        ...(firstTokenMs !== undefined && { firstTokenMs }),
        ...(tokensSaved !== undefined && { tokensSaved }),
      });
    },
    abort() {
      try {
        tokensSaved = account.generation?.remaining?.();
      } catch {
        // a source that fails to tell does not know: an attempt that ends must not fail for it
      }
      account.end({ finishReason: "aborted", usage: {} });
    },
  };
  const disown = attempt.adopt({ held: nothing, cancel: account.abort, onEnded() {} });
  host.append({ type: "model:start", ...origin, model });
  return account;
}
