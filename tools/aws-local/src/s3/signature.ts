/**
 * Checks the signature of a request or a link (AWS Signature Version 4), because the store behind does so correctly for
 * objects only. A link is good for as long as it says; a request for a quarter of an hour.
 */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { ServiceError } from "../http.ts";

interface Claim {
  readonly credential: string;
  readonly signedHeaders: string;
  readonly signature: string;
  readonly date: string;
  readonly payloadHash: string;
  readonly lifeSeconds: number;
}

const REQUEST_LIFE_SECONDS = 900;

export function checkSignature(request: IncomingMessage, secretOf: (accessKeyId: string) => string | undefined): void {
  const [path = "/", query = ""] = (request.url ?? "/").split("?");
  const pairs = query === "" ? [] : query.split("&").map((pair) => (pair.includes("=") ? pair : `${pair}=`));
  const claim = claimOf(request, new URLSearchParams(query));
  if (!claim) throw new ServiceError("AccessDenied", 403, "Access Denied");
  const [accessKeyId = "", ...scope] = claim.credential.split("/");
  const secret = secretOf(accessKeyId);
  if (secret === undefined)
    throw new ServiceError("InvalidAccessKeyId", 403, "The AWS Access Key Id you provided does not exist in our records.");
  const ageSeconds = (Date.now() - Date.parse(claim.date.replace(/^(\d{4})(\d\d)(\d\dT\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3:$4:$5Z"))) / 1_000;
  if (!(ageSeconds <= claim.lifeSeconds)) throw new ServiceError("AccessDenied", 403, "Request has expired");

  const headers = claim.signedHeaders.split(";").map((name) => `${name}:${headerOf(request, name)}\n`);
  const canonical = [
    request.method,
    path,
    pairs
      .filter((pair) => !pair.startsWith("X-Amz-Signature="))
      .toSorted(byCodePoint)
      .join("&"),
    headers.join(""),
    claim.signedHeaders,
    claim.payloadHash,
  ].join("\n");
  const toSign = ["AWS4-HMAC-SHA256", claim.date, scope.join("/"), createHash("sha256").update(canonical).digest("hex")].join("\n");
  const key = scope.reduce<string | Buffer>((soFar, part) => createHmac("sha256", soFar).update(part).digest(), `AWS4${secret}`);
  const wanted = Buffer.from(createHmac("sha256", key).update(toSign).digest("hex"));
  const given = Buffer.from(claim.signature);
  if (wanted.length !== given.length || !timingSafeEqual(wanted, given)) {
    throw new ServiceError("SignatureDoesNotMatch", 403, "The request signature we calculated does not match the signature you provided.");
  }
}

function claimOf({ headers }: IncomingMessage, query: URLSearchParams): Claim | undefined {
  const part = (name: string): string => new RegExp(`${name}=([^,\\s]+)`).exec(headers.authorization ?? "")?.[1] ?? "";
  if (headers.authorization !== undefined) {
    return {
      credential: part("Credential"),
      signedHeaders: part("SignedHeaders"),
      signature: part("Signature"),
      date: String(headers["x-amz-date"] ?? ""),
      payloadHash: String(headers["x-amz-content-sha256"] ?? ""),
      lifeSeconds: REQUEST_LIFE_SECONDS,
    };
  }
  if (!query.has("X-Amz-Signature")) return undefined;
  const value = (name: string): string => query.get(`X-Amz-${name}`) ?? "";
  return {
    credential: value("Credential"),
    signedHeaders: value("SignedHeaders"),
    signature: value("Signature"),
    date: value("Date"),
    payloadHash: query.get("X-Amz-Content-Sha256") ?? "UNSIGNED-PAYLOAD",
    lifeSeconds: Number(value("Expires")),
  };
}

const headerOf = ({ headers }: IncomingMessage, name: string): string =>
  String(headers[name] ?? "")
    .trim()
    .replaceAll(/ +/g, " ");
const byCodePoint = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);
