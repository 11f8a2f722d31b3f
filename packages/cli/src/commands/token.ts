/** streamer token: mints a token for development. */
import { existsSync } from "node:fs";
import { Option, type Command } from "commander";
import { signToken } from "@streamer/auth";
import { developmentKey } from "@streamer/embedded/development-key";
import { DEVELOPER } from "../access.ts";
import { DEFAULT_DATA_FOLDER } from "../defaults.ts";
import { EXIT_HELP, usage } from "../exit.ts";
import { addSecretOptions, readSecret, type SecretOptions } from "../secret.ts";
import type { Shell } from "../shell.ts";
import { createTerminal } from "../terminal.ts";
import { duration, gather } from "../values.ts";

interface TokenOptions extends SecretOptions {
  readonly dataFolder: string;
  readonly sub: string;
  readonly tenant: string;
  readonly permission?: readonly string[];
  readonly ttl: number;
  readonly json?: boolean;
}

const HELP = `
Examples:
  $ streamer token
  $ streamer token --sub anna --tenant acme --permission reports.read,reports.write --ttl 1h
  $ export STREAMER_TOKEN=$(streamer token --ttl 7d)
  $ streamer token --secret-file ./secret
${EXIT_HELP}`;

export function define(command: Command, shell: Shell): void {
  addSecretOptions(command, "sign with this HS256 secret instead")
    .description("Mint a token for development, signed with a data folder's key or with a secret.")
    .option("--data-folder <folder>", "the server's data folder, whose development key signs", DEFAULT_DATA_FOLDER)
    .option("--sub <user>", "whose token it is", DEVELOPER.userId)
    .option("--tenant <tenant>", "the user's tenant", DEVELOPER.tenantId)
    .option("--permission <names>", "permissions, with commas or given several times (default: none)", gather)
    .addOption(
      new Option("--ttl <duration>", "how long it is valid: 30s, 10m, 2h, 7d").argParser(duration).default(DEVELOPER.expiresInMs, "24h"),
    )
    .option("--json", "print one JSON line: token, sub, tenant_id, permissions, expires_at")
    .addHelpText("after", HELP)
    .action(async (options: TokenOptions) => {
      const { dataFolder, sub, tenant, permission = [], ttl, json = false } = options;
      const terminal = createTerminal(shell, json);
      const secret = readSecret(options, shell);
      if (secret === undefined && !existsSync(dataFolder)) {
        throw usage(
          `There is no data folder ${dataFolder}. Start a server once ("streamer serve"), or name its folder with --data-folder.`,
        );
      }
      const key = secret === undefined ? developmentKey(dataFolder).privateKey : Buffer.from(secret);
      const token = signToken(key, { userId: sub, tenantId: tenant, permissions: permission, expiresInMs: ttl }, Date.now());
      if (json) {
        terminal.printJson({
          token,
          sub,
          tenant_id: tenant,
          permissions: permission,
          expires_at: new Date(Date.now() + ttl).toISOString(),
        });
      } else terminal.print(token);
    });
}
