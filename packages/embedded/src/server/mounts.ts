/**
 * A place on somebody's HTTP server. What comes to the place is dealt with by whoever is mounted there and by nobody else;
 * everything else reaches the server's own listeners as if nothing were mounted, whenever they were added.
 *
 * Listeners cannot do that: each is called for every request and every upgrade, and an application answers 404 to what it
 * does not know, or takes every WebSocket for its own. So what the server emits is looked at first.
 */
import type { IncomingMessage, Server as HttpServer, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { pathnameOf } from "./base-path.ts";

export interface Mount {
  /** Names it: a server has each path once. */
  readonly path: string;
  takesRequest(pathname: string): boolean;
  takesUpgrade(pathname: string): boolean;
  request(request: IncomingMessage, response: ServerResponse): void;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

type UpgradeArguments = readonly [request: IncomingMessage, socket: Duplex, head: Buffer];
/** What Node asks before it takes a request for an upgrade: an option of `createServer`, kept under its name. */
type Server = HttpServer & { shouldUpgradeCallback(this: unknown, request: IncomingMessage): boolean };

interface Mounts {
  add(one: Mount): void;
  /** True when there are none left. */
  remove(one: Mount): boolean;
  end(): void;
}

/** With a listener for the other two, Node emits them in the place of "request". */
const REQUESTS: ReadonlySet<unknown> = new Set(["request", "checkContinue", "checkExpectation"]);

const mountsOf = new WeakMap<HttpServer, Mounts>();

/** Returns what ends it. Throws a TypeError when the path is taken. */
export function mount(server: HttpServer, one: Mount): () => void {
  const mounts = mountsOf.get(server) ?? intercept(server as Server);
  mountsOf.set(server, mounts);
  mounts.add(one);
  return () => {
    if (!mounts.remove(one)) return;
    mounts.end();
    mountsOf.delete(server);
  };
}

function intercept(server: Server): Mounts {
  const mounts: Mount[] = [];
  const find = (kind: "takesRequest" | "takesUpgrade", { url }: IncomingMessage): Mount | undefined => {
    const pathname = pathnameOf(url);
    return pathname === undefined ? undefined : mounts.find((one) => one[kind](pathname));
  };

  const passOn = server.emit;
  function emit(this: unknown, event: string | symbol, ...values: unknown[]): boolean {
    const [request] = values as [IncomingMessage];
    if (REQUESTS.has(event)) {
      const one = find("takesRequest", request);
      if (one) one.request(request, values[1] as ServerResponse);
      if (one) return true;
    } else if (event === "upgrade") {
      const one = find("takesUpgrade", request);
      if (one) one.upgrade(...(values as unknown as UpgradeArguments));
      if (one) return true;
    }
    return Reflect.apply(passOn, server, [event, ...values]) as boolean;
  }
  server.emit = emit as HttpServer["emit"];

  // Node emits upgrades only where somebody listens. It gets those alone that were handed on past `emit`, as Fastify does
  // from the servers it opens beside its own.
  const onUpgrade = (...values: UpgradeArguments): void => find("takesUpgrade", values[0])?.upgrade(...values);
  server.on("upgrade", onUpgrade);

  // That listener must not make an upgrade of what would be a request without it: the owner's callback counts the others.
  const { shouldUpgradeCallback } = server;
  const withoutOurs = Object.create(server, {
    listenerCount: { value: (event: string) => server.listenerCount(event) - (event === "upgrade" ? 1 : 0) },
  }) as Server;
  const shouldUpgrade = (request: IncomingMessage): boolean =>
    find("takesUpgrade", request) !== undefined || Reflect.apply(shouldUpgradeCallback, withoutOurs, [request]);
  server.shouldUpgradeCallback = shouldUpgrade;

  return {
    add: (one) => {
      if (mounts.some(({ path }) => path === one.path))
        throw new TypeError(`Streamer is attached to this server at "${one.path}" already: give each a path of its own.`);
      mounts.push(one);
      // The longest first: one may lie within another.
      mounts.sort((a, b) => b.path.length - a.path.length);
    },
    remove: (one) => {
      const at = mounts.indexOf(one);
      if (at !== -1) mounts.splice(at, 1);
      return mounts.length === 0;
    },
    end: () => {
      server.off("upgrade", onUpgrade);
      // Whoever came after us holds ours: it goes on handing over what it is given.
      if (server.emit === (emit as HttpServer["emit"])) server.emit = passOn;
      if (server.shouldUpgradeCallback === shouldUpgrade) server.shouldUpgradeCallback = shouldUpgradeCallback;
    },
  };
}
