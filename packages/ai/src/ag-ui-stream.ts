import type { AGUIEvent } from "@ag-ui/core";
import {
  type Entry,
  type Execution,
  type ItemOf,
  type PullOptions,
  comparePositions,
  parsePosition,
  toReadableStream,
} from "@sluice/core";
import { AgUiRun, type AgUiRunOptions } from "./ag-ui-run.ts";

/** How an execution is shown as a run of AG-UI. */
export interface AgUiOptions<Item = unknown>
  extends AgUiRunOptions<Item>, Pick<PullOptions, "after" | "timeout" | "cancelOnExit"> {}

/**
 * An execution as a run of AG-UI 1.0: chunks are its steps, the flow's state and the fields of replies its state, texts,
 * reasoning and tools of models its messages, items its activities. It ends with the execution, or where that waits for
 * people: their questions are the run's outcome, and what comes of the answers is another run, which begins `after` the
 * position where it waited, with a snapshot of the state.
 *
 * What turns out to be void is taken back with `MESSAGES_SNAPSHOT` and `STATE_SNAPSHOT`; an item becomes an activity of the
 * type `withdrawn`. Where the log's beginning has been dropped, the run fails. Nothing is read before the stream is, and a slow reader slows nobody. It keeps as much as the messages
 * and the state hold.
 *
 * @throws SluiceError `position-invalid`
 * @see https://docs.ag-ui.com
 */
export function toAgUi<S>(execution: Execution<S>, options: AgUiOptions<ItemOf<S>> = {}): ReadableStream<AGUIEvent> {
  const { after, timeout, cancelOnExit } = options;
  const begin = after === undefined ? undefined : parsePosition(after);
  const entries = execution.events({ from: 1, until: "waiting", timeout, cancelOnExit });
  const events = written();
  const end = events.return.bind(events);
  // a generator that waits would hear of it with the next entry only
  events.return = async (value) => {
    await entries.return(undefined);
    return end(value);
  };
  return toReadableStream(events);

  async function* written(): AsyncGenerator<AGUIEvent, void, undefined> {
    const run = new AgUiRun<ItemOf<S>>(execution.id, options);
    let isBegun = begin === undefined;
    yield run.started();
    try {
      let last: Entry | undefined;
      for await (const entry of entries) {
        last = entry;
        const isHad = !isBegun && begin !== undefined && comparePositions(entry, begin) <= 0;
        if (!isHad && !isBegun) yield* run.resumed();
        isBegun = !isHad;
        const told = run.note(entry);
        if (isBegun) yield* told;
      }
      if (last?.type === "flow:waiting") yield* run.end(last);
    } catch (error) {
      yield* run.failed(error);
    }
  }
}
