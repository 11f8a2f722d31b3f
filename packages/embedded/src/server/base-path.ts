/** Where a server's addresses begin. */
import type { Server as HttpServer } from "node:http";
import { StreamerError } from "@streamer/core";
import { localAuthority } from "./own-address.ts";

/** Throws a TypeError when it is no path as URLs write it. `/` and `/x/` are written without the slash at the end, `/` as nothing. */
export function basePath(path: string, option: string): string {
  const isPath = path.startsWith("/") && URL.parse(path, "http://localhost")?.pathname === path && !path.startsWith("//");
  if (!isPath) throw new TypeError(`Option "${option}" must be a path such as /streamer; it is ${JSON.stringify(path)}.`);
  return path.replace(/\/$/, "");
}

/** `http://host:port`, as programs on this machine reach it. Throws where it does not, or on no port. */
export function urlOf(http: HttpServer): string {
  const address = http.address();
  if (address === null || typeof address === "string")
    throw new StreamerError(
      "SERVICE_UNAVAILABLE",
      address === null
        ? "The HTTP server does not listen yet, so nobody knows its address. Let it listen first, or set publicUrl."
        : `The HTTP server listens on ${address}, which is no URL. Set publicUrl to where clients reach it.`,
    );
  // A TLS server has contexts of its own.
  const scheme = "setSecureContext" in http ? "https" : "http";
  return `${scheme}://${localAuthority(address)}`;
}

export const socketUrl = (httpUrl: string, path: string): string => httpUrl.replace("http", "ws") + path;

/** What stands for itself: no dots, escapes or other signs that an address is read by, and one slash at its beginning. */
const PLAIN_PATH = /^\/(?:[\w~-][\w~/-]*)?(?=$|\?)/;

/** The path of a request as routes read it; undefined for what is no address. Most are plain: to read one takes longer than all else. */
export function pathnameOf(url = ""): string | undefined {
  const [plain] = PLAIN_PATH.exec(url) ?? [];
  return plain ?? URL.parse(url, "http://localhost")?.pathname;
}
