import type { Message } from "@ag-ui/core";
import { type Execution, type RunInput, type Runnable, type SpecOf, compile } from "@sluice/core";
import { type AgUiAnswer, type AgUiRequest, agUiRequest, answersOf } from "./ag-ui-request.ts";
import { type TurnOptions, ChatTurns, nothingAsked } from "./chat-turns.ts";
import { chunkStream } from "../stream/chunk-stream.ts";
import { type Listed, isEnded } from "../hosting/hosted.ts";
import { Refusal } from "../request/problem.ts";
import type { Routes } from "../routes/served.ts";

/** What a run is to show of its execution. To be handed on: `(execution, show) => toAgUi(execution, { ...show, … })`. */
export interface AgUiShow {
  readonly threadId: string;
  readonly runId: string;
  /** What the thread has before this run. */
  readonly messages: readonly Message[];
  /** It goes on behind this position: what came before was another run's. */
  readonly after?: string;
}

/** How a flow is served as an agent of AG-UI. */
export interface AgUiRoutesOptions<F extends Runnable> extends TurnOptions {
  /** One of the handler's flows. Each run that answers no question runs it once. */
  readonly flow: F;
  /** What the flow is run with. */
  readonly input: (request: AgUiRequest) => RunInput<F> | Promise<RunInput<F>>;
  /** An execution as a run: `toAgUi` of `@sluice/ai`. */
  readonly toEvents: (execution: Execution<SpecOf<F>>, show: AgUiShow) => ReadableStream<object>;
  /** Where the route is, behind the handler's `basePath`. @default "/ag-ui" */
  readonly path?: string;
}

/**
 * Serves a flow as an agent of AG-UI 1.0, to `HttpAgent` and all that speak as it does: `POST /ag-ui` with a `RunAgentInput`
 * is answered with the run's events. A run that ends with interrupts is gone on with by one whose `resume` answers them.
 *
 * @throws FlowDefinitionError when the flow has problems
 * @see docs/chat.md
 * @see https://docs.ag-ui.com
 */
export function agUiRoutes<F extends Runnable>(options: AgUiRoutesOptions<F>): Routes {
  const { path = "/ag-ui", owner = () => "", cancelOn = [], keepEnded = 100 } = options;
  const { flow } = compile(options.flow);
  return (app, { hosted, body, stream, count, admit, watch, shown }) => {
    const turns = new ChatTurns(hosted, flow, keepEnded);

    app.post(path, async (context) => {
      const request = await agUiRequest(context.req.raw, body);
      const { threadId, runId, messages } = request;
      const answers = answersOf(request);
      await count(context, answers.length === 0 ? "start" : "answer");
      const key = await turns.key(threadId, await owner(context.req.raw));
      const asked = await askedIn(key, answers);
      const target = { flow, ...(asked && { executionId: asked.executionId }), chat: threadId };
      await admit(context, answers.length === 0 ? "start" : "answer", target);
      if (answers.length > 0 && asked === undefined) throw notOfThread();
      const watching = watch(context); // who may not have one stream more begins nothing
      const { execution, after } = await (asked === undefined ? begun() : answered(asked));
      const show = { threadId, runId, messages, ...(after !== undefined && { after }) };
      return chunkStream(options.toEvents(shown(execution) as Execution<SpecOf<F>>, show), watching, {
        ...stream,
        ...(cancelOn.includes("leave") && { onLeave: () => execution.cancel("the client left") }),
      });

      async function begun(): Promise<{ readonly execution: Execution; readonly after?: string }> {
        const input = await options.input(request);
        if (cancelOn.includes("message")) await turns.overtake(key);
        return { execution: await turns.start(input, key) };
      }

      async function answered(found: Listed) {
        const execution = await turns.get(found);
        for (const { question } of answers) await hosted.asked(execution, question);
        const after = execution.position;
        const open = new Set(execution.interrupts.map(({ id }) => id));
        const fitting = answers.filter(({ question }) => open.has(question));
        if (fitting.length === 0 && isEnded(execution)) throw nothingAsked(found.executionId);
        if (fitting.some(({ isAbandoned }) => isAbandoned)) execution.cancel("the user answers no question");
        else for (const { question, answer } of fitting) execution.resume(question, answer);
        await execution.stored();
        return { execution, after };
      }
    });

    /** The execution of a thread whose questions are answered, if all answers are to one. */
    async function askedIn(key: string, [first, ...more]: readonly AgUiAnswer[]): Promise<Listed | undefined> {
      const isOne = more.every(({ executionId }) => executionId === first?.executionId);
      return first !== undefined && isOne ? turns.find(first.executionId, key) : undefined;
    }
  };
}

function notOfThread(): Refusal {
  return new Refusal({
    status: 404,
    code: "interrupt-unknown",
    title: "`resume` answers what no execution of this thread has asked",
    mend: "Answer the interrupts of one run, by the ids that its outcome names",
  });
}
