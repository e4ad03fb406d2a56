/** What can go wrong, by code. `docs/errors.md` lists each with its mend; a script holds the two lists against each other. */
export const errorCodes = [
  /** An answer does not fit its question's schema. */
  "answer-invalid",
  /** Too little is left of a budget for the next call of a model, or one was stopped that would have crossed it. */
  "budget-exceeded",
  /** An attempt was ended from outside: a cancel, a failure elsewhere, the end of the execution. */
  "chunk-aborted",
  /** A chunk threw, and nothing was there to answer it. */
  "chunk-failed",
  /** An attempt of a chunk took longer than its `timeout`. */
  "chunk-timeout",
  /** A child flow did not complete. */
  "child-failed",
  /** Children within children, deeper than 16. */
  "child-too-deep",
  /** Another process has taken the execution over: this one has stopped it. */
  "claim-lost",
  /** The instance of a flow whose stored execution was to go on could not be made. */
  "create-failed",
  /** An event came from outside that the flow does not accept. */
  "event-not-accepted",
  /** A chunk emitted something that is not an event. */
  "event-unknown",
  /** The execution was cancelled. */
  "execution-cancelled",
  /** Something was asked of an execution that has ended. */
  "execution-ended",
  /** An execution with that id is stored already. */
  "execution-exists",
  /** The execution was put away; it goes on where it is loaded. */
  "execution-released",
  /** An execution took longer than its flow's `timeout`. */
  "execution-timeout",
  /** Something was asked about an execution that `run()` has not given. */
  "execution-unknown",
  /** The definition of a flow has problems; each is listed. */
  "flow-invalid",
  /** A class or value that is no flow was given where a flow is needed. */
  "flow-undefined",
  /** A stored execution is of a flow that was not given. */
  "flow-unknown",
  /** A fork asks for something that its moment does not allow. */
  "fork-invalid",
  /** A stored execution was run by a flow that was wired differently. */
  "graph-changed",
  /** A guard (`when`) threw. */
  "guard-failed",
  /** The input of a flow does not fit its schema. */
  "input-invalid",
  /** A question has been answered otherwise, or nobody waits for its answer any more. */
  "interrupt-closed",
  /** Nobody answered a question in time. */
  "interrupt-expired",
  /** A question does not fit its schema. */
  "interrupt-invalid",
  /** A chunk asks a question whose answer nothing in its flow listens to. */
  "interrupt-unheard",
  /** An answer to a question that has not been asked. */
  "interrupt-unknown",
  /** An item for the runtime stream does not fit its schema. */
  "item-invalid",
  /** A join did not fill within its `timeout`. */
  "join-timeout",
  /** A chunk on a delta or on opened did more than put items into the stream. */
  "live-chunk",
  /** What is stored of an execution is damaged, or a part of it is missing. */
  "log-corrupt",
  /** A decorator stands where it cannot work. */
  "misplaced-decorator",
  /** The source of a reply or a text failed. */
  "model-failed",
  /** A reply of several documents whose schema is no array. */
  "multi-no-array",
  /** A value that JSON cannot hold was put where it would be stored. */
  "not-serialisable",
  /** An option of a host cannot be used as it is. */
  "option-invalid",
  /** A field path cannot be read, or the schema has no such place. */
  "path-invalid",
  /** A payload does not fit: its event's schema, the fan-out or the join that it comes to. */
  "payload-invalid",
  /** An RxJS pipeline of `rx(…)` threw. */
  "pipeline-failed",
  /** A position in the log cannot be read. */
  "position-invalid",
  /** The price of a model is not known, and the budget refuses such models. */
  "price-unknown",
  /** A whole reply does not fit its schema. */
  "reply-invalid",
  /** A reply is larger or deeper than its limits allow. */
  "reply-limit",
  /** A reply has no JSON in it. */
  "reply-no-json",
  /** `ctx.stop` was asked to end a reply that was not opened as stoppable, or that its chunk does not follow from. */
  "reply-not-stoppable",
  /** A reply is not JSON. */
  "reply-syntax",
  /** A reply ended before its JSON was closed. */
  "reply-truncated",
  /** The result of a flow does not fit its schema. */
  "result-invalid",
  /** A stream item or a result was given, and the flow's spec has no schema for it. */
  "schema-missing",
  /** A flow with RxJS pipelines was to be run with a durable store. */
  "rx-not-durable",
  /** A sleep of no time: not a number, infinite, or below 0. */
  "sleep-invalid",
  /** A snapshot does not belong to this graph. */
  "snapshot-invalid",
  /** Two steps of an activation have one name. */
  "step-repeated",
  /** A state update does not fit the state schema. */
  "state-invalid",
  /** The store could not take or give what it should. */
  "store-failed",
  /** Something was asked that needs a durable store, of an execution that has none. */
  "store-missing",
  /** A reader was so slow that what it needed next has been dropped. */
  "stream-gap",
  /** The next item did not come in time. */
  "stream-timeout",
] as const;

/** The closed list of what can go wrong. */
export type ErrorCode = (typeof errorCodes)[number];
