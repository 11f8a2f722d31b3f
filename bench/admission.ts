/** A generator is one client that does the work of many: limits per client would measure themselves. */
import type { ServerOptions } from "@streamer/embedded";

export const UNLIMITED: Pick<ServerOptions, "maxConnections" | "connectionLimits"> & {
  readonly admission: NonNullable<NonNullable<ServerOptions["options"]>["admission"]>;
} = {
  maxConnections: 20_000,
  connectionLimits: { perUser: 20_000, perTenant: 20_000, perAddress: 20_000 },
  admission: {
    messagesPerSecond: 1_000_000,
    bytesPerSecond: 1e12,
    inFlightPerConnection: 1_000_000,
    queuedPerUser: 100_000,
    queuedPerTenant: 100_000,
    storedBytesPerUser: Infinity,
    storedBytesPerTenant: Infinity,
  },
};
