import type { Instant } from "../define/instant.ts";
import type { ModelCall, ModelPart, TokenSource } from "../define/token-source.ts";
import type { Attempt } from "./attempt.ts";
import type { Host } from "./host.ts";
import { readInstant } from "./instant-reading.ts";

/** An input that is being written. */
interface OpenInput {
  /** Hands on a piece; undefined is the end. */
  readonly push: (piece: string | undefined) => void;
  /** The end of its reading; never rejects. */
  readonly read: Promise<void>;
}

/**
 * The same source. What its model writes as the input of a tool in `inputs` is read as a reply of the attempt, one for each
 * call: its fields trigger while the rest is being written. An input that does not fit is left to the tool's own check,
 * of which the model is told; with `onInvalid: "fail"` it fails the reading of the source.
 */
export function readingInputs(host: Host, attempt: Attempt, source: TokenSource): TokenSource {
  const call = source as ModelCall | undefined; // or something that has no inputs
  if (call?.inputs === undefined) return source;
  const { inputs } = call;
  const stream: ModelCall["stream"] = (request) => {
    const generation = call.stream(request);
    return Object.assign(withInputs(host, attempt, inputs, generation), {
      remaining: () => generation.remaining?.(),
      spent: () => generation.spent?.(),
      ...(generation.resolved !== undefined && { resolved: generation.resolved }),
    });
  };
  return { model: call.model, stream };
}

async function* withInputs(
  host: Host,
  attempt: Attempt,
  inputs: NonNullable<ModelCall["inputs"]>,
  parts: AsyncIterable<ModelPart>,
): AsyncGenerator<ModelPart> {
  const open = new Map<string, OpenInput>();
  let failure: { readonly error: unknown } | undefined;
  try {
    for await (const part of parts) {
      if (part.type === "tool-input" && Object.hasOwn(inputs, part.tool)) {
        const input = open.get(part.toolCallId) ?? begin(inputs[part.tool] as Instant); // it has it
        open.set(part.toolCallId, input);
        input.push(part.delta);
      } else if (part.type === "tool-input-end") {
        const input = open.get(part.toolCallId);
        input?.push(undefined);
        await input?.read;
        open.delete(part.toolCallId);
      }
      if (failure !== undefined) throw failure.error;
      yield part;
    }
  } finally {
    for (const { push } of open.values()) push(undefined);
  }

  function begin(reply: Instant): OpenInput {
    const pieces: (string | undefined)[] = [];
    let wake = (): void => {};
    async function* written(): AsyncGenerator<string> {
      for (;;) {
        while (pieces.length === 0) await new Promise<void>((resolve) => (wake = resolve));
        const piece = pieces.shift();
        if (piece === undefined) return;
        yield piece;
      }
    }
    const read = readInstant(host, attempt, { reply, source: written(), once: true }).then(
      () => {},
      (error: unknown) => {
        if (reply.options.onInvalid === "fail") failure = { error };
      },
    );
    const push = (piece: string | undefined): void => {
      pieces.push(piece);
      wake();
    };
    return { push, read };
  }
}
