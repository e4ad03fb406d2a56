import type { LanguageModel } from "ai";
import { START, finishPart, mock } from "../mock-model.ts";

/** A model that writes what a test gives it. */
export interface GatedModel {
  readonly model: LanguageModel;
  readonly write: (text: string) => void;
  readonly end: () => void;
}

/** A model whose one call writes piece by piece, when it is told to. */
export function gatedModel(): GatedModel {
  type Part = ReturnType<typeof finishPart>;
  const { readable, writable } = new TransformStream<Part, Part>(undefined, undefined, { highWaterMark: 100 });
  const writer = writable.getWriter();
  const put = (part: Part): void => void writer.write(part).catch(() => {}); // the call may have been ended
  put(START);
  put({ type: "text-start", id: "t" });
  return {
    model: mock(async () => ({ stream: readable })),
    write: (delta) => put({ type: "text-delta", id: "t", delta }),
    end() {
      put({ type: "text-end", id: "t" });
      put(finishPart());
      void writer.close();
    },
  };
}
