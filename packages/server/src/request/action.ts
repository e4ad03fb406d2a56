/** What a request asks for. */
export type Action = "start" | "list" | "read" | "stream" | "emit" | "answer" | "cancel" | "graph" | "share";

/** What it asks for it of; a part is left out where the request names none. */
export interface Target {
  /** The flow's name. */
  readonly flow?: string;
  readonly executionId?: string;
  /** The id of the chat or thread that it belongs to, as the client says it: whether that is this user's, only you know. */
  readonly chat?: string;
}

/** Says whether a request may do what it asks for. Asked before anything is done; who throws says no. */
export type Authorize = (request: Request, action: Action, target: Target) => boolean | Promise<boolean>;
