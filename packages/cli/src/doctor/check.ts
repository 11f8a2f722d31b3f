/** What a check of `streamer doctor` is, and what it may find. */
import type { ServerMessage } from "@streamer/protocol";
import type { AccessOptions } from "../access.ts";
import type { Profile } from "../profile.ts";
import type { Shell } from "../shell.ts";

/** What one check learns for those after it. */
export interface Facts {
  readonly profile?: Profile;
  readonly url?: URL;
  readonly reachable?: true;
  /** By TLS, or meant to be without. */
  readonly secured?: true;
  readonly token?: string;
  readonly upgraded?: true;
  readonly welcome?: ServerMessage<"welcome">;
  /** When the welcome came, by this machine's clock, and how long it took. */
  readonly greeted?: { readonly atMs: number; readonly tookMs: number };
}

export type Status = "ok" | "warning" | "failed" | "skipped";

export interface Finding {
  readonly status: Status;
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string;
  /** Of the command, when this is the first failure. Default 1. */
  readonly exitCode?: number;
  readonly facts?: Facts;
}

export interface Context {
  readonly options: AccessOptions;
  readonly env: Shell["env"];
  readonly facts: Facts;
}

export interface Check {
  readonly name: string;
  /** Without these facts there is nothing to check. */
  readonly needs: readonly (keyof Facts)[];
  look(context: Context): Finding | Promise<Finding>;
}

export const ok = (message: string, facts?: Facts): Finding => ({ status: "ok", message, ...(facts && { facts }) });
export const warning = (message: string, hint: string, facts?: Facts): Finding => ({
  status: "warning",
  message,
  hint,
  ...(facts && { facts }),
});
export const failed = (exitCode: number, message: string, hint?: string): Finding => ({
  status: "failed",
  message,
  exitCode,
  ...(hint !== undefined && { hint }),
});
export const skipped = (message: string): Finding => ({ status: "skipped", message });
