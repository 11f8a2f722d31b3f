/** The key of a server without any auth options, made on its first start: good for development alone. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { keepSecret } from "./secret.ts";

const FILE = "development-key.pem";

export const hasDevelopmentKey = (dataFolder: string): boolean => existsSync(join(dataFolder, FILE));

export function developmentKey(dataFolder: string): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } {
  const pem = keepSecret(dataFolder, FILE, () =>
    generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  );
  const privateKey = createPrivateKey(pem);
  return { privateKey, publicKey: createPublicKey(privateKey) };
}
