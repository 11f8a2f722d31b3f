/** Tokens as providers make them, read by the settings that docs/guides/identity.md gives for each. */
import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SignJWT, type JWTPayload } from "jose";
import { describe, expect, it } from "vitest";
import type { Log } from "@streamer/core";
import { createVerifier, signToken, trust, trustPublic, type TokenRules } from "./index.ts";
import { createClaimReader } from "./claims.ts";
import { parseClaimPath, readClaim, writeClaim } from "./claim-path.ts";

const guide = readFileSync(join(import.meta.dirname, "../../../docs/guides/identity.md"), "utf8");
const settings = new Map(
  Array.from(guide.matchAll(/<!-- (\w+) -->\n```json\n([^`]*)```/g), ([, name, json]) => [name!, JSON.parse(json!) as TokenRules]),
);

const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
const nothing = (): void => {};
const log: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
const now = Math.floor(Date.now() / 1_000);
const clock = { now: () => now * 1_000, monotonic: () => 0, after: () => nothing };

async function read(rules: TokenRules, claims: JWTPayload, typ?: string): Promise<unknown> {
  const token = await new SignJWT({ iat: now, exp: now + 3_600, ...claims })
    .setProtectedHeader({ alg: "RS256", kid: "k1", ...(typ !== undefined && { typ }) })
    .sign(privateKey);
  const keys = trustPublic(publicKey);
  const answer = await createVerifier(keys, rules, { clock, log })(token);
  return answer.ok ? { ...answer.identity.owner, permissions: answer.identity.permissions } : answer.error.message;
}

const TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad";

const TOKENS: Readonly<
  Record<
    string,
    { readonly typ?: string; readonly claims: JWTPayload; readonly says: unknown; readonly tenant?: string; readonly audience: string }
  >
> = {
  auth0: {
    typ: "at+jwt",
    claims: {
      "https://example.com/roles": ["editor", "admin"],
      iss: "https://acme.eu.auth0.com/",
      sub: "auth0|65f1c0ffee",
      aud: ["https://streamer.example.com", "https://acme.eu.auth0.com/userinfo"],
      azp: "client",
      scope: "openid profile",
      org_id: "org_9ybsU1dN2dKfDkBi",
      permissions: ["reports:read", "admin"],
    },
    says: { userId: "auth0|65f1c0ffee", tenantId: "org_9ybsU1dN2dKfDkBi", permissions: ["reports:read", "admin", "editor"] },
    tenant: "org_id",
    audience: "aud",
  },
  keycloak: {
    typ: "JWT",
    claims: {
      jti: "onrtac:5b9c",
      iss: "https://id.example.com/realms/acme",
      aud: ["streamer", "account"],
      sub: "f4b1c1f0-0000-4000-8000-000000000001",
      typ: "Bearer",
      azp: "web",
      sid: "s",
      acr: "1",
      "allowed-origins": ["https://app.example.com"],
      realm_access: { roles: ["offline_access", "reports"] },
      resource_access: { "reports.example.com": { roles: ["approve"] }, account: { roles: ["manage-account"] } },
      scope: "openid email profile",
      preferred_username: "ann",
      tenant: "acme",
    },
    says: { userId: "f4b1c1f0-0000-4000-8000-000000000001", tenantId: "acme", permissions: ["offline_access", "reports", "approve"] },
    tenant: "tenant",
    audience: "aud",
  },
  entra: {
    typ: "JWT",
    claims: {
      aud: "11111111-2222-3333-4444-555555555555",
      iss: `https://login.microsoftonline.com/${TENANT}/v2.0`,
      nbf: now - 60,
      azp: "a",
      azpacr: "1",
      oid: "00000000-0000-0000-66f3-3332eca7ea81",
      sub: "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
      tid: TENANT,
      roles: ["Reports.Read"],
      scp: "access_as_user Reports.Write",
      uti: "u",
      ver: "2.0",
    },
    says: {
      userId: "00000000-0000-0000-66f3-3332eca7ea81",
      tenantId: TENANT,
      permissions: ["Reports.Read", "access_as_user", "Reports.Write"],
    },
    tenant: "tid",
    audience: "aud",
  },
  cognito: {
    claims: {
      sub: "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
      "cognito:groups": ["reports", "eu-central-1_EXAMPLE_Google"],
      iss: "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_EXAMPLE",
      version: 2,
      client_id: "1example23456789",
      token_use: "access",
      scope: "aws.cognito.signin.user.admin",
      auth_time: now - 60,
      username: "ann",
      tenant: "acme",
    },
    says: { userId: "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", tenantId: "acme", permissions: ["reports", "eu-central-1_EXAMPLE_Google"] },
    tenant: "tenant",
    audience: "client_id",
  },
  okta: {
    claims: {
      ver: 1,
      jti: "AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE",
      iss: "https://acme.okta.com/oauth2/default",
      aud: "api://default",
      cid: "0oab8eb55Kb9jdMIr5d6",
      uid: "00ub0oNGTSWTBKOLGLNR",
      scp: ["openid", "reports"],
      sub: "ann@example.com",
      groups: ["Everyone"],
    },
    says: { userId: "00ub0oNGTSWTBKOLGLNR", tenantId: "default", permissions: ["openid", "reports", "Everyone"] },
    audience: "aud",
  },
};

