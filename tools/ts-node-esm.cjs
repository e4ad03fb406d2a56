// Lets `ts-node file.ts` run ES modules: ts-node's own ESM loader (--esm) stopped working in Node 20.
// tsconfig.base.json names this file under "ts-node"."require".
"use strict";
const { readFileSync } = require("node:fs");
const { registerHooks } = require("node:module");
const { fileURLToPath } = require("node:url");

if (!registerHooks) {
  console.error(
    `Node ${process.versions.node} is too old: use Node >= 22.15, or the one this workspace installs (npx ts-node …, npm run …)`,
  );
  process.exit(1);
}

registerHooks({
  load(url, context, nextLoad) {
    if (!/^file:.*\.m?ts$/.test(url) || url.includes("/node_modules/")) return nextLoad(url, context);
    const file = fileURLToPath(url);
    const tsNode = process[Symbol.for("ts-node.register.instance")];
    return { format: "module", source: tsNode.compile(readFileSync(file, "utf8"), file), shortCircuit: true };
  },
});
