export { deferred } from "./deferred.ts";
export { expectNoLeaks, leaksOf } from "./leaks.ts";
export { type LogEntry, type LogLine, lineOf, linesOf } from "./log-line.ts";
export { type LogPattern } from "./log-match.ts";
export { type LogMatchers, type MatcherResult, logMatchers } from "./log-matchers.ts";
export { logOf, itemsOf } from "./log-of.ts";
export { type MarbleValues } from "./marbles.ts";
export { type OutlineEntry, outline } from "./outline.ts";
export { record } from "./record.ts";
export { type RecordedCall, type RecordedFailure, type RecordedPiece, type Recording } from "./recording.ts";
export { type ReplayOptions, replay } from "./replay.ts";
export { type Clock, type Ending } from "./script.ts";
export { type Outcome, type Scripted, type ScriptedOptions, scripted } from "./scripted.ts";
export {
  type ReplyPiece,
  type ScriptedCall,
  type ScriptedModel,
  type ScriptedModelOptions,
  type ScriptedReply,
  type ToolPart,
  scriptedModel,
} from "./scripted-model.ts";
export { type StoreCase, storeCases } from "./store-cases.ts";
export { type StoreMaker } from "./store-check.ts";
export { type ToBe } from "./stream-expectation.ts";
export { type TestTime, type TestTimeOptions, virtualTime } from "./timed-test.ts";
export { type Delay, type DelayOptions, VirtualTime } from "./virtual-time.ts";