it("the guide has settings for each provider that is tried here, and no others", () => {
  expect(Array.from(settings.keys()).toSorted()).toEqual(Object.keys(TOKENS).toSorted());
});

describe.each(Object.entries(TOKENS))("a token of %s", (name, { claims, typ, says, tenant, audience }) => {
  const rules = settings.get(name)!;
  const without = (claim: string): JWTPayload => Object.fromEntries(Object.entries(claims).filter(([one]) => one !== claim));

  it("says who, of which tenant, and what they may do", async () => {
    expect(await read(rules, claims, typ)).toEqual(says);
  });

  it("of another issuer, or for another audience, is refused by what it has", async () => {
    expect(await read(rules, { ...claims, iss: "https://evil.example.com/" }, typ)).toMatch(
      /its "iss" is "https:\/\/evil\.example\.com\/"/,
    );
    expect(await read(rules, without("iss"), typ)).toMatch(/its "iss" is absent/);
    expect(await read(rules, { ...claims, [audience]: "other" }, typ)).toMatch(`its "${audience}" is "other"`);
    expect(await read(rules, without(audience), typ)).toMatch(`its "${audience}" is absent`);
  });

  // Not `runIf`: where no tenant is asked for there is no such test.
  for (const claim of tenant === undefined ? [] : [tenant])
    it("without the tenant's claim is refused by its name, and never of the tenant `default`", async () => {
      // Entra's issuer names the tenant: without one there is no issuer either.
      const { issuer: _, ...unbound } = rules;
      for (const value of [undefined, null, "", 7, ["acme"], {}])
        expect({ value, told: await read(unbound, { ...claims, [claim]: value }, typ) }).toMatchObject({
          told: expect.stringContaining(`"${claim}"`) as string,
        });
    });
});

it("Entra's issuer must be the one of the token's own tenant", async () => {
  const { claims } = TOKENS["entra"]!;
  expect(await read(settings.get("entra")!, { ...claims, tid: "another" })).toMatch(/its "iss" is/);
});

it("an ID token of Cognito is refused for what it is", async () => {
  const { claims } = TOKENS["cognito"]!;
  const { client_id: aud, ...rest } = claims;
  expect(await read(settings.get("cognito")!, { ...rest, aud: aud as string, token_use: "id" })).toMatch(/no access token/);
});

