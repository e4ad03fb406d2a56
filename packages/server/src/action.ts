/** What a request asks for. */
export type Action = "start" | "list" | "read" | "stream" | "emit" | "answer" | "cancel" | "graph" | "share";

/** What it asks for it of; a part is left out where the request names none. */
export interface Target {
  /** The flow's name. */
  readonly flow?: string;
  readonly executionId?: string;
}

/** Says whether a request may do what it asks for. Asked before anything is done; who throws says no. */
export type Authorize = (request: Request, action: Action, target: Target) => boolean | Promise<boolean>;
