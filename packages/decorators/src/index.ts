export { type ChunkMark, chunk } from "./chunk.ts";
export { type FlowMark, flow } from "./flow.ts";
export { type On, on } from "./on.ts";
export { type MethodOptions } from "./record.ts";
