export { type AgUiActivity } from "./ag-ui-messages.ts";
export { type AgUiRunOptions } from "./ag-ui-run.ts";
export { type AgUiStateOptions } from "./ag-ui-state.ts";
export { type AgUiOptions, toAgUi } from "./ag-ui-stream.ts";
export { type AskOptions, ask } from "./ask.ts";
export { type Caller, callerOf } from "./caller.ts";
export { type FallbackOptions } from "./fallback.ts";
export { currentPrices } from "./current-prices.ts";
export { type Limiter, type LimiterOptions, limiter } from "./limiter.ts";
export { type ReplyCache, memoryCache } from "./reply-cache.ts";
export { type Price, type PriceTable, costOf, priceOf } from "./prices.ts";
export { type UsageOptions, type UsageReport, type UsageTotal, usageOf } from "./usage-of.ts";
export { type ToolOfOptions, toolOf } from "./tool-of.ts";
export { type MessageOptions } from "./message-chunks.ts";
export { type FieldData, type FieldShow, type ShownField } from "./shown-fields.ts";
export { type QuestionShow, type ShownQuestion } from "./shown-questions.ts";
export {
  type FlowDataParts,
  type FlowMessage,
  type UIMessageStreamOptions,
  toUIMessageStream,
} from "./ui-message-stream.ts";
