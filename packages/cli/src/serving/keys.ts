/** Whose tokens a server accepts, from its settings. */
import { readFileSync } from "node:fs";
import { needsOwnKeys, type AuthOptions, type ClaimMapping, type TrustedKeys } from "@streamer/embedded";
import type { Settings } from "../configuration/options.ts";
import { usage } from "../exit.ts";
import { readSecret, type SecretOptions } from "../secret.ts";
import type { Shell } from "../shell.ts";

const PUBLIC_DEVELOPMENT_KEY = `Others can connect to this address, and the server would trust the development key in its data folder.
  Say whose tokens it accepts: --jwks URL, --public-key FILE, --secret-file FILE or STREAMER_SECRET.
  Or keep to this machine: --host 127.0.0.1, and no --public-url of another.
  To try it out where nobody else is: --i-know.`;

/** Undefined for the development key. `secret` is the flag that is none. */
export function readAuth(settings: Settings, secret: SecretOptions["secret"], { env }: Pick<Shell, "env">): AuthOptions | undefined {
  const keys = readKeys(settings, secret, env);
  const { audience, issuer, maxTokenLife: maxLifeMs, revoked } = settings;
  const claims = readClaims(settings);
  const rules = {
    ...(audience !== undefined && { audience }),
    ...(issuer !== undefined && { issuer }),
    ...(Object.keys(claims).length > 0 && { claims }),
    ...(maxLifeMs !== undefined && { maxLifeMs }),
    ...(revoked !== undefined && { revoked }),
  };
  if (keys) return { ...keys, ...rules };
  if (Object.keys(rules).length > 0)
    throw usage(
      "--audience, --issuer, those of claims, --max-token-life and --revoked are about tokens of your own: give --jwks, --public-key or a secret.",
    );
  if (!settings.iKnow && needsOwnKeys(settings)) throw usage(PUBLIC_DEVELOPMENT_KEY);
  return undefined;
}

/** Paths are checked where the server reads them. */
function readClaims({
  userClaim: user,
  tenantClaim: tenant,
  permissionClaims: permissions,
  audienceClaim: audience,
}: Settings): ClaimMapping {
  return {
    ...(user !== undefined && { user }),
    ...(tenant !== undefined && { tenant }),
    ...(permissions !== undefined && { permissions }),
    ...(audience !== undefined && { audience }),
  };
}

function readKeys({ publicKey, jwks, secretFile }: Settings, flag: string | undefined, env: Shell["env"]): TrustedKeys | undefined {
  const secret = readSecret({ ...(secretFile !== undefined && { secretFile }), ...(flag !== undefined && { secret: flag }) }, { env });
  if ([secret, publicKey, jwks].filter((given) => given !== undefined).length > 1) {
    throw usage("Give one of a secret, --public-key and --jwks (or its environment variable), not several.");
  }
  if (secret !== undefined) return { secret };
  if (jwks !== undefined) return { jwks };
  if (publicKey === undefined) return undefined;
  try {
    return { publicKey: readFileSync(publicKey, "utf8") };
  } catch (error) {
    throw usage(`The public key cannot be read from ${publicKey}: ${(error as Error).message}.`);
  }
}
