/**
 * Who may publish: the CI run of a version's tag, from a tree as it was committed. It has no token that could be stolen:
 * the registry trusts the repository's workflow by its identity (OpenID Connect), and writes down what was built of what
 * (provenance).
 */

export interface Circumstances {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  /** `git status --porcelain`. */
  readonly uncommitted: string;
  readonly repository: string | undefined;
  /** Titles of the changelog's sections. */
  readonly isInChangelog: boolean;
}

/** What stands against it, as sentences that say what to do; none when it may. */
export function objections({ environment, version, uncommitted, repository, isInChangelog }: Circumstances): readonly string[] {
  const changed = uncommitted.split("\n").filter((line) => line !== "");
  const isCi = environment["GITHUB_ACTIONS"] === "true" && environment["ACTIONS_ID_TOKEN_REQUEST_URL"] !== undefined;
  const ref = environment["GITHUB_REF"];
  return [
    ...(changed.length > 0
      ? [`The tree is dirty: ${changed.length} changes are not committed (${changed[0]!.trim()}). Commit or stash them.`]
      : []),
    ...(isCi
      ? []
      : [
          "This is no CI run that the registry can trust: push a version's tag, and .github/workflows/release.yml publishes (id-token: write).",
        ]),
    ...(isCi && ref !== `refs/tags/v${version}`
      ? [`This run is of ${ref ?? "no ref"}, and what would be published is ${version}: push the tag v${version}.`]
      : []),
    ...(repository === undefined ? ['package.json names no "repository": provenance ties a package to it. Name where it is hosted.'] : []),
    ...(isInChangelog ? [] : [`CHANGELOG.md has no section ${version}: npm run release -- --version ${version} writes it.`]),
  ];
}
