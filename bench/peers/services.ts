/** Redis and PostgreSQL as Debian packages them: a private one for each run, on loopback, in a folder of the run. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { freePort, startChild, type Child } from "./children.ts";

export interface Service extends Child {
  /** What its clients are told. */
  readonly settings: { readonly redisPort: number } | { readonly postgresUrl: string };
}

interface ServiceParts {
  /** Empty, and its own. */
  readonly folder: string;
  readonly cpu?: number | undefined;
}

/** Answers what it prints of its version, or undefined when it is not installed. */
function versionOf(command: string): string | undefined {
  try {
    return execFileSync(command, ["--version"], { encoding: "utf8" }).trim();
  } catch {
    return undefined;
  }
}

const DEBIAN_POSTGRESQL = "/usr/lib/postgresql";

/** Debian has a folder for each version, and only its own scripts in the path. */
function postgresqlProgram(name: string): string {
  const versions = existsSync(DEBIAN_POSTGRESQL) ? readdirSync(DEBIAN_POSTGRESQL).map(Number) : [];
  return versions.length > 0 ? join(DEBIAN_POSTGRESQL, String(Math.max(...versions)), "bin", name) : name;
}

export const SERVICES = {
  redis: {
    package: "redis-server",
    version: () => /v=(\S+)/.exec(versionOf("redis-server") ?? "")?.[1],
    start: startRedis,
  },
  postgresql: {
    package: "postgresql",
    version: () => /\(PostgreSQL\) (\S+)/.exec(versionOf(postgresqlProgram("postgres")) ?? "")?.[1],
    start: startPostgresql,
  },
} as const;
export type ServiceName = keyof typeof SERVICES;

/** Its log is written at once and synchronised each second: what most people run. */
async function startRedis({ folder, cpu }: ServiceParts): Promise<Service> {
  const port = await freePort();
  const options = {
    port,
    bind: "127.0.0.1",
    dir: folder,
    "maxmemory-policy": "noeviction",
    appendonly: "yes",
    appendfsync: "everysec",
    save: "",
  };
  const child = await startChild({
    command: "redis-server",
    args: Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]),
    ready: /Ready to accept connections/,
    log: join(folder, "redis.log"),
    ...(cpu !== undefined && { cpu }),
  });
  return { ...child, settings: { redisPort: port } };
}

/** Every commit is synchronised; the rest as is advised for a machine of its own. */
async function startPostgresql({ folder, cpu }: ServiceParts): Promise<Service> {
  const data = join(folder, "data");
  mkdirSync(data);
  // It refuses to run as root.
  const asItsUser = process.getuid?.() === 0 ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] : [];
  if (asItsUser.length > 0) execFileSync("chown", ["-R", "postgres:postgres", folder]);
  const call = (program: string, args: readonly string[]): readonly [string, readonly string[]] => {
    const [command, ...rest] = [...asItsUser, postgresqlProgram(program), ...args];
    return [command!, rest];
  };
  const [initdb, terms] = call("initdb", ["-D", data, "-U", "bench", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]);
  execFileSync(initdb, terms, { stdio: "ignore", cwd: folder });
  const port = await freePort();
  const options = {
    port,
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    max_connections: 200,
    shared_buffers: "1GB",
    max_wal_size: "4GB",
    checkpoint_timeout: "15min",
    jit: "off",
    random_page_cost: "1.1",
  };
  const [command, args] = call("postgres", ["-D", data, ...Object.entries(options).flatMap(([name, value]) => ["-c", `${name}=${value}`])]);
  const child = await startChild({
    command,
    args,
    ready: /ready to accept connections/,
    log: join(folder, "postgresql.log"),
    stopSignal: "SIGINT",
    ...(cpu !== undefined && { cpu }),
  });
  return { ...child, settings: { postgresUrl: `postgres://bench@127.0.0.1:${port}/postgres` } };
}
