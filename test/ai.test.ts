import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { APICallError, type LanguageModelV4, type LanguageModelV4StreamPart } from "@ai-sdk/provider";
import { type AskOptions, ask } from "@sluice/ai";
import {
  type Entry,
  type ModelPart,
  type ModelRequest,
  SluiceError,
  defineFlow,
  flow,
  instant,
  run,
  start,
} from "@sluice/core";
import { NoSuchModelError, convertArrayToReadableStream } from "ai/test";
