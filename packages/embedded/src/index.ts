export type { AuthOptions, ClaimMapping, TokenTerms, TrustedKeys } from "@streamer/auth";
/** What handlers are written with, so that a server takes one install. One that is to run on AWS as well takes it from core. */
export {
  Fatal,
  NotYet,
  RetryAfter,
  StreamerError,
  defineHandler,
  isStreamerError,
  type HandlerContext,
  type Handler,
  type Middleware,
} from "@streamer/core";
export type { ChannelOptions } from "./channel.ts";
export { createEmbeddedEngine, type EmbeddedEngine, type EngineParts } from "./engine.ts";
export { isInUse, openDatabase, type Database } from "./sqlite/database.ts";
export { systemClock } from "./clock.ts";
export {
  createIsolation,
  findConfinement,
  type Confined,
  type WorkerLimits,
  type IsolationOptions,
  type ProcessIsolation,
} from "./isolation.ts";
export { createLog, type LogLevel } from "./log.ts";
export { attach, type AttachOptions } from "./server/attach.ts";
export type { ConnectionLimits } from "./server/doors.ts";
export { needsOwnKeys, ownAddresses } from "./server/own-address.ts";
export { startServer, type Server, type ServerOptions } from "./server/server.ts";
export type { ServiceOptions } from "./server/service.ts";
