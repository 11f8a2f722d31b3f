/**
 * Who may still come in. A connection takes a place in all and at its address before anything is spent on it, and one of
 * its tenant and its user once its token is verified; what it took is free again when its socket has closed. Nobody can
 * take what others need: neither one address, one user, one tenant, nor all together the descriptors of files and children.
 */
import type { Socket } from "node:net";
import type { Clock, Log, Owner } from "@streamer/core";
import { wireError, type WireError } from "@streamer/protocol";
import { countedAs, type AddressReader } from "./client-address.ts";

export interface ConnectionLimits {
  /** Connections of one tenant. Default: half of all. */
  readonly perTenant: number;
  /** Connections of one user. Default 256. */
  readonly perUser: number;
  /**
   * Connections from one address: of IPv6, one network of 64 bits. Behind a proxy that is not among `trustedProxies`, all
   * clients have one address. Default: a quarter of all.
   */
  readonly perAddress: number;
  /** File descriptors kept for files, pipes and children. Default 1,024, or a quarter of the process's limit if that is less. */
  readonly reservedDescriptors: number;
  /** Bytes of messages that have begun and are not complete, over all connections. Default 128 MiB. */
  readonly unfinishedBytes: number;
  /** The same of one user. Default 16 MiB. */
  readonly unfinishedBytesPerUser: number;
  /** How long a message may take to come in. Default 120,000 ms. */
  readonly unfinishedMs: number;
}

/** Where a connection is refused. */
type Door = "all" | "address" | "tenant" | "user";

/** What a connection holds while its socket is open. */
export interface Place {
  /** Takes a place of the tenant and the user, whose name among all is given. Returns why there is none. */
  settle(owner: Owner, user: string): WireError | undefined;
  /** Gives back whatever it took; harmless when called again. */
  leave(): void;
}

export interface Doors {
  /** A place in all and at the address, or why there is none. */
  enter(address: string): { readonly place: Place } | { readonly error: WireError };
  /** Ends at once a socket whose address has far too many, whatever they are for: those who say nothing have places, too. */
  accept(socket: Socket): void;
  /** Says that the process refused a socket by itself. */
  dropped(): void;
  readonly isFull: boolean;
  readonly refused: Readonly<Record<Door, number>>;
}

export interface DoorParts {
  readonly clock: Pick<Clock, "monotonic">;
  readonly log: Log;
  readonly total: number;
  readonly limits: Pick<ConnectionLimits, "perTenant" | "perUser" | "perAddress">;
  readonly addresses: Pick<AddressReader, "isProxy">;
}

const AFTER_MS = 5_000;
const LOG_EVERY_MS = 60_000;
/** Sockets of one address beside its connections: requests over HTTP, and those that are being told why they were refused. */
const SPARE_PER_ADDRESS = 64;

export function createDoors({ clock, log, total, limits, addresses }: DoorParts): Doors {
  const places = { address: createTally(), tenant: createTally(), user: createTally() };
  const sockets = createTally();
  const refused: Record<Door, number> = { all: 0, address: 0, tenant: 0, user: 0 };
  let open = 0;
  let loggedAt = -Infinity;

  function count(door: Door, who: object): void {
    refused[door] += 1;
    const now = clock.monotonic();
    if (now - loggedAt < LOG_EVERY_MS) return;
    loggedAt = now;
    log.warn({ door, ...who, open, refused: { ...refused } }, "connections are refused: a limit is reached");
  }

  function refuse(door: Door, message: string, who: object): WireError {
    count(door, who);
    return wireError("RATE_LIMITED", `${message} Connect again later.`, { afterMs: AFTER_MS });
  }

  class Taken implements Place {
    readonly #address: string;
    #tenant: string | undefined;
    #user: string | undefined;
    #isLeft = false;

    constructor(address: string) {
      this.#address = address;
      open += 1;
      places.address.add(address);
    }

    settle({ tenantId, userId }: Owner, user: string): WireError | undefined {
      // Gone while its token was verified: nothing would give back what it took now.
      if (this.#isLeft) return undefined;
      if (places.tenant.of(tenantId) >= limits.perTenant)
        return refuse("tenant", `All ${limits.perTenant} connections of your tenant are taken.`, { tenant_id: tenantId });
      if (places.user.of(user) >= limits.perUser)
        return refuse("user", `All ${limits.perUser} connections of yours are taken.`, { tenant_id: tenantId, user_id: userId });
      places.tenant.add((this.#tenant = tenantId));
      places.user.add((this.#user = user));
      return undefined;
    }

    leave(): void {
      if (this.#isLeft) return;
      this.#isLeft = true;
      open -= 1;
      places.address.remove(this.#address);
      if (this.#tenant !== undefined) places.tenant.remove(this.#tenant);
      if (this.#user !== undefined) places.user.remove(this.#user);
    }
  }

  return {
    enter(address) {
      if (open >= total) return { error: refuse("all", `All ${total} connections are taken.`, {}) };
      if (places.address.of(address) >= limits.perAddress)
        return { error: refuse("address", `All ${limits.perAddress} connections of your address are taken.`, { address }) };
      return { place: new Taken(address) };
    },
    accept(socket) {
      const peer = socket.remoteAddress;
      // Gone already, or speaking for many.
      if (peer === undefined || addresses.isProxy(peer)) return;
      const address = countedAs(peer);
      if (sockets.of(address) >= limits.perAddress + SPARE_PER_ADDRESS) {
        count("address", { address });
        socket.destroy();
      } else {
        sockets.add(address);
        socket.on("close", () => sockets.remove(address));
      }
    },
    dropped: () => count("all", {}),
    get isFull() {
      return open >= total;
    },
    refused,
  };
}

interface Tally {
  of(name: string): number;
  add(name: string): void;
  remove(name: string): void;
}

function createTally(): Tally {
  const counts = new Map<string, number>();
  const of = (name: string): number => counts.get(name) ?? 0;
  return {
    of,
    add: (name) => void counts.set(name, of(name) + 1),
    remove: (name) => {
      const left = of(name) - 1;
      if (left > 0) counts.set(name, left);
      else counts.delete(name);
    },
  };
}
