/**
 * P10 as a table, over HTTP: every route that the server is made of (server/routes.ts), asked by everybody, with every link.
 * Of a route without a row this does not compile. What another has stored is read by whoever has a link that was signed for
 * it, and by nobody else, whatever they send with it.
 */
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineHandler } from "@streamer/core";
import { SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startServer, type Server } from "../src/index.ts";
import type { RouteName } from "../src/server/routes.ts";
import { silent } from "./harness.ts";

const SECRET_TEXT = "SECRET-7f31";
const KEY = "0123456789abcdef0123456789abcdef";
const HOUR_MS = 3_600_000;
const anything = { "~standard": { version: 1, vendor: "test", validate: (value: unknown) => ({ value }) } } as const;

let dataFolder: string;
let server: Server;

const tokenOf = (claims: object, exp = Math.floor(Date.now() / 1_000) + 60, key = KEY): Promise<string> =>
  new SignJWT({ ...claims, exp }).setProtectedHeader({ alg: "HS256" }).sign(new TextEncoder().encode(key));
const ALICE = { sub: "alice", tenant_id: "acme" };

/** What each sends to say who they are. */
const ASKERS = {
  "the owner": () => tokenOf(ALICE),
  "a colleague": () => tokenOf({ sub: "bob", tenant_id: "acme" }),
  "the namesake of another tenant": () => tokenOf({ sub: "alice", tenant_id: "evil" }),
  nobody: async () => undefined,
  "who has changed a token": async () =>
    (await tokenOf({ sub: "bob", tenant_id: "acme" })).replace(/^([^.]*)\.[^.]*/, `$1.${btoa(JSON.stringify(ALICE)).replaceAll("=", "")}`),
  "who has signed a token": () => tokenOf(ALICE, undefined, KEY.replace("0", "1")),
  "whose token has expired": () => tokenOf(ALICE, 1),
} satisfies Readonly<Record<string, () => Promise<string | undefined>>>;
type AskerName = keyof typeof ASKERS;
const ASKER_NAMES = Object.keys(ASKERS) as AskerName[];
const EVERYBODY = (status: number): Readonly<Record<AskerName, number>> =>
  Object.fromEntries(ASKER_NAMES.map((asker) => [asker, status])) as Record<AskerName, number>;

interface Row {
  /** Path and query, sent as they are. */
  readonly asks: string | (() => Promise<string>);
  readonly told: Readonly<Record<AskerName, number>>;
  /** What is stored is told. */
  readonly reveals?: true;
}

const ALICES = "acme/alice/r1/secret.txt";
const BOBS = "acme/bob/r1/secret.txt";
/** In links, and on disk. */
const nameOf = (key: string): string => createHash("sha256").update(key).digest("hex");
const pathOf = (link: string): string => new URL(link).pathname + new URL(link).search;
const linkOf = async (key = ALICES): Promise<string> => pathOf((await server.engine.blobs.sign(key, HOUR_MS)).url);
const expiresIn = (ms: number): string => pathOf(server.engine.links.sign(nameOf(ALICES), Date.now() + ms));
/** Bob's link, with something else in the place of its file. */
const bobsFor = async (name: string): Promise<string> => (await linkOf(BOBS)).replace(nameOf(BOBS), name);

