import type { Execution, FlowSchemas } from "@sluice/core";
import { filter, firstValueFrom } from "rxjs";
import type { Screen } from "../terminal/screen.ts";
import type { Answers } from "./answers.ts";

/** Who and what attends an execution. */
export interface Attending {
  readonly screen: Screen;
  readonly answers: Answers;
  readonly schemas: FlowSchemas;
  /** Whoever was asked has pressed Ctrl-C. @returns whether its end is waited for */
  readonly onLeave: () => boolean;
}

/**
 * Stays with an execution until it ends, and has its questions answered whenever it waits for nothing else.
 *
 * @returns false where it waits for an answer that nobody here can give
 */
export async function attend(execution: Execution, { screen, answers, schemas, onLeave }: Attending): Promise<boolean> {
  while ((await execution.settled) === "waiting") {
    const open = execution.interrupts;
    const question = open.find((one) => answers.has(one)) ?? open[0];
    if (question === undefined) {
      await firstValueFrom(execution.status$.pipe(filter((status) => status !== "waiting")), {
        defaultValue: "running",
      });
      continue;
    }
    screen.pause();
    const over = new AbortController();
    const stopListening = [
      execution.on("interrupt:answered", ({ interrupt }) => interrupt.id === question.id && over.abort()),
      execution.on("interrupt:expired", ({ interrupt }) => interrupt.id === question.id && over.abort()),
    ];
    const stopWatching = execution.status$.subscribe((status) => status !== "waiting" && over.abort());
    try {
      const give = (answer: unknown): void => execution.resume(question.id, answer);
      const answered = await answers.answer(question, schemas.answers.get(question.name), give, over.signal);
      if (answered === false || (answered === "left" && !onLeave())) return false;
    } finally {
      for (const stop of stopListening) stop();
      stopWatching.unsubscribe();
    }
    await execution.stored().catch(() => {}); // `result` and `settled` tell of a store that fails
  }
  return true;
}
