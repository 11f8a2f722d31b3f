"use client";

export { StreamerProvider, useClient, type StreamerProviderProps } from "./provider.ts";
export { createStreamerHooks, type StreamerHooks } from "./typed-hooks.ts";
export { useConnection } from "./use-connection.ts";
export { useRequest, type RequestView, type UseRequestOptions } from "./use-request.ts";
export { useRun } from "./use-run.ts";
export type { RunView } from "./view.ts";
