// Imports one module, and sends what that takes: `import-cost.mjs file:///…`. Plain JavaScript, and nothing else is loaded.
const [module = ""] = process.argv.slice(2);
const before = retained();
const startedAt = performance.now();
await import(module);
const ms = performance.now() - startedAt;
process.send({ ms, bytes: retained() - before });
process.disconnect();

/** Bytes that are still held after a collection: of the heap, and of buffers outside it. */
function retained() {
  for (let collection = 0; collection < 3; collection += 1) globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
