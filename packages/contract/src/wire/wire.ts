/**
 * Conformance to docs/protocol.md over a real WebSocket, against any server that serves `wireHandlers` and accepts the
 * tokens it is asked for. Test names give the section beside the promise.
 */
import { randomUUID } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import { BEARER_SUBPROTOCOL_PREFIX, SUBPROTOCOL, type ServerMessage } from "@streamer/protocol";
import { openSocket, type Opening, type WireClient } from "./client.ts";
import { badInputContract } from "./input.ts";
import { wireLifeContract } from "./life.ts";
import { wireOptionsContract } from "./options.ts";
import { plainClientContract } from "./plain.ts";
import { DIRECT, type Transport, type WireStage } from "./stage.ts";

export interface WireTarget {
  /** `ws://…` */
  readonly url: string;
  /** A token the server accepts. */
  token(user: string, tenant?: string): Promise<string>;
}

/** `target` is asked for at the start of each test: the server may only be started by then. */
export function wireContract(target: () => WireTarget, transport: Transport = DIRECT): void {
  const open: WireClient[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map((client) => client.close()));
  });
  /** A server that cannot speak first greets at the first frame (§2.3). */
  const greeted = async (client: WireClient): Promise<ServerMessage> => {
    client.send({ type: "ping", ref: "hello" });
    const welcome = await client.message("welcome", ({ type }) => type === "welcome");
    await client.answer("hello");
    return welcome;
  };
  const keep = async (client: Promise<WireClient>): Promise<WireClient> => {
    open.push(await client);
    return client;
  };
  const stage: WireStage = {
    transport,
    id: () => `wire-${randomUUID()}`,
    connect: async (user = "alice", tenant = "acme") => {
      const token = await target().token(user, tenant);
      const client = await keep(openSocket(target().url, { protocols: [SUBPROTOCOL, `${BEARER_SUBPROTOCOL_PREFIX}${token}`] }));
      await greeted(client);
      return client;
    },
  };

  const expectClosed = async (client: WireClient, code: number): Promise<void> => {
    const closed = await client.closed;
    if (transport.hasCloseCodes) expect(closed).toMatchObject({ code });
  };

  describe("connecting", () => {
    it("§2.1 §2.3 §5.1 the subprotocol is selected when it is offered, and welcome comes first", async () => {
      const client = await stage.connect();
      expect(client.protocol).toBe(SUBPROTOCOL);
      expect(client.received[0]).toMatchObject({
        type: "welcome",
        protocol: SUBPROTOCOL,
        limits: { message_bytes: transport.messageBytes, depth: 32 },
      });
    });

    const ways: Readonly<Record<string, (token: string, url: URL) => Opening>> = {
      "the Authorization header": (token) => ({ headers: { authorization: `Bearer ${token}` }, protocols: [] }),
      "a subprotocol entry": (token) => ({ protocols: [SUBPROTOCOL, `${BEARER_SUBPROTOCOL_PREFIX}${token}`] }),
      "the query, as token": (token, url) => {
        url.searchParams.set("token", token);
        return {};
      },
      "the query, as Authorization": (token, url) => {
        url.searchParams.set("Authorization", `Bearer ${token}`);
        return { protocols: [] };
      },
    };
    it.each(Object.entries(ways))("§2.2 a token is accepted in %s", async (_, give) => {
      const url = new URL(target().url);
      const opening = give(await target().token("alice"), url);
      const client = await keep(openSocket(url.href, opening));
      expect(await greeted(client)).toMatchObject({ type: "welcome" });
    });

    const bad: Readonly<Record<string, (token: string) => string>> = {
      missing: () => "",
      "not a token": () => "abc",
      "cut off": (token) => token.slice(0, -10),
      "of another payload": (token) => {
        const [header, , signature] = token.split(".");
        const payload = btoa(JSON.stringify({ sub: "root", tenant_id: "acme", exp: 9_999_999_999 })).replaceAll("=", "");
        return `${header}.${payload}.${signature}`;
      },
      "of no algorithm": (token) => `${btoa(JSON.stringify({ alg: "none" })).replaceAll("=", "")}.${token.split(".")[1]}.`,
    };
    it.each(Object.entries(bad))("§2.2 P12 a token that is %s is answered with UNAUTHORIZED and closed with 1008", async (_, spoil) => {
      const token = spoil(await target().token("alice"));
      const client = await openSocket(target().url, token === "" ? {} : { headers: { authorization: `Bearer ${token}` } });
      client.send({ type: "ping" });
      await expectClosed(client, 1008);
      expect(client.received).toMatchObject([{ type: "error", error: { code: "UNAUTHORIZED" } }]);
    });

    it("§2.3 what is sent before welcome has come is answered too", async () => {
      const token = await target().token("alice");
      const client = await keep(openSocket(target().url, { headers: { authorization: `Bearer ${token}` } }));
      client.send({ type: "ping", ref: "early" });
      expect(await client.answer("early")).toMatchObject({ type: "pong" });
      expect(client.received[0]).toMatchObject({ type: "welcome" });
    });
  });

  plainClientContract(async () => ({ url: target().url, token: await target().token("alice") }));
  badInputContract(stage);
  wireLifeContract(stage);
  wireOptionsContract(stage);
}
