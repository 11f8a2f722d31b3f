/** Tokens that nobody trusted has signed, or that say what no token may: none opens a connection. */
import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { open } from "../connection.ts";
import type { Theme } from "../theme.ts";

type Claims = Readonly<Record<string, unknown>>;

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const decode = (part: string): Claims => JSON.parse(Buffer.from(part, "base64url").toString()) as Claims;
const stranger = generateKeyPairSync("ed25519");

/** From a good one. */
function forgeries(good: string): Readonly<Record<string, string>> {
  const [head = "", body = "", signature = ""] = good.split(".");
  const claims = decode(body);
  const signed = (header: Claims, payload: Claims): string => {
    const text = `${encode(header)}.${encode(payload)}`;
    return `${text}.${sign(null, Buffer.from(text), stranger.privateKey).toString("base64url")}`;
  };
  const keyed = (header: Claims, secret: string): string => {
    const text = `${encode(header)}.${body}`;
    return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
  };
  const jwk = stranger.publicKey.export({ format: "jwk" });
  return {
    "no signature": `${head}.${body}.`,
    "alg none": `${encode({ alg: "none", typ: "JWT" })}.${body}.`,
    "alg None": `${encode({ alg: "None" })}.${body}.${signature}`,
    "HS256 with no secret": keyed({ alg: "HS256", typ: "JWT" }, ""),
    "HS256 with the header's text": keyed({ alg: "HS256", typ: "JWT" }, head),
    "another's signature": signed({ alg: "EdDSA", typ: "JWT" }, claims),
    "a key of its own": signed({ alg: "EdDSA", jwk }, claims),
    "a key set of its own": signed({ alg: "EdDSA", jku: "http://127.0.0.1:9/keys" }, claims),
    "another tenant": `${head}.${encode({ ...claims, tenant_id: "other" })}.${signature}`,
    "more rights": `${head}.${encode({ ...claims, permissions: ["*"] })}.${signature}`,
    "a later end": `${head}.${encode({ ...claims, exp: 9_999_999_999 })}.${signature}`,
    "a flipped bit": `${head}.${body}.${signature.slice(0, -2)}${signature.at(-2) === "A" ? "B" : "A"}${signature.at(-1)}`,
    "five parts": `${good}.${body}.${signature}`,
    "a critical header": `${encode({ ...decode(head), crit: ["exp"] })}.${body}.${signature}`,
    "nothing at all": "x",
    "a long one": "a".repeat(7_000),
  };
}

export const forgedTokens: Theme = {
  name: "forged-tokens",
  does: "tokens that are forged in every way, one after another",
  unit: "tokens",
  counts: { ci: 600, release: 6_000 },
  smoke: 48,
  limitSeconds: { ci: 120, release: 600 },
  async attack({ target, count, signal }) {
    const all = Object.entries(forgeries(target.tokens.attacker));
    const broken: string[] = [];
    const codes = new Map<string, number>();
    for (let at = 0; at < count && !signal.aborted; at += 1) {
      const [what, token] = all[at % all.length]!;
      const connection = await open(target, { token });
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (connection.heard.has("welcome")) broken.push(`${what}: it was welcomed`);
      for (const [code, times] of connection.heard) codes.set(code, (codes.get(code) ?? 0) + times);
      connection.close();
    }
    return { counted: { tokens: count, heard: JSON.stringify(Object.fromEntries(codes)) }, broken };
  },
};
