// Does one work in a process of its own, and sends its section to run.ts: `work.ts chain [--quick]`.
import { chain } from "./chain.ts";
import { instant } from "./instant.ts";
import { loop } from "./loop.ts";
import { measureOptions, workNamed } from "./options.ts";

const works = { chain, loop, instant };
const [name, flag] = process.argv.slice(2);
const section = await works[workNamed(name)](measureOptions({ quick: flag === "--quick" }));
process.send?.(section);
process.disconnect?.();
