export { type Allowance, type Amount, type Budget, type UnknownPrice } from "./define/budget.ts";
export { type ChunkOptions, type OnOptions, type RetryOptions } from "./define/chunk-options.ts";
export {
  type Context,
  type OpenOptions,
  type StepOptions,
  type ContextOf,
  type Signal,
  type State,
  type TextReply,
} from "./define/context.ts";
export { type EventDef, type EventOptions, event } from "./define/event.ts";
export {
  type BuilderOptions,
  type ChunkDefinition,
  type Compensation,
  type FlowBuilder,
  type FlowDefinition,
  type TriggerDefinition,
  type Undo,
  flow,
  recordFlow,
} from "./define/flow.ts";
export { type Interrupt, type InterruptOptions, interrupt } from "./define/interrupt.ts";
export {
  type DeepPartial,
  type Field,
  type Instant,
  type InstantOptions,
  type Stoppable,
  instant,
} from "./define/instant.ts";
export { type Limits } from "./instant/limits.ts";
export { type Guess, type Repair, type RepairRule } from "./schema/repair.ts";
export {
  type FirstOf,
  type FlowClass,
  type Hint,
  type MethodsOf,
  type NoSpec,
  type PayloadIn,
  type Returned,
  type SpecIn,
  type SpecOf,
  type SpecsIn,
} from "./define/payload.ts";
export { type IsProblem, type Problem } from "./define/problem.ts";
export { type FieldAt, type PathIn, type Schema, type TextPathIn, type ValueAt } from "./define/schema-path.ts";
export { type ArgsOf, type ChildOptions, type CreateOption, type RunInput, type Runnable } from "./define/runnable.ts";
export {
  type AcceptedBy,
  type InputOf,
  type ItemOf,
  type PayloadFor,
  type ResultOf,
  type Spec,
  type StateOf,
  defineFlow,
} from "./define/spec.ts";
export {
  type Generation,
  type ModelCall,
  type ModelPart,
  type ModelRequest,
  type Pieces,
  type Resolved,
  type ResolvedBecause,
  type SourceClock,
  type Spent,
  type TokenSource,
  type Usage,
} from "./define/token-source.ts";
export {
  type After,
  type All,
  type Any,
  type Change,
  type Changed,
  type Each,
  type Failed,
  type FailedAny,
  type Failure,
  type Gather,
  type Invalid,
  type KindOf,
  type Now,
  type Opened,
  type Payload,
  type Piped,
  type Quorum,
  type Start,
  type Trigger,
  after,
  all,
  any,
  changed,
  each,
  failed,
  gather,
  isTrigger,
  latest,
  quorum,
  race,
  start,
} from "./define/trigger.ts";
export { type ErrorCode, errorCodes } from "./error/error-code.ts";
export { type ErrorData, type ErrorParts, SluiceError, errorData, messageOf } from "./error/sluice-error.ts";
export { compile } from "./graph/compile.ts";
export {
  type DefinitionProblem,
  FlowDefinitionError,
  type ProblemCode,
  problemCodes,
} from "./graph/definition-problem.ts";
export {
  type Graph,
  type GraphChunk,
  type GraphExpression,
  type GraphOperator,
  type GraphRetry,
  type GraphSource,
  type GraphTrigger,
  type GraphWarning,
} from "./graph/graph.ts";
export { diffGraphs } from "./graph/graph-diff.ts";
export { toMermaid } from "./graph/mermaid.ts";
export { type Retention } from "./log/entry-log.ts";
export { comparePositions, parsePosition, type Position, positionOf } from "./log/position.ts";
export { type Arrival } from "./machine/arrival.ts";
export { type Activation, type Command, type Undoing } from "./machine/command.ts";
export {
  type Asked,
  type Entry,
  type EntryFields,
  type EntryDraft,
  type EntryOf,
  type EntryType,
  type ExecutionStatus,
  type FinalEntry,
  type FinalType,
  type JsonPatch,
  type NotUndone,
  type OpenQuestion,
  type RollbackCause,
  type StateDiff,
  isFinal,
  isOwn,
  isShown,
  isTerminal,
  statusOf,
} from "./machine/entry.ts";
export { type ReplyIssues } from "./machine/reply-issues.ts";
export { type Question } from "./machine/questions.ts";
export { Machine, type MachineOptions } from "./machine/machine.ts";
export { type MachineSnapshot } from "./machine/machine-snapshot.ts";
export { type ReadSignal, type ReadingOptions, type ReplyReading, parseReply } from "./reading/reply-reading.ts";
export { rx } from "./run/rx.ts";
export { type AnswerOptions, type CancelOptions, type Execution } from "./execution/execution.ts";
export { type StoreOptions } from "./execution/durability.ts";
export {
  type ContinueOptions,
  type KnownFlows,
  type LoadOptions,
  type RecoverOptions,
  type Recovered,
  load,
  recover,
} from "./execution/load.ts";
export { type ChunkDifference, type ExecutionDiff, type Outcome, type Pair, diff } from "./execution/diff.ts";
export { type ForkOptions, fork } from "./execution/fork.ts";
export { type FlowSchemas, schemasOf } from "./execution/flow-schemas.ts";
export { type Replay, type ReplayOptions, type Standpoint, replay, replayStored } from "./execution/replay.ts";
export { type LogRange, storedEntries } from "./execution/stored-log.ts";
export { type RunArgs, type RunOptions, run } from "./execution/run.ts";
export { type Flows, type KnownFlow } from "./run/known-flow.ts";
export { type Durability } from "./store/writer.ts";
export { type StateData, foldState } from "./machine/state-fold.ts";
export { type Vitals, vitalsOf } from "./execution/vitals.ts";
export { type FieldSignal, fieldProjection } from "./views/projections.ts";
export { type BufferOptions, toAsyncIterable, toReadableStream } from "./views/adapters.ts";
export { type BatchOptions, type Gap, type PullOptions } from "./views/pull.ts";
export { toJson } from "./views/json.ts";
export { type SseOptions, type SseSource, sseMessage, toSSE } from "./views/sse.ts";
export { type FieldIssue, type FieldIssueAt, issuePath } from "./schema/field-issue.ts";
export { type Segment, matchesPath, parsePath } from "./schema/field-path.ts";
export {
  type Append,
  type Awaitable,
  type Checkpoint,
  type Founding,
  type Moment,
  type PruneOptions,
  type ReadRange,
  type Refused,
  type Store,
  type StoreFilter,
  type StoredAnswer,
  type StoredExecution,
} from "./store/store.ts";
export { memoryStore } from "./store/memory-store.ts";
