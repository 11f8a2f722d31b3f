/**
 * What is published, and of what. Workspaces that are not named here are private: what a published one imports of them is
 * built into it. Names, versions and entries are those of each workspace's package.json; their scope is in those alone, and
 * `npm run rename-scope` changes it everywhere.
 */

export interface Published {
  /** The workspace that carries its name. */
  readonly folder: string;
  /** More entries than its own `exports`, from another workspace: subpath by source file. */
  readonly more?: Readonly<Record<string, string>>;
  /** What its code is written down to. Default: TARGET. */
  readonly target?: readonly string[];
  /** Of what is built into it from elsewhere: dependencies that its users bring. */
  readonly peers?: Readonly<Record<string, string>>;
  /** Dependencies of what is built in that only a clone of this repository has. */
  readonly without?: readonly string[];
  /** Folders of the workspace that go along as they are. */
  readonly copies?: readonly string[];
}

/** Those that have what the client uses: `Promise.withResolvers`, `URL.canParse`. */
const BROWSERS = ["chrome120", "edge120", "firefox121", "safari17.4"];

export const PUBLISHED: readonly Published[] = [
  { folder: "packages/core" },
  { folder: "packages/client", target: BROWSERS },
  { folder: "packages/embedded" },
  { folder: "packages/handlers" },
  {
    folder: "packages/aws",
    more: { "./cdk": "apps/infra/src/index.ts" },
    peers: { "aws-cdk-lib": "^2.276.0", constructs: "^10.8.1" },
    without: [
      "@dynoxide/linux-x64",
      "@duckdb/node-bindings-linux-arm64",
      "@duckdb/node-bindings-linux-x64",
      "@streamer/handlers",
      "aws-cdk",
    ],
  },
  { folder: "packages/cli", without: ["@streamer/aws-local"], copies: ["templates"] },
];

/** Node versions that are supported: the first of each line whose SQLite has the fix of its write-ahead log. */
export const ENGINES = { node: "^22.23.0 || >=24.15.0" };
/** What the code that is built is written down to: no `using`, which Node 22 cannot read. */
export const TARGET = "node22.23";
