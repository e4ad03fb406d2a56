import type { Line } from "./stand-in.ts";

const first =
  "Bread rises because yeast makes gas. The gas is carbon dioxide. The dough keeps it, and the oven ends it. " +
  "That is why bread has holes.";
const second =
  "Bread rises because yeast eats the sugar in flour and breathes out carbon dioxide. Gluten, a net of proteins, " +
  "holds that gas in bubbles. In the oven they swell once more, until the crumb sets.";
const third =
  "Leave flour, water and yeast alone for an hour, and they double. The yeast eats the sugar of the flour and breathes " +
  "out carbon dioxide. Kneading has spun the proteins of the flour into gluten, a net that stretches and holds the gas " +
  "in a thousand bubbles. In the oven these swell a last time, until at 60 degrees the crumb sets around them: a slice of " +
  "bread is a photograph of that moment.";

/** Plays a planner, a researcher, a writer and a reviewer of an article on bread. */
export const bread: readonly Line[] = [
  {
    asked: "Plan a short article: Why does bread rise?",
    writes: {
      questions: [
        "What makes the gas in a dough?",
        "What keeps the gas in the dough?",
        "What ends the rising in the oven?",
      ],
      outline:
        "Begin with a bowl of dough that doubles in an hour. Explain the gas, then what holds it. " +
        "End with the oven, where the bubbles swell a last time and are caught by the crumb.",
    },
  },
  {
    asked: "What makes the gas",
    writes: "Yeast eats the sugar of the flour and gives off carbon dioxide.",
  },
  {
    asked: "What keeps the gas",
    writes: "Kneading links proteins of the flour into gluten, an elastic net that holds bubbles.",
  },
  {
    asked: "What ends the rising",
    writes: "At about 60 degrees starch and gluten set, and the bubbles keep their shape.",
  },
  { asked: "Write", writes: first },
  { asked: first, writes: { advice: "Say what holds the gas, and where it comes from.", score: 5 } },
  { asked: "Write", writes: second },
  { asked: second, writes: { advice: "All is said, and nothing can be seen: begin with a picture.", score: 7 } },
  { asked: "Write", writes: third },
  { asked: third, writes: { advice: "Nothing to add.", score: 9 } },
];