const ROUTES: Readonly<Record<RouteName, Readonly<Record<string, Row>>>> = {
  health: { "as it is": { asks: "/healthz", told: EVERYBODY(200) }, "with more": { asks: "/healthz/x", told: EVERYBODY(404) } },
  readiness: { "as it is": { asks: "/readyz", told: EVERYBODY(200) }, "with more": { asks: "/readyz/x", told: EVERYBODY(404) } },
  description: {
    "as it is": {
      asks: "/asyncapi.json",
      told: { ...EVERYBODY(401), "the owner": 200, "a colleague": 200, "the namesake of another tenant": 200 },
    },
    "with more": { asks: "/asyncapi.json/x", told: EVERYBODY(404) },
  },
  files: {
    "by its link": { asks: () => linkOf(), told: EVERYBODY(200), reveals: true },
    "by its name alone": { asks: `/files/${nameOf(ALICES)}`, told: EVERYBODY(403) },
    "by its key": { asks: `/files/${ALICES}`, told: EVERYBODY(403) },
    "by a link to another's": { asks: () => bobsFor(nameOf(ALICES)), told: EVERYBODY(403) },
    "by a way round": { asks: () => bobsFor(`${nameOf(BOBS)}/../${nameOf(ALICES)}`), told: EVERYBODY(403) },
    "by a link whose signature was changed": { asks: async () => (await linkOf()).replace(/.{2}$/, "__"), told: EVERYBODY(403) },
    "by a link whose signature was cut off": { asks: async () => (await linkOf()).slice(0, -1), told: EVERYBODY(403) },
    "by a link that was to live longer": { asks: async () => (await linkOf()).replace(/expires=\d/, "expires=9"), told: EVERYBODY(403) },
    "by a link that has expired": { asks: async () => expiresIn(-1), told: EVERYBODY(410) },
    "by its name in other words": {
      asks: async () => (await linkOf()).replace(/\/files\/./, (start) => `/files/%${start.charCodeAt(7).toString(16)}`),
      told: EVERYBODY(403),
    },
    "that is not there": { asks: async () => linkOf("acme/alice/r1/other.txt"), told: EVERYBODY(404) },
    "out of its folder": { asks: "/files/../link-secret", told: EVERYBODY(404) },
    "in no encoding": { asks: "/files/%E0%A4%A", told: EVERYBODY(400) },
  },
};

beforeAll(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), "streamer-routes-"));
  const work = defineHandler({ action: "work", input: anything, run: () => 1 });
  server = await startServer({ handlers: [work], dataFolder, log: silent, auth: { secret: KEY } });
  for (const name of [ALICES, BOBS]) await server.engine.blobs.put(name, `${SECRET_TEXT} of ${name}`);
});
afterAll(async () => {
  await server.stop();
  await rm(dataFolder, { recursive: true });
});

/** As it is written: fetch would tidy the path up. */
function ask(path: string, token: string | undefined, method = "GET"): Promise<{ readonly status: number; readonly body: string }> {
  const { hostname, port } = new URL(server.httpUrl);
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return new Promise((resolve, reject) => {
    const asked = get({ hostname, port, path, method, headers, agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => (body += text));
      response.on("end", () => resolve({ status: response.statusCode!, body }));
    });
    asked.on("error", reject);
  });
}

describe.each(Object.entries(ROUTES))("P10 the route %s", (_, rows) => {
  it.each(Object.entries(rows))(
    "%s: is answered to whom it is for, and tells nobody else a word",
    async (_how, { asks, told, reveals }) => {
      const path = typeof asks === "string" ? asks : await asks();
      const heard: Record<string, number> = {};
      for (const asker of ASKER_NAMES) {
        const token = await ASKERS[asker]();
        const { status, body } = await ask(path, token);
        heard[asker] = status;
        expect([asker, body.includes(SECRET_TEXT)]).toEqual([asker, status === 200 && reveals === true]);
        expect([asker, await ask(path, token, "HEAD")]).toEqual([asker, { status, body: "" }]);
        expect([asker, (await ask(path, token, "POST")).status]).toEqual([asker, 405]);
      }
      expect(heard).toEqual(told);
    },
  );
});

it("P10 what is no route is no way to anything, whoever asks", async () => {
  for (const asker of ASKER_NAMES) {
    for (const path of ["/", "/files", "/metrics", `/blobs/${ALICES}`, `//files/${ALICES}`, "/streamer.db", "*"])
      expect([asker, path, (await ask(path, await ASKERS[asker]())).status]).toEqual([asker, path, 404]);
  }
});
