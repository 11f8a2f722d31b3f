/** Starts the server that settings describe. */
import { logging, type AnyHandler } from "@streamer/core";
import { startServer, type AuthOptions, type Server, type ServerOptions } from "@streamer/embedded";
import { API_GATEWAY_LIMITS } from "@streamer/protocol";
import type { Settings } from "../configuration/options.ts";
import { EXIT, ExitError, usage } from "../exit.ts";

export interface StartParts {
  readonly settings: Settings;
  readonly handlers: readonly AnyHandler[];
  readonly auth: AuthOptions | undefined;
}

export async function start({ settings, handlers, auth }: StartParts): Promise<Server> {
  const { host, port, dataFolder, logLevel, allowOrigin = [], publicUrl, workers, stopGrace } = settings;
  try {
    return await startServer({
      handlers,
      host,
      port,
      dataFolder,
      logLevel,
      middleware: [logging],
      allowedOrigins: allowOrigin,
      publicDevelopmentKey: settings.iKnow,
      ...(auth && { auth }),
      ...(publicUrl !== undefined && { publicUrl }),
      ...(workers !== undefined && { workers }),
      ...(stopGrace !== undefined ? { stopGraceMs: stopGrace } : settings.watch && { stopGraceMs: 0 }),
      ...(settings.awsLimits && { transport: API_GATEWAY_LIMITS }),
      ...doors(settings),
    });
  } catch (error) {
    // What the server cannot be told: a file that holds no list, an address that is none.
    if (error instanceof TypeError) throw usage(error.message);
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EADDRINUSE")
      throw new ExitError(EXIT.failed, `Port ${port} on ${host} is taken. Choose another with --port, or 0 for any free one.`, code);
    if (code === "EACCES") throw new ExitError(EXIT.failed, `Port ${port} on ${host} may not be used by you. Choose one above 1023.`, code);
    throw error;
  }
}

/** What was not said is the server's to choose. */
function doors(settings: Settings): Pick<ServerOptions, "maxConnections" | "connectionLimits" | "trustedProxies"> {
  const { maxConnections, connectionsPerTenant: perTenant, connectionsPerUser: perUser, connectionsPerAddress: perAddress } = settings;
  return {
    ...(maxConnections !== undefined && { maxConnections }),
    ...(settings.trustProxy && { trustedProxies: settings.trustProxy }),
    connectionLimits: {
      ...(perTenant !== undefined && { perTenant }),
      ...(perUser !== undefined && { perUser }),
      ...(perAddress !== undefined && { perAddress }),
    },
  };
}
