export { type AskOptions, ask } from "./ask.ts";
export { type Caller, callerOf } from "./caller.ts";
export { type ToolOfOptions, toolOf } from "./tool-of.ts";
export { type MessageOptions } from "./message-chunks.ts";
export { type FieldData, type FieldShow, type ShownField } from "./shown-fields.ts";
export {
  type FlowDataParts,
  type FlowMessage,
  type UIMessageStreamOptions,
  toUIMessageStream,
} from "./ui-message-stream.ts";
