/** The right to an action: what its handler asks for, and a connection's token carries. Pure. */
import type { WireIssue } from "@streamer/protocol";
import { StreamerError } from "../errors.ts";
import type { AnyHandler } from "../handler.ts";
import type { Connection } from "../ports/connections.ts";

type Guarded = Pick<AnyHandler, "action" | "permissions">;
type Bearer = Pick<Connection, "permissions">;

const missingOf = ({ permissions = [] }: Guarded, bearer: Bearer): readonly string[] =>
  permissions.filter((permission) => !bearer.permissions.includes(permission));

export const mayUse = (handler: Guarded, bearer: Bearer): boolean => missingOf(handler, bearer).length === 0;

/** Throws FORBIDDEN, which names each permission that is missing. */
export function checkPermission(handler: Guarded, bearer: Bearer): void {
  const missing = missingOf(handler, bearer);
  if (missing.length === 0) return;
  const issues: WireIssue[] = missing.map((permission) => ({ path: ["permissions"], message: permission }));
  throw new StreamerError(
    "FORBIDDEN",
    `Action "${handler.action}" needs permission ${missing.join(", ")}; ask for a token that carries it.`,
    {
      details: { issues: issues.map(({ path, message }) => ({ path, message })) },
    },
  );
}
