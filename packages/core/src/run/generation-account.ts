import type { Generation, ModelPart } from "../define/token-source.ts";
import type { Attempt, Below } from "./attempt.ts";
import type { Host } from "./host.ts";

type Finish = Extract<ModelPart, { readonly type: "finish" }>;

/** What a generation comes to: one `model:finish` for each `model:start`, unless the model failed. */
export interface GenerationAccount {
  generation: Generation | undefined;
  /** Its last part, when that has come. */
  told: Finish | undefined;
  /** A token has come. */
  readonly token: () => void;
  /** Its text has come to its end. */
  readonly finish: () => void;
  /** It was ended before its end. */
  readonly abort: () => void;
  /** Nothing more is written of it. */
  readonly close: () => void;
}

/** Begins one. An attempt that ends before the generation aborts it in the log first: nothing follows a final entry. */
export function openAccount(host: Host, attempt: Attempt, model: string): GenerationAccount {
  const origin = attempt.origin();
  const startedAt = host.now();
  let firstTokenMs: number | undefined;
  let isOpen = true;
  const end = (otherwise: string, tokensSaved?: number): void => {
    if (!isOpen) return;
    const { finishReason = otherwise, usage = {} } = account.told ?? {};
    account.close();
    host.append({
      type: "model:finish",
      ...origin,
      model,
      usage,
      finishReason,
      durationMs: host.now() - startedAt,
      ...(firstTokenMs !== undefined && { firstTokenMs }),
      ...(tokensSaved !== undefined && { tokensSaved }),
    });
  };
  const account: GenerationAccount = {
    generation: undefined,
    told: undefined,
    token: () => void (firstTokenMs ??= host.now() - startedAt),
    finish: () => end("unknown"),
    abort: () => end("aborted", account.told === undefined ? remainingOf(account.generation) : undefined),
    close() {
      isOpen = false;
      disown();
    },
  };
  const disown = attempt.adopt({ held: nothing, cancel: account.abort, onEnded: () => {} });
  host.append({ type: "model:start", ...origin, model });
  return account;
}

const nothing: Below["held"] = { attempts: 0, timers: 0 };

/** A source that fails to tell does not know: an attempt that ends must not fail for it. */
function remainingOf(generation: Generation | undefined): number | undefined {
  try {
    return generation?.remaining?.();
  } catch {
    return undefined;
  }
}
