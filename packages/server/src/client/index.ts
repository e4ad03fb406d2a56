export { type Client, type ListFilter, type ListedExecution, createClient } from "./client.ts";
export { type ConnectionOptions } from "./connection.ts";
export { RemoteError } from "./remote-error.ts";
export { type RemoteExecution, type Standing } from "./remote-execution.ts";
export { type LogOptions, type Shown } from "./remote-log.ts";
