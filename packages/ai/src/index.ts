export { type AskOptions, ask } from "./ask.ts";
export { type Caller, callerOf } from "./caller.ts";
export { type FallbackOptions } from "./fallback.ts";
export { type ToolOfOptions, toolOf } from "./tool-of.ts";
