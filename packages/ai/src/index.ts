export { type AskOptions, ask } from "./ask.ts";
