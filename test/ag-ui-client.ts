// What a client of AG-UI makes of a run: its own pipeline, which checks each event and its place.
import { AbstractAgent } from "@ag-ui/client";
import type { AGUIEvent, Message } from "@ag-ui/core";
import { type AgUiOptions, toAgUi } from "@sluice/ai";
import type { Execution, ItemOf } from "@sluice/core";
import { from } from "rxjs";
import { expect, vi } from "vitest";

/** An agent that has run already. */
class Played extends AbstractAgent {
  readonly #events: readonly AGUIEvent[];

  constructor(events: readonly AGUIEvent[], messages: readonly Message[], state: unknown) {
    super({
      threadId: "t",
      initialMessages: structuredClone([...messages]),
      initialState: structuredClone(state) as never,
    });
    this.#events = events;
  }

  run(): ReturnType<AbstractAgent["run"]> {
    return from(this.#events.map((event) => structuredClone(event))) as never; // it brings another RxJS along
  }
}

/** What a client begins with. */
export interface Before {
  readonly messages?: readonly Message[];
  readonly state?: unknown;
}

/** All events; each the same after a way through JSON. */
export async function eventsOf<S>(execution: Execution<S>, options?: AgUiOptions<ItemOf<S>>): Promise<AGUIEvent[]> {
  const events: AGUIEvent[] = [];
  for await (const event of toAgUi(execution, options)) {
    expect(JSON.parse(JSON.stringify(event))).toStrictEqual(event);
    events.push(event);
  }
  return events;
}

/** What a client shows in the end. It fails where the verifier does, or where a patch cannot be applied. */
export async function clientOf(events: readonly AGUIEvent[], { messages = [], state = {} }: Before = {}) {
  const warn = vi.spyOn(console, "warn");
  const agent = new Played(events, messages, state);
  const errors: string[] = [];
  await agent
    .runAgent({}, { onRunErrorEvent: ({ event }) => void errors.push(event.message) })
    .catch((error: unknown) => {
      if (errors.length === 0) throw error;
    });
  const warnings = warn.mock.calls.map(String);
  warn.mockRestore();
  expect(warnings).toEqual([]);
  return {
    messages: agent.messages,
    state: agent.state as Record<string, unknown>,
    interrupts: agent.pendingInterrupts,
    errors,
  };
}

/** Messages in short. */
export function shortOf(messages: readonly Message[]): string[] {
  return messages.map((message) => {
    if (message.role === "activity") return `${message.activityType} ${JSON.stringify(message.content)}`;
    if (message.role !== "assistant" || message.toolCalls === undefined)
      return `${message.role} ${message.content as string}`;
    return message.toolCalls.map((call) => `call ${call.function.name} ${call.function.arguments}`).join();
  });
}
