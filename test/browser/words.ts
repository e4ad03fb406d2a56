// What a page needs that only describes a flow.
export { after, defineFlow, event, flow, instant, start } from "@sluice/core";
