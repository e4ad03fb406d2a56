import type { Line } from "./stand-in.ts";

/** Plays someone who answers letters: each answer is about 50 tokens long. */
export const letters: readonly Line[] = [
  {
    asked: "charged twice",
    writes:
      "Dear Nils, you are right, the invoice was charged twice, and we are sorry. The second payment is on its way " +
      "back to your account. It will be there on Friday at the latest. Yours, the shop",
  },
  {
    asked: "leaks",
    writes:
      "Dear Ana, a coffee maker must not leak after 12 days. A new one leaves our house today, and the driver takes the " +
      "old one with him. You need not pack or pay anything. Yours, the shop",
  },
  {
    asked: "not mine",
    writes:
      "Dear Kira, thank you for telling us at once. We have closed your account for new orders and cancelled the two " +
      "that are not yours. Please choose a new password. Yours, the shop",
  },
  {
    asked: "marked as done",
    writes:
      "Dear Hugo, the driver left your parcel with the neighbour on the second floor, whose name is on the receipt. If " +
      "it is not there tomorrow, we send it again. Yours, the shop",
  },
  {
    asked: "headphones",
    writes:
      "Dear Zoe, thank you for the kind words. Please hold both buttons of the headphones for ten seconds, then charge " +
      "them with another cable. If they stay dark, we replace them. Yours, the shop",
  },
  {
    asked: "tax number",
    writes: "Dear Paul, the corrected invoice with our tax number is attached. Yours, the shop",
  },
];
