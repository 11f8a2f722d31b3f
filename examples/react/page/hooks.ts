/** The hooks, typed by the handler this app asks for. */
import type { ActionsOf } from "@streamer/client";
import { createStreamerHooks } from "@streamer/client/react";
import type { GenerateReport } from "@streamer/handlers";

type Handlers = readonly [GenerateReport];

export const { useConnection, useRequest, useRun } = createStreamerHooks<Handlers>();

export type ReportRequest = ActionsOf<Handlers>["generate_report"]["input"];
