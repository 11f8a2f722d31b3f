export type { Actions, ActionsOf, Travelled } from "./actions.ts";
export { connect, type Client, type ListQuery, type RequestOptions } from "./client.ts";
export { StreamerError, isStreamerError, type ClientErrorCode } from "./errors.ts";
export type { RequestInfo } from "./info.ts";
export type { ClientClock, ConnectOptions, Token } from "./options.ts";
export type { Eta, Progress, RunEvent, RunState } from "./run-state.ts";
export type { Run } from "./run.ts";
export type { ConnectionState } from "./session.ts";
export type { CancellationReceipt } from "./tracker.ts";
