/**
 * Connections of the simulated world. Frames of one connection arrive in order, each way, late by chance; those of
 * different connections in any order. A link may be cut (what is under way is lost, and each end learns of it at its own
 * time) or stall (the client reads nothing for a while).
 */
import type { Owner } from "@streamer/core";
import { someMs, type Chance } from "./chance.ts";
import type { Deployment, ServerSocket } from "./engine.ts";
import type { SimulatedWorld } from "./world.ts";

export interface Identity {
  readonly owner: Owner;
  readonly permissions: readonly string[];
  readonly device: string;
}

interface ClientEvents {
  onOpen(): void;
  onText(text: string): void;
  /** 1006: lost without a close frame. */
  onClose(code: number, reason: string): void;
}

/** The client's end. */
export interface ClientLink {
  readonly connectionId: string;
  send(text: string): void;
  close(): void;
}

export interface Network {
  dial(identity: Identity, events: ClientEvents): ClientLink;
  /** Cuts one link by chance. */
  cutOne(chance: Chance): void;
  stallOne(chance: Chance, ms: number): void;
  readonly openCount: number;
}

type ToClient = { readonly text: string } | { readonly code: number; readonly reason: string };

/** `onSent`: the server has put a frame on the wire. */
export function createNetwork(
  world: SimulatedWorld,
  deployment: () => Deployment,
  onSent: (link: Identity & { connectionId: string }, text: string) => void,
): Network {
  const { schedule, plan } = world;
  const chance = world.chance("network");
  const setup = world.chance("network setup");
  const slowestMs = plan.features.has("slow-network") ? someMs(setup, 50, 3_000) : 5;
  const links = new Map<string, Link>();
  let count = 0;

  class Link implements ClientLink {
    readonly connectionId = `c${(count += 1)}`;
    readonly owner: Owner;
    readonly permissions: readonly string[];
    readonly identity: Identity;
    bufferedBytes = 0;
    stalledUntil = 0;
    #client: "dialling" | "open" | "closed" = "dialling";
    #server: "dialling" | "open" | "closed" = "dialling";
    #toServer: string[] = [];
    #toClient: ToClient[] = [];
    #wasFull = false;
    readonly #events: ClientEvents;

    constructor(identity: Identity, events: ClientEvents) {
      this.identity = identity;
      this.owner = identity.owner;
      this.permissions = identity.permissions;
      this.#events = events;
      this.#later(() => this.#reachServer());
    }

    readonly send = (text: string): void => {
      if (this.#client === "closed") return;
      this.#toServer.push(text);
      if (this.#server === "open") this.#later(() => this.#arriveAtServer());
    };

    /** By the server. */
    readonly push = (text: string): void => {
      if (this.#server !== "open") return;
      onSent({ ...this.identity, connectionId: this.connectionId }, text);
      this.bufferedBytes += text.length;
      this.#wasFull ||= this.bufferedBytes >= plan.channel.softBufferBytes;
      this.#toClient.push({ text });
      this.#later(() => this.#arriveAtClient());
    };

    /** By the server. */
    readonly shut = (code: number, reason: string): void => {
      if (this.#server === "closed") return;
      this.#server = "closed";
      this.#toClient.push({ code, reason });
      this.#later(() => this.#arriveAtClient());
    };

    /** By the client. */
    close(): void {
      if (this.#client === "closed") return;
      this.#client = "closed";
      links.delete(this.connectionId);
      this.#later(() => this.#leaveServer());
    }

    cut(): void {
      this.#toClient = [];
      this.#toServer = [];
      const wasServed = this.#server === "open";
      this.#server = "closed";
      if (wasServed) schedule.after(chance() * 5_000, () => deployment().disconnect(this.connectionId));
      schedule.after(chance.happens(0.5) ? 1 : chance() * 3_000, () => this.#end(1006, ""));
    }

    #later(action: () => void): void {
      schedule.after(chance.happens(0.5) ? 0.1 : chance() * slowestMs, action);
    }

    #reachServer(): void {
      if (this.#client === "closed") return;
      this.#server = "open";
      deployment().connect(serverEnd(this));
      this.#later(() => {
        if (this.#client !== "dialling") return;
        this.#client = "open";
        this.#events.onOpen();
      });
      for (const _ of this.#toServer) this.#later(() => this.#arriveAtServer());
    }

    #arriveAtServer(): void {
      const text = this.#toServer.shift();
      if (text !== undefined && this.#server === "open") deployment().receive(this.connectionId, text);
    }

    #arriveAtClient(): void {
      if (schedule.now < this.stalledUntil) {
        schedule.after(this.stalledUntil - schedule.now, () => this.#arriveAtClient());
        return;
      }
      // It is open before anything is heard on it.
      if (this.#client === "dialling") {
        this.#client = "open";
        this.#events.onOpen();
      }
      const next = this.#toClient.shift();
      if (next === undefined || this.#client === "closed") return;
      if ("code" in next) return this.#end(next.code, next.reason);
      this.bufferedBytes -= next.text.length;
      if (this.#wasFull && this.bufferedBytes < plan.channel.softBufferBytes) {
        this.#wasFull = false;
        // It is told a moment later, as sockets tell it.
        schedule.after(1, () => deployment().drained(this.connectionId));
      }
      this.#events.onText(next.text);
    }

    #leaveServer(): void {
      this.#server = "closed";
      deployment().disconnect(this.connectionId);
    }

    #end(code: number, reason: string): void {
      links.delete(this.connectionId);
      this.#later(() => this.#leaveServer());
      if (this.#client === "closed") return;
      this.#client = "closed";
      this.#events.onClose(code, reason);
    }
  }

  const serverEnd = (link: Link): ServerSocket => ({
    connectionId: link.connectionId,
    owner: link.owner,
    permissions: link.permissions,
    get bufferedBytes() {
      return link.bufferedBytes;
    },
    send: link.push,
    cork: () => {},
    uncork: () => {},
    close: link.shut,
    cut: () => link.cut(),
  });

  const anyLink = (by: Chance): Link | undefined => (links.size === 0 ? undefined : by.oneOf(Array.from(links.values())));

  return {
    dial: (identity, events) => {
      const link = new Link(identity, events);
      links.set(link.connectionId, link);
      world.tell(identity.device, `dials ${link.connectionId}`);
      return link;
    },
    cutOne: (by) => {
      const link = anyLink(by);
      if (!link) return;
      world.tell("network", `cuts ${link.connectionId}`);
      link.cut();
    },
    stallOne: (by, ms) => {
      const link = anyLink(by);
      if (!link) return;
      world.tell("network", `${link.connectionId} stalls for ${ms} ms`);
      link.stalledUntil = schedule.now + ms;
    },
    get openCount() {
      return links.size;
    },
  };
}
