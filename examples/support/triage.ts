// What goes in, what the model writes, and what happens on the way.
import { event, instant } from "@sluice/core";
import { z } from "zod";

export const Ticket = z.object({ id: z.string(), text: z.string().trim().min(1, "the ticket is empty") });

export const Triage = instant(
  "triage",
  z.object({
    category: z.enum(["billing", "account", "shipping", "product"]),
    urgency: z.enum(["low", "medium", "high"]),
    product: z.string(),
    steps: z.array(z.string()).min(1),
    summary: z.string(),
  }),
);
export const Escalated = event("escalated", z.object({ reason: z.string() }));
