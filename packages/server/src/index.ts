export { type Action, type Authorize, type Target } from "./action.ts";
export { type AccessOptions } from "./access.ts";
export { type StreamOptions } from "./event-stream.ts";
export { type Handler, type HandlerOptions, createHandler } from "./handler.ts";
export { type HostedOptions } from "./hosted.ts";
export { type BodyLimits } from "./json-body.ts";
export { type Problem } from "./problem.ts";
export { type Routes, type Served } from "./served.ts";
export { type SocketOptions, socketRoutes } from "./socket-routes.ts";