describe("permissions", () => {
  const of = (permissions: unknown, mapped: string | readonly string[] = "may"): Promise<unknown> =>
    read({ claims: { permissions: mapped } }, { sub: "ann", may: permissions });
  const says = (...permissions: readonly string[]) => ({ userId: "ann", tenantId: "default", permissions });

  it("are a list, or a text with spaces; absent they are none", async () => {
    expect(await of(["a b", "c"])).toEqual(says("a b", "c"));
    expect(await of(" a  b ")).toEqual(says("a", "b"));
    expect(await of("")).toEqual(says());
    expect(await of(undefined)).toEqual(says());
    expect(await of(null)).toEqual(says());
  });

  it("of another kind, or too many, are refused", async () => {
    for (const wrong of [
      7,
      true,
      { a: 1 },
      [1],
      [["a"]],
      [""],
      ["\uD800"],
      Array.from({ length: 257 }, (_, n) => `p${n}`),
      "x ".repeat(257),
    ])
      expect(await of(wrong)).toMatch(/The token's "may" /);
    expect(await read({ claims: { permissions: ["a", "b"] } }, { sub: "ann", a: many("a", 200), b: many("b", 57) })).toMatch(
      /more than 256/,
    );
  });
});

const many = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, n) => `${prefix}${n}`);

describe("a path", () => {
  it.each<[string, readonly string[]]>([
    ["sub", ["sub"]],
    ["realm_access.roles", ["realm_access", "roles"]],
    ["https://example.com/roles", ["https://example.com/roles"]],
    ["http://example.com/a.b[c]", ["http://example.com/a.b[c]"]],
    ["[https://example.com/app].roles", ["https://example.com/app", "roles"]],
    ["resource_access.[my.app].roles", ["resource_access", "my.app", "roles"]],
    ["[a]b].c", ["a]b", "c"]],
    ["cognito:groups", ["cognito:groups"]],
    ["urn:zitadel:iam:org:project:roles", ["urn:zitadel:iam:org:project:roles"]],
    ["a/b", ["a/b"]],
  ])("%s", (text, names) => expect(parseClaimPath(text).names).toEqual(names));

  it.each(["", ".", "a.", ".a", "a..b", "[]", "[a", "[a]b", "a.[b"])('"%s" is refused', (text) =>
    expect(() => parseClaimPath(text)).toThrow(TypeError),
  );

  it("finds what is the token's own, and nothing else", () => {
    const claims = JSON.parse('{"a":{"b":["c"]},"__proto__":{"x":"y"},"n":null}') as Record<string, unknown>;
    const at = (text: string): unknown => readClaim(claims, parseClaimPath(text));
    expect(at("a.b")).toEqual(["c"]);
    expect(at("__proto__.x")).toBe("y");
    for (const text of ["a.b.0", "a.b.length", "constructor", "a.toString", "n", "n.x", "x"]) expect(at(text)).toBeUndefined();
    const written = {};
    writeClaim(written, parseClaimPath("a.[b.c]"), 1);
    expect(written).toEqual({ a: { "b.c": 1 } });
  });
});

it("a mapping that nothing could satisfy is refused where it is given", () => {
  expect(() => createClaimReader({ claims: { permissions: [] } })).toThrow("names no claim");
  expect(() => createClaimReader({ claims: { audience: "client_id" } })).toThrow(`is of use with "audience" alone`);
  expect(() => createClaimReader({ issuer: [] })).toThrow(`Option "issuer"`);
  expect(() => createClaimReader({ issuer: "" })).toThrow(`Option "issuer"`);
  expect(() => createClaimReader({ issuer: "https://x/{}" })).toThrow("names no claim");
  expect(() => createClaimReader({ issuer: "https://x/{tid" })).toThrow("names no claim");
});

it("a token signed for development says what the mapping reads", async () => {
  const secret = new TextEncoder().encode("0123456789abcdef0123456789abcdef");
  for (const rules of settings.values()) {
    const { issuer, audience, claims } = rules as { issuer: string; audience: string; claims: NonNullable<TokenRules["claims"]> };
    const token = signToken(secret, { userId: "ann", tenantId: "acme", permissions: ["p"], issuer, audience, claims }, now * 1_000);
    const answer = await createVerifier(trust({ secret }, { clock, log }), rules, { clock, log })(token);
    expect(answer).toMatchObject({ ok: true, identity: { owner: { userId: "ann", tenantId: "acme" }, permissions: ["p"] } });
  }
});
