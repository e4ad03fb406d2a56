import type { Line } from "./stand-in.ts";

/** Plays an editor who reads what customers write about goods: one text is published, the other rejected. */
export const opinions: readonly Line[] = [
  {
    asked: "kettle",
    writes: {
      verdict: "publish",
      answer:
        "Dear Ada, thank you for your words on our kettle. It is good to hear that it is still as fast after two years. " +
        "Should it ever need a new lid, you get one from us for free.",
    },
  },
  {
    asked: "WIN",
    writes: {
      verdict: "reject",
      answer:
        "Dear winner of phones, we do not publish advertisements among the opinions of our customers. If you have bought " +
        "something from us, and would like to say how it is, you are welcome to write again.",
    },
  },
];
